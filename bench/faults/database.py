"""The orders that the rig's reports are about: one SQLite file with two indexes, either of which may be lost."""

import sqlite3
from pathlib import Path

ROWS = 200_000
INDEXES = {"orders_customer": "customer", "orders_day": "day"}


def fill(path: Path) -> None:
    """A new file."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, day INTEGER, total INTEGER, note TEXT)"
        )
        rows = ((index, index * 7919 % 20_011, index * 104_729 % 1_500, index % 997, "x" * 60) for index in range(ROWS))
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)
    for name in INDEXES:
        create_index(path, name)


def drop_index(path: Path, name: str) -> None:
    with sqlite3.connect(path, timeout=10) as connection:
        connection.execute(f"DROP INDEX IF EXISTS {name}")


def create_index(path: Path, name: str) -> None:
    with sqlite3.connect(path, timeout=10) as connection:
        connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON orders ({INDEXES[name]})")
