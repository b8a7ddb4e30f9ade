"""The shop's database: customers, their orders and the catalogue, created and filled by code."""

import os
import sqlite3
from datetime import date, timedelta

SCHEMA = """
CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, cents INTEGER NOT NULL);
CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, address TEXT NOT NULL);
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id),
    sku TEXT NOT NULL REFERENCES products (sku),
    quantity INTEGER NOT NULL,
    status TEXT NOT NULL,
    placed_on TEXT NOT NULL,
    address TEXT NOT NULL,
    carrier TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    expected_on TEXT NOT NULL,
    refunded_cents INTEGER NOT NULL DEFAULT 0,
    refund_reason TEXT
);
"""

FIRST_NAMES = ("Maya", "Jonas", "Aiko", "Luis", "Nora", "Tariq", "Elif", "Pavel", "Ines", "Samuel", "Greta", "Omar")
LAST_NAMES = ("Weber", "Okafor", "Silva", "Novak", "Haddad", "Lindgren", "Moreau", "Tanaka", "Byrne", "Castillo")
STREETS = ("Mill Lane", "Harbour Street", "Linden Road", "Castle Hill", "Orchard Way", "Station Road", "Weaver Street")
TOWNS = ("Bristol", "Ghent", "Utrecht", "Leeds", "Aarhus", "Cork", "Bremen", "Lyon", "Porto")
MATERIALS = ("stoneware", "copper", "linen", "oak", "enamel", "wool")
ITEMS = ("kettle", "teapot", "bowl", "tray", "apron", "blanket", "mug", "carafe", "basket", "lantern")
STATUSES = ("processing", "shipped", "delivered", "delivered")
CARRIERS = ("Northline", "ParcelGo", "Tern Post")
FIRST_DAY = date(2026, 3, 2)

N_CUSTOMERS = 120
REGULAR_EVERY = 6
ORDERS_OF_A_REGULAR = 6
ORDERS_OF_OTHERS = 2


def connect(path: str | None = None) -> sqlite3.Connection:
    """Open the database, and fill it when it is new."""
    connection = sqlite3.connect(path or os.environ.get("SHOP_DATABASE", ":memory:"))
    connection.row_factory = sqlite3.Row
    if not connection.execute("SELECT name FROM sqlite_master WHERE name = 'orders'").fetchone():
        connection.executescript(SCHEMA)
        _fill(connection)
    return connection


def _fill(connection: sqlite3.Connection) -> None:
    skus = _add_products(connection)
    number = 1000
    for index in range(N_CUSTOMERS):
        address = _add_customer(connection, index)
        for _ in range(ORDERS_OF_A_REGULAR if index % REGULAR_EVERY == 0 else ORDERS_OF_OTHERS):
            _add_order(connection, number, f"c-{index + 1:03d}", address, skus[number * 7 % len(skus)])
            number += 1
    connection.commit()


def _add_products(connection: sqlite3.Connection) -> list[str]:
    skus = []
    for index in range(len(MATERIALS) * len(ITEMS)):
        name = f"{MATERIALS[index % len(MATERIALS)]} {ITEMS[index // len(MATERIALS)]}"
        description = f"A {name} from our own workshop, made to last; {10 + index % 7 * 5} cm, wipe clean."
        row = (f"KL-{index + 100}", name, description, 950 + index * 137 % 60 * 125)
        connection.execute("INSERT INTO products VALUES (?, ?, ?, ?)", row)
        skus.append(row[0])
    return skus


def _add_customer(connection: sqlite3.Connection, index: int) -> str:
    first, last = FIRST_NAMES[index % len(FIRST_NAMES)], LAST_NAMES[index // len(FIRST_NAMES)]
    address = f"{STREETS[index % len(STREETS)]} {index + 3}, {TOWNS[index % len(TOWNS)]}"
    email = f"{first}.{last}@example.com".lower()
    connection.execute(
        "INSERT INTO customers VALUES (?, ?, ?, ?)", (f"c-{index + 1:03d}", f"{first} {last}", email, address)
    )
    return address


def _add_order(connection: sqlite3.Connection, number: int, customer_id: str, address: str, sku: str) -> None:
    placed_on = FIRST_DAY + timedelta(days=number * 11 % 90)
    connection.execute(
        "INSERT INTO orders (id, customer_id, sku, quantity, status, placed_on, address, carrier, tracking_number,"
        " expected_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            f"A-{number}",
            customer_id,
            sku,
            1 + number % 3,
            STATUSES[number % len(STATUSES)],
            placed_on.isoformat(),
            address,
            CARRIERS[number % len(CARRIERS)],
            f"KL{number * 7919 % 10**8:08d}",
            (placed_on + timedelta(days=4 + number % 5)).isoformat(),
        ),
    )
