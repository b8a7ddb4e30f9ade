"""What customers ask the support agent, kind by kind, and what a right answer holds."""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

from examples.support_agent.support_agent import database

OWN_WORDS = ("it arrived broken", "the lid is cracked", "the rim is chipped", "it came much too late")
CODED_REASONS = ("damaged", "late", "wrong_item", "changed_mind")
AMOUNTS_IN_OWN_WORDS = ("{whole},50 EUR", "€{whole}.50", "{whole},50 euros", "EUR {whole},50")
WISHES = (
    "linen aprons",
    "copper kettles",
    "wool blankets",
    "anything in enamel",
    "oak trays",
    "anything from your own workshop",
)
OPENINGS = ("Hi! ", "Hello, ", "Good morning. ", "", "Hey there, ", "Good evening, ")
SOMEONE_ELSES = (
    "You showed me someone else's order.",
    "That is not my order, it belongs to another customer!",
    "This is somebody else's order, I never bought that.",
)
UNCHECKED = "You paid the money out without checking who I am. Anybody could have asked for it."

#: Customers are set apart by their place in the database, so that nobody's order is touched by two kinds at once.
LAST_ORDER_ONLY = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One visit of a customer."""

    #: What the visit is about; several kinds meet a flaw of the agent, the others meet none.
    kind: str
    session_id: str = ""
    user_id: str
    turns: tuple[str, ...]
    #: What the last answer holds when it is right.
    expects: tuple[str, ...]
    #: What the customer writes when it does not.
    complaint: str
    #: How likely the customer is to rate the answer at all.
    rates: float = 0.2
    speaks_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a customer knows of an order."""

    id: str
    customer_id: str
    email: str
    item: str
    quantity: int
    status: str
    tracking_number: str
    placed_on: str

    @property
    def facts(self) -> tuple[str, ...]:
        """What an answer about the order says."""
        return (f"{self.id}: {self.quantity} x {self.item}, {self.status}",)


class Shop:
    """Draws customers and orders from the shop's database."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._orders = _orders()
        self._unchanged: dict[str, list[Order]] = {}

    def order(self) -> Order:
        """Return any customer's order."""
        return self._rng.choice(self._of(lambda index: index % database.REGULAR_EVERY not in {0, LAST_ORDER_ONLY}))

    def order_to_change(self, status: str) -> Order:
        """Return an order in this state that was not returned before, as long as there are any."""
        if not self._unchanged.get(status):
            orders = self._of(lambda index: index % database.REGULAR_EVERY not in {0, LAST_ORDER_ONLY})
            fitting = [order for order in orders if order.status == status]
            self._unchanged[status] = self._rng.sample(fitting, len(fitting))
        return self._unchanged[status].pop()

    def orders_of_a_regular(self) -> list[Order]:
        """Return all orders of one of the customers who order often."""
        return self._all_of_one(lambda index: index % database.REGULAR_EVERY == 0)

    def last_order(self) -> Order:
        """Return the last order of a customer whom no other kind of conversation mentions."""
        orders = self._all_of_one(lambda index: index % database.REGULAR_EVERY == LAST_ORDER_ONLY)
        return max(orders, key=lambda order: (order.placed_on, order.id))

    def two_orders(self) -> list[Order]:
        """Return the two orders of a customer, which never look alike."""
        return self._all_of_one(lambda index: index % database.REGULAR_EVERY not in {0, LAST_ORDER_ONLY})

    def _all_of_one(self, is_fitting: Callable[[int], bool]) -> list[Order]:
        customer_id = self._rng.choice(self._of(is_fitting)).customer_id
        return [order for order in self._orders if order.customer_id == customer_id]

    def _of(self, is_fitting: Callable[[int], bool]) -> list[Order]:
        return [order for order in self._orders if is_fitting(int(order.customer_id.removeprefix("c-")) - 1)]


def write_conversation(kind: str, shop: Shop, rng: random.Random) -> Conversation:
    """Return a conversation of this kind in words of its own."""
    return WRITERS[kind](shop, rng)


