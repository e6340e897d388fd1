"""What the speed measurements ask: a dozen questions again and again, and questions of which no two are alike."""

from collections.abc import Iterator
from itertools import count

QUESTIONS = (
    "Show me total sales for abracadabra this month",
    "how many customers are there",
    "revenue by region this year",
    "top 5 products by turnover last month",
    "number of orders by month",
    "average order value",
    "customers from Germany",
    "products in the category Books",
    "which employees work in the north region",
    "how many returns were there last year",
    "list all categories",
    "most expensive product",
)
_MONTHS = "January February March April May June July August September October November December".split()
_COUNTRIES = ("Germany", "France", "Spain", "Italy", "Poland")
_TEMPLATES = (
    "total sales for abracadabra in the last {number} days",
    "how many customers placed more than {number} orders",
    "revenue by region in the last {number} days",
    "top {number} products by turnover in {month}",
    "number of orders by month in the last {number} months",
    "average order value in the last {number} days",
    "customers from {country} who ordered more than {number} times",
    "products in the category Books that cost more than {number}",
    "top {number} categories by revenue in {month}",
    "how many returns were there in the last {number} days",
    "categories with more than {number} products",
    "products that cost more than {number}",
)


def distinct_questions() -> Iterator[str]:
    """As varied as `QUESTIONS`, in the same proportions, without end and without repeating."""
    for place in count():
        number, template = divmod(place, len(_TEMPLATES))
        month, country = _MONTHS[number % len(_MONTHS)], _COUNTRIES[number % len(_COUNTRIES)]
        yield _TEMPLATES[template].format(number=number + 2, month=month, country=country)
