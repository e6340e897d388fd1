"""Forms in words."""

import pytest

from mcp_gateway.ask.engine.describe import Labels, describe
from mcp_gateway.ask.engine.form import (
    Aggregate,
    And,
    Arithmetic,
    Between,
    ColumnRef,
    Comparison,
    DateRange,
    Exists,
    InList,
    InQuery,
    IsNull,
    Join,
    Like,
    Literal,
    Not,
    Or,
    Order,
    Query,
    RawCondition,
    RawExpression,
    RawRange,
    ScalarQuery,
    Select,
    SetOperation,
    TableRef,
    Target,
    Truncation,
)

SALES, CUSTOMERS, PRODUCTS, ORDERS = (TableRef(name) for name in ("sales", "customers", "products", "orders"))
AMOUNT, SALE_DATE = ColumnRef("sales", "amount"), ColumnRef("sales", "sale_date")
PRODUCT, NAME = ColumnRef("products", "product_name"), ColumnRef("customers", "customer_name")
TOTAL = Aggregate("sum", AMOUNT)
ROWS = Aggregate("count")
COUNTRY, PRICE = ColumnRef("customers", "country"), ColumnRef("products", "list_price")
WANDS = Comparison(PRODUCT, "=", Literal("Magic Wand Pro"))
NOVEMBER = DateRange(SALE_DATE, "2026-11-01", "2026-11-22")
JOIN = (Join(PRODUCTS, ((ColumnRef("sales", "product_id"), ColumnRef("products", "product_id")),)),)
SINCE_2026 = DateRange(ColumnRef("orders", "order_date"), "2026-01-01", None)
BUYERS = Select(ORDERS, (Target(ColumnRef("orders", "customer_id")),), where=(SINCE_2026,))
FROM_MARCH = Comparison(ColumnRef("orders", "order_date"), ">=", Literal("2026-03-05", "date"))
IN_SPAIN = Comparison(COUNTRY, "=", Literal("Spain"))
PEOPLE = Select(CUSTOMERS, (Target(NAME),))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            Select(
                SALES, (Target(Truncation("month", SALE_DATE)), Target(TOTAL)), joins=JOIN, where=(WANDS, NOVEMBER),
                group_by=(Truncation("month", SALE_DATE),),
            ),
            "Total amount of sales where product is Magic Wand Pro, from 1 to 21 November 2026, by month",
        ),
        (Select(CUSTOMERS, (Target(ROWS),)), "Number of customers"),
        (Select(CUSTOMERS, ()), "All details of customers"),
        (PEOPLE, "Customer"),
        (Select(CUSTOMERS, (Target(COUNTRY),), distinct=True), "The different countries of customers"),
        (Select(CUSTOMERS, (Target(Aggregate("count", COUNTRY, distinct=True)),)), "Number of different countries"),
        (
            Select(PRODUCTS, (Target(PRODUCT), Target(PRICE)), order_by=(Order(PRICE, True),), limit=5),
            "Product and list price, the 5 with the highest list price",
        ),
        (Select(PRODUCTS, (Target(PRODUCT),), order_by=(Order(PRICE),), limit=1), "Product, the one with the lowest list price"),
        (
            Select(
                CUSTOMERS, (Target(COUNTRY), Target(ROWS)), group_by=(COUNTRY,),
                having=(Comparison(ROWS, ">=", Literal(10, "number")),),
            ),
            "Number of customers, by country, only where number of customers is at least 10",
        ),
        (Select(CUSTOMERS, (Target(NAME),), where=(InQuery(ColumnRef("customers", "customer_id"), BUYERS, True),)),
         "Customer, without orders since 2026"),
        (Select(CUSTOMERS, (Target(NAME),), where=(Exists(Select(ORDERS, ())),)), "Customer, with orders"),
        (Select(CUSTOMERS, (Target(ROWS),), where=(RawCondition("active customers", (), ("customers",)),)),
         "Number of customers, only active customers"),
        (Select(SALES, (Target(RawExpression("revenue", (), ("sales",))),), where=(RawRange(SALE_DATE, "this month", (), ()),)),
         "Revenue, this month"),
        (
            Select(CUSTOMERS, (Target(NAME),), where=(
                Or((InList(COUNTRY, (Literal("Spain"), Literal("Italy"))), Like(NAME, "Trading", "ends"))),
                Not(IsNull(ColumnRef("customers", "phone"))),
            )),
            'Customer where country is Spain or Italy or customer ends with "Trading" and not (phone is empty)',
        ),
        (
            Select(PRODUCTS, (Target(PRODUCT),), where=(And((Between(PRICE, Literal(10, "number"), Literal(20, "number")),
                   Comparison(ColumnRef("products", "discontinued"), "=", Literal(False, "boolean")))),)),
            "Product where list price is between 10 and 20 and discontinued is false",
        ),
        (
            Select(PRODUCTS, (Target(PRODUCT),), where=(
                Comparison(PRICE, ">", ScalarQuery(Select(PRODUCTS, (Target(Aggregate("avg", PRICE)),)))),)),
            "Product where list price is above the average list price of products",
        ),
        (
            Select(ORDERS, (Target(Aggregate("max", ColumnRef("orders", "order_date"))),)),
            "Latest order date",
        ),
        (
            Select(SALES, (Target(Arithmetic("/", TOTAL, ROWS), "share_of_total"),), group_by=()),
            "Share of total",
        ),
        (SetOperation("except", PEOPLE, Select(CUSTOMERS, (Target(NAME),), where=(IN_SPAIN,))),
         "Customer, leaving out: customer where country is Spain"),
        (Select(ORDERS, (Target(ROWS),), where=(FROM_MARCH,)),
         "Number of orders where order date is no earlier than 5 March 2026"),
    ],
)  # fmt: skip
def test_a_form_is_said_in_one_sentence(query: Query, sentence: str) -> None:
    assert describe(query) == sentence


def test_a_value_is_called_by_its_label() -> None:
    query = Select(SALES, (Target(TOTAL),), where=(Comparison(ColumnRef("products", "product_id"), "=", Literal(123, "number")),))
    labels: Labels = {("products", "product_id", 123): "Magic Wand Pro"}
    assert describe(query, labels) == "Total amount of sales where product id is 123 (Magic Wand Pro)"


def test_a_key_that_is_not_shown_is_not_said_beside_its_label() -> None:
    key = ColumnRef("products", "product_id")
    by_product = Select(SALES, (Target(PRODUCT), Target(TOTAL)), group_by=(key, PRODUCT))
    assert describe(by_product) == "Total amount of sales, by product"


def test_the_best_of_each_group_is_said_with_the_group() -> None:
    category, key = ColumnRef("categories", "category_name"), ColumnRef("categories", "category_id")
    order = (Order(PRICE, descending=True),)
    best = Select(PRODUCTS, (Target(category), Target(PRODUCT)), order_by=order, limit=1, within=(key,))
    assert describe(best) == "Category and product, the one with the highest list price in each category"


def test_the_second_best_is_said_so() -> None:
    second = Select(PRODUCTS, (Target(PRODUCT),), order_by=(Order(PRICE, descending=True),), limit=1, offset=1)
    assert describe(second) == "Product, the one with the second highest list price"


def test_rows_counted_over_a_join_are_called_after_the_many() -> None:
    pair = (ColumnRef("customers", "customer_id"), ColumnRef("orders", "customer_id"))
    orders = Join(TableRef("orders"), (pair,))
    by_customer = Select(CUSTOMERS, (Target(NAME), Target(ROWS)), joins=(orders,), group_by=(NAME,))
    assert describe(by_customer) == "Number of orders, by customer"