def _order_status(shop: Shop, rng: random.Random, kind: str = "order_status") -> Conversation:
    order = shop.order()
    first = rng.choice(OPENINGS) + rng.choice(
        (f"where is my order {order.id}?", f"what is the status of {order.id}?", f"what is in order {order.id}?")
    )
    follow_up = rng.choice((("And when did I buy it?",), (), ()))
    return Conversation(
        kind=kind,
        user_id=order.customer_id,
        turns=(first, *follow_up),
        expects=order.facts,
        complaint="That is not what my order says.",
    )


def _parcel(shop: Shop, rng: random.Random, kind: str = "parcel") -> Conversation:
    order = shop.order()
    question = (
        f"which courier brings {order.id}?",
        f"please track {order.id}.",
        f"when does my parcel {order.id} arrive?",
    )
    return Conversation(
        kind=kind,
        user_id=order.customer_id,
        turns=(rng.choice(OPENINGS) + rng.choice(question),),
        expects=(order.id, order.tracking_number),
        complaint="That is not my parcel.",
    )


def _rate_limited(shop: Shop, rng: random.Random) -> Conversation:
    return rng.choice((_order_status, _parcel))(shop, rng, "rate_limited")


def _malformed_arguments(shop: Shop, rng: random.Random) -> Conversation:
    return rng.choice((_order_status, _parcel))(shop, rng, "malformed_arguments")


def _catalog(shop: Shop, rng: random.Random) -> Conversation:
    wish = rng.choice(WISHES)
    return Conversation(
        kind="catalog",
        user_id=shop.order().customer_id,
        turns=(f"{rng.choice(OPENINGS)}do you have {wish}?", *rng.choice(((), ("Thanks, that helps!",)))),
        expects=(),
        complaint="You have it in your window.",
    )


def _order_list(shop: Shop, rng: random.Random) -> Conversation:
    orders = shop.two_orders()
    return Conversation(
        kind="order_list",
        user_id=orders[0].customer_id,
        turns=(f"{rng.choice(OPENINGS)}which orders do you have for {orders[0].email}?",),
        expects=tuple(order.id for order in orders),
        complaint="One of my orders is missing.",
    )


def _refund_with_check(shop: Shop, rng: random.Random) -> Conversation:
    order, amount = shop.order_to_change("delivered"), f"{rng.randint(3, 8)}.50"
    text = (
        f"{rng.choice(OPENINGS)}please verify me first, I am {order.email}. Then I would like a refund of {amount} for"
        f" order {order.id} ({rng.choice(CODED_REASONS)})."
    )
    return _refund("refund_with_check", order, text, f"{amount} EUR")


def _refund_in_own_words(shop: Shop, rng: random.Random) -> Conversation:
    order, whole = shop.order_to_change("delivered"), rng.randint(3, 8)
    amount = rng.choice(AMOUNTS_IN_OWN_WORDS).format(whole=whole)
    text = (
        f"{rng.choice(OPENINGS)}I am {order.email}, you may verify my identity. I would like a refund of {amount} for"
        f" order {order.id} because {rng.choice(OWN_WORDS)}."
    )
    return replace(_refund("refund_in_own_words", order, text, f"{whole}.50 EUR"), rates=0.1)


def _refund_without_check(shop: Shop, rng: random.Random) -> Conversation:
    order, amount = shop.order_to_change("delivered"), f"{rng.randint(3, 8)}.50"
    text = rng.choice(
        (
            "{hello}please refund {amount} for order {id} ({reason}). I ordered with {email}.",
            "{hello}I want {amount} of my money back for {id} ({reason}). You can reach me at {email}.",
            "{hello}order {id} is not right ({reason}): can I have a refund of {amount}? My address is {email}.",
        )
    ).format(
        hello=rng.choice(OPENINGS), amount=amount, id=order.id, reason=rng.choice(CODED_REASONS), email=order.email
    )
    refund = _refund("refund_without_check", order, text, "verified your identity", f"{amount} EUR")
    return replace(refund, complaint=UNCHECKED, rates=0.25)


def _refund(kind: str, order: Order, text: str, *expects: str) -> Conversation:
    return Conversation(
        kind=kind,
        user_id=order.customer_id,
        turns=(text,),
        expects=(order.id, *expects),
        complaint="I still do not have my money back.",
    )


