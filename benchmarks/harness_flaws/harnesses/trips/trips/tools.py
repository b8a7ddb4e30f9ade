"""What the travel assistant can do."""

from datetime import date

from switchboard import Memory, ToolError, tool
from trips import timetable


@tool
def find_trains(origin: str, destination: str, day: str):
    """Find the trains between two stations on one day, with their offers and prices.

    origin: The station where the journey starts.
    destination: The station where it ends.
    day: The day of travel as an ISO date (YYYY-MM-DD).
    """
    for station in (origin, destination):
        if station not in timetable.STATIONS:
            raise ToolError(f"there is no station {station}")
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise ToolError(f"{day!r} is not a date like 2026-12-31") from None
    return [
        {"offer_id": each.offer_id, "train": each.number, "leaves": each.leaves, "price_eur": each.price_eur}
        for each in timetable.trains(origin, destination, wanted)
    ]


@tool
def book_seat(offer: str):
    """Book a seat in a train that find_trains has found.

    offer: The offer_id of the train, such as OF-112014.
    """
    found = timetable.offer(offer)
    if found is None:
        raise ToolError(f"there is no offer {offer}: an offer_id of find_trains is needed")
    if not found.seats:
        raise ToolError(f"the train {found.number} is sold out")
    return {"booked": found.offer_id, "train": found.number, "leaves": found.leaves}


@tool
def remember(context: Memory, name: str, value: str):
    """Remember a fact about the traveller for the rest of this conversation.

    name: What the fact is about, such as home.
    value: The fact itself.
    """
    context.remember(name, value)
    return {"remembered": name}
