"""Choosing who writes the SQL, where a language model is configured beside the engine."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.gateway_process import GatewayProcess
from tests.browser.page_watch import PageWatch, watched_page
from tests.contracts.openai_server import OpenAIServer, openai_server, tool_call

pytestmark = pytest.mark.browser

DRAFTED = {"sql": "SELECT COUNT(*) AS customers FROM customers", "description": "The number of customers.", "confidence": 0.9}


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with openai_server(tool_call(DRAFTED)) as server:
        yield server


@pytest.fixture
def with_model(chromium: Browser, cache_dir: Path, model: OpenAIServer) -> Iterator[PageWatch]:
    environment = {"OPENAI_BASE_URL": model.url, "OPENAI_MODEL": "small-one"}
    with GatewayProcess(cache_dir, environment).running() as process, watched_page(chromium, process.url) as page_watch:
        page_watch.open()
        yield page_watch


def test_without_a_model_there_is_nothing_to_choose(watch: PageWatch) -> None:
    expect(watch.page.get_by_label("SQL is written by")).to_be_hidden()


def test_the_model_chosen_writes_the_sql_and_stays_chosen(with_model: PageWatch, model: OpenAIServer) -> None:
    choice = with_model.page.get_by_label("SQL is written by")
    expect(choice).to_have_value("auto")
    expect(choice.locator("option")).to_have_text([re.compile("unsure"), re.compile("engine alone"), re.compile("small-one")])

    choice.select_option("engine")
    with_model.ask("revenue by region this year")
    assert not model.requests

    choice.select_option("model")
    turn = with_model.ask("revenue by region this year")
    expect(turn.locator(".sentence")).to_have_text("The number of customers.")
    assert len(model.requests) == 1

    with_model.open()
    expect(choice).to_have_value("model")


def test_the_shop_offers_six_questions_to_begin_with(watch: PageWatch) -> None:
    expect(watch.page.get_by_label("Example questions").get_by_role("button")).to_have_count(6)


def test_the_sentence_says_what_was_understood_and_nothing_that_stands_elsewhere(watch: PageWatch) -> None:
    turn = watch.ask("Show me total sales for abracadabra this month")

    sentence = turn.locator(".sentence").inner_text()
    assert sentence.endswith(".")
    assert "means" not in sentence
    assert sentence.count(".") == 1