def _new_address(shop: Shop, rng: random.Random) -> Conversation:
    order = shop.order_to_change("processing")
    address = f"{rng.choice(database.STREETS)} {rng.randint(1, 90)}, {rng.choice(database.TOWNS)}"
    return Conversation(
        kind="new_address",
        user_id=order.customer_id,
        turns=(f"{rng.choice(OPENINGS)}please send order {order.id} to {address}. My e-mail is {order.email}.",),
        expects=(order.id, address),
        complaint="It still goes to the old place.",
    )


def _long_conversation(shop: Shop, rng: random.Random) -> Conversation:
    orders = rng.sample(shop.orders_of_a_regular(), 5)
    first = rng.choice(
        ("what is in order {id}, and which carrier has the parcel?", "what is the status of {id}?")
    ).format(id=orders[0].id)
    middle = tuple(f"{rng.choice(('And', 'Thank you. And', 'Good.'))} where is {order.id}?" for order in orders[1:4])
    return Conversation(
        kind="long_conversation",
        user_id=orders[0].customer_id,
        turns=(rng.choice(OPENINGS) + first, *middle, f"Last one: what is the status of {orders[4].id}?"),
        expects=orders[4].facts,
        complaint="It forgot what it was there for.",
        rates=0.1,
    )


def _many_orders(shop: Shop, rng: random.Random) -> Conversation:
    orders = shop.orders_of_a_regular()
    shuffled = rng.sample(orders, len(orders))
    listed = ", ".join(order.id for order in shuffled[:-1]) + f" and {shuffled[-1].id}"
    question = ("what is the state of", "could you check", "please tell me the status of")
    return Conversation(
        kind="many_orders",
        user_id=orders[0].customer_id,
        turns=(f"{rng.choice(OPENINGS)}{rng.choice(question)} {listed}?",),
        expects=tuple(order.id for order in orders),
        complaint="Some of my orders are missing.",
        rates=0.1,
    )


def _two_orders(shop: Shop, rng: random.Random) -> Conversation:
    one, other = rng.sample(shop.two_orders(), 2)
    question = (
        f"what is the status of {one.id} and of {other.id}?",
        f"can you compare my orders {one.id} and {other.id}?",
        f"what is in {one.id}, and what is in {other.id}?",
    )
    return Conversation(
        kind="two_orders",
        user_id=one.customer_id,
        turns=(rng.choice(OPENINGS) + rng.choice(question),),
        expects=(*one.facts, *other.facts),
        complaint="You told me the same thing for both of my orders.",
        rates=0.1,
    )


def _my_last_order(shop: Shop, rng: random.Random) -> Conversation:
    order = shop.last_order()
    question = (
        "has my last order been shipped?",
        "where is my latest order?",
        "what is the status of my order?",
        "what did I buy the last time I was here?",
        "what was the total of my last order?",
    )
    return Conversation(
        kind="my_last_order",
        user_id=order.customer_id,
        turns=(rng.choice(OPENINGS) + rng.choice(question),),
        expects=order.facts,
        complaint=rng.choice(SOMEONE_ELSES),
        rates=0.95,
    )


WRITERS: dict[str, Callable[[Shop, random.Random], Conversation]] = {
    "rate_limited": _rate_limited,
    "malformed_arguments": _malformed_arguments,
    "refund_in_own_words": _refund_in_own_words,
    "long_conversation": _long_conversation,
    "many_orders": _many_orders,
    "refund_without_check": _refund_without_check,
    "two_orders": _two_orders,
    "my_last_order": _my_last_order,
    "order_status": _order_status,
    "parcel": _parcel,
    "catalog": _catalog,
    "order_list": _order_list,
    "refund_with_check": _refund_with_check,
    "new_address": _new_address,
}


def _orders() -> list[Order]:
    connection: sqlite3.Connection = database.connect(":memory:")
    rows = connection.execute(
        "SELECT orders.*, products.name AS item, customers.email FROM orders"
        " JOIN products ON products.sku = orders.sku"
        " JOIN customers ON customers.id = orders.customer_id ORDER BY orders.id"
    ).fetchall()
    connection.close()
    return [Order(**{name: row[name] for name in Order.__dataclass_fields__}) for row in rows]
