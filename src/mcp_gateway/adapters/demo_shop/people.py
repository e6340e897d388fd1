"""Customers and employees of the demo shop, drawn from its lists of places and names.

Customers stand in the order of their sign-up. Some never order, some stopped ordering more than half a year ago; who may
stand in for them is worked out here, so that the orders can be drawn by arithmetic alone.
"""

import random
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mcp_gateway.adapters.demo_shop.catalogue import Country, Names

CUSTOMERS = 2400
# The share of customers who had an account before the first order; the orders' arithmetic in trade.sql uses the same.
EARLY_SHARE = 0.35
_STAFF = ("Data Analyst", "Accountant", "Warehouse Lead", "Support Agent", "Support Agent", "Marketing Lead")
_COMPANIES = ("{} & Co", "{} Trading", "{} Logistics", "{} Studio", "{} Partners", "{} Foods", "Hotel {}", "{} Interiors")


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    customer_id: int
    customer_name: str
    segment: str
    email: str | None
    phone: str | None
    city: str
    country: str
    region_id: int
    birth_date: date | None
    signup_date: date
    loyalty_tier: str | None
    newsletter: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Employee:
    employee_id: int
    employee_name: str
    job_title: str
    region_id: int | None
    manager_id: int | None
    hire_date: date
    salary: int
    email: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Buyer:
    """Who orders when the draw falls on `rank`: early in the two years, and in the last months."""

    rank: int
    early_customer_id: int
    late_customer_id: int


def draw_customers(
    chance: random.Random,
    countries: Sequence[Country],
    names: Mapping[str, Names],
    regions: Mapping[str, int],
    first_day: date,
    today: date,
) -> list[Customer]:
    taken: set[str] = set()
    weights = [country.weight for country in countries]
    window = (today - first_day).days
    customers = []
    for rank in range(CUSTOMERS):
        country = chance.choices(countries, weights)[0]
        segment = chance.choices(("Consumer", "Small Business", "Enterprise"), (75, 18, 7))[0]
        person = _draw_name(chance, names, country.culture, taken) if segment == "Consumer" else None
        name = person or _draw_company(chance, names[country.culture], taken)
        share = rank / CUSTOMERS
        if share < EARLY_SHARE:
            signup = first_day - timedelta(days=int(1000 * (1 - share / EARLY_SHARE)) + 1)
        else:
            signup = first_day + timedelta(days=int(window * (share - EARLY_SHARE) / (1 - EARLY_SHARE)))
        customers.append(
            Customer(
                customer_id=1001 + rank,
                customer_name=name,
                segment=segment,
                email=f"{_mail_name(name)}@example.com" if chance.random() < 0.94 else None,
                phone=f"+{chance.randint(20, 98)} {chance.randint(100, 999)} {chance.randint(100000, 999999)}"
                if chance.random() < 0.7
                else None,
                city=chance.choices(country.cities, range(2 * len(country.cities), len(country.cities), -1))[0],
                country=country.name,
                region_id=regions[country.region],
                birth_date=date(chance.randint(1945, 2004), chance.randint(1, 12), chance.randint(1, 28))
                if person and chance.random() < 0.85
                else None,
                signup_date=signup,
                loyalty_tier=chance.choices(("Gold", "Silver", "Bronze", None), (8, 17, 30, 45))[0],
                newsletter=chance.random() < 0.46,
            )
        )
    return customers


def find_buyers(customers: Sequence[Customer]) -> list[Buyer]:
    """One customer in seventeen never orders, one in nine of the earlier ones has stopped; the nearest before stands in."""
    buyers, early, late = [], 0, 0
    for rank, customer in enumerate(customers):
        never = rank % 17 == 3
        stopped = rank % 9 == 4 and rank < 0.7 * len(customers)
        early = early if never and rank else customer.customer_id
        late = late if (never or stopped) and rank else customer.customer_id
        buyers.append(Buyer(rank=rank, early_customer_id=early, late_customer_id=late))
    return buyers


def draw_employees(
    chance: random.Random,
    countries: Sequence[Country],
    names: Mapping[str, Names],
    regions: Mapping[str, int],
    today: date,
    customers: Iterable[str],
) -> list[Employee]:
    """The chief first, then the head of sales, each region's manager with four or five representatives, then staff.

    Nobody is called like one of `customers`.
    """
    taken = set(customers)
    employees: list[Employee] = []

    def hire(title: str, culture: str, region_id: int | None, manager_id: int | None, salary: tuple[int, int]) -> int:
        name = _draw_name(chance, names, culture, taken)
        employees.append(
            Employee(
                employee_id=len(employees) + 1,
                employee_name=name,
                job_title=title,
                region_id=region_id,
                manager_id=manager_id,
                hire_date=today - timedelta(days=chance.randint(120, 4200)),
                salary=chance.randint(*salary) * 100,
                email=f"{_mail_name(name)}@shop.example",
            )
        )
        return len(employees)

    chief = hire("Chief Executive", "african", None, None, (1650, 1650))
    head = hire("Head of Sales", "spanish", None, chief, (1180, 1180))
    for region, region_id in regions.items():
        cultures = [country.culture for country in countries if country.region == region]
        manager = hire("Regional Manager", chance.choice(cultures), region_id, head, (720, 890))
        for _ in range(chance.randint(4, 5)):
            hire("Sales Representative", chance.choice(cultures), region_id, manager, (380, 620))
    for title in _STAFF:
        hire(title, chance.choice(sorted(names)), None, chief, (360, 700))
    return employees


def _draw_name(chance: random.Random, names: Mapping[str, Names], culture: str, taken: set[str]) -> str:
    """A full name nobody in `taken` has; one in six people is called after another culture than their country's."""
    while True:
        pool = names[culture if chance.random() < 0.84 else chance.choice(sorted(names))]
        name = f"{chance.choice(pool.first)} {chance.choice(pool.last)}"
        if name not in taken:
            taken.add(name)
            return name


def _draw_company(chance: random.Random, pool: Names, taken: set[str]) -> str:
    while True:
        name = chance.choice(_COMPANIES).format(chance.choice(pool.last))
        if name in taken:
            name = f"{name} {chance.randint(2, 99)}"
        if name not in taken:
            taken.add(name)
            return name


def _mail_name(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return ".".join("".join(letter for letter in word if letter.isalnum()) for word in plain.lower().split() if word != "&")
