"""Reads the shop's lists of products, places and names, which are plain CSV beside this file."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

DEPARTMENTS: Mapping[str, str] = {
    "Electronics": "Technology",
    "Office Supplies": "Technology",
    "Toys & Games": "Leisure",
    "Sports & Outdoors": "Leisure",
    "Books": "Leisure",
    "Home & Kitchen": "Home",
    "Garden": "Home",
    "Pet Supplies": "Home",
    "Beauty": "Style",
    "Clothing": "Style",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """`popularity` is its share of sales beside the others; `launched_months_ago` None: before the shop's first order."""

    product_id: int
    name: str
    category: str
    brand: str
    list_price: Decimal
    unit_cost: Decimal
    weight_kg: Decimal | None
    color: str | None
    popularity: int
    launched_months_ago: int | None
    discontinued: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Country:
    """`weight` is its share of customers; `culture` names the row of names.csv its people are mostly called after."""

    name: str
    region: str
    market: str
    weight: int
    culture: str
    cities: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    first: tuple[str, ...]
    last: tuple[str, ...]


def read_products() -> tuple[Product, ...]:
    return tuple(
        Product(
            product_id=int(row["product_id"]),
            name=row["product_name"],
            category=row["category"],
            brand=row["brand"],
            list_price=Decimal(row["list_price"]),
            unit_cost=Decimal(row["unit_cost"]),
            weight_kg=Decimal(row["weight_kg"]) if row["weight_kg"] else None,
            color=row["color"] or None,
            popularity=int(row["popularity"]),
            launched_months_ago=int(row["launched_months_ago"]) if row["launched_months_ago"] else None,
            discontinued=row["discontinued"] == "true",
        )
        for row in _rows("products.csv")
    )


def read_countries() -> tuple[Country, ...]:
    return tuple(
        Country(
            name=row["country"],
            region=row["region"],
            market=row["market"],
            weight=int(row["weight"]),
            culture=row["names"],
            cities=tuple(row["cities"].split("|")),
        )
        for row in _rows("places.csv")
    )


def read_names() -> Mapping[str, Names]:
    """By culture."""
    return {
        row["culture"]: Names(first=tuple(row["first_names"].split("|")), last=tuple(row["last_names"].split("|")))
        for row in _rows("names.csv")
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    with files(__package__).joinpath(name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)
