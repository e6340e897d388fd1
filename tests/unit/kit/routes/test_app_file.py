"""The application's file gets the two lines of a router, once, and loses them again."""

import pytest

from mcp_gateway.kit.routes.app_file import with_router, without_router
from mcp_gateway.kit.routes.errors import ApplicationUnclear

MODULE, ALIAS = "backend.routers.products", "products_router"
PLAIN = '''\
"""The app."""

from fastapi import FastAPI

app = FastAPI()  # odd   spacing stays
kit.install(app)


@app.get("/")
async def root(  ) -> None:
    pass
'''
FACTORY = """\
import fastapi

from backend.zoo import animals


def create_app(debug: bool) -> fastapi.FastAPI:
    app = fastapi.FastAPI()
    app.include_router(animals)
    if debug:
        app.debug = True
    return app
"""


def test_the_lines_stand_where_a_person_would_put_them() -> None:
    assert with_router(PLAIN, MODULE, ALIAS) == PLAIN.replace(
        "import FastAPI\n", "import FastAPI\n\nfrom backend.routers.products import router as products_router\n"
    ).replace("kit.install(app)\n", "kit.install(app)\napp.include_router(products_router)\n")


def test_an_application_made_in_a_function_gets_its_call_there() -> None:
    changed = with_router(FACTORY, MODULE, ALIAS)
    assert "    app.include_router(animals)\n    app.include_router(products_router)\n    if debug:" in changed
    assert "from backend.routers.products import router as products_router\nfrom backend.zoo import animals\n" in changed


@pytest.mark.parametrize("source", [PLAIN, FACTORY])
def test_a_second_time_changes_nothing_and_removing_gives_back_every_byte(source: str) -> None:
    once = with_router(source, MODULE, ALIAS)
    compile(once, "app.py", "exec")
    assert with_router(once, MODULE, ALIAS) == once
    assert without_router(once, MODULE) == source


def test_a_name_that_somebody_else_chose_is_kept() -> None:
    mine = PLAIN.replace("import FastAPI\n", "import FastAPI\n\nfrom backend.routers.products import router as mine\n")
    changed = with_router(mine, MODULE, ALIAS)
    assert "app.include_router(mine)" in changed
    assert ALIAS not in changed


def test_several_routers_stand_in_order() -> None:
    changed = with_router(with_router(PLAIN, MODULE, ALIAS), "backend.routers.orders", "orders_router")
    assert changed.index("import router as orders_router") < changed.index("import router as products_router")
    assert changed.index("include_router(products_router)") < changed.index("include_router(orders_router)")


def test_options_of_a_call_that_is_there_are_left_alone() -> None:
    once = with_router(PLAIN, MODULE, ALIAS).replace("(products_router)", '(products_router, prefix="/v2")')
    assert with_router(once, MODULE, ALIAS) == once


@pytest.mark.parametrize(
    "source", ["", "x = 1\n", "def broken(:\n", "one = FastAPI()\ntwo = FastAPI()\n", "apps = [FastAPI()]\n"]
)
def test_a_file_without_one_clear_application_is_refused(source: str) -> None:
    with pytest.raises(ApplicationUnclear):
        with_router(source, MODULE, ALIAS)


@pytest.mark.parametrize(
    "deep", ["[" * 20_000 + "]" * 20_000, "-" * 20_000 + "1", "not " * 900 + "b", " and ".join("a" * 20_000), "a" + "()" * 400]
)
def test_a_file_made_to_hurt_its_reader_is_refused(deep: str) -> None:
    with pytest.raises(ApplicationUnclear):
        with_router(f"{PLAIN}x = {deep}\n", "backend.routers.products", "products_router")
    with pytest.raises(ApplicationUnclear):
        without_router(f"from backend.routers.products import router\n{PLAIN}x = {deep}\n", "backend.routers.products")


def test_removing_what_is_not_there_changes_nothing() -> None:
    assert without_router(PLAIN, MODULE) == PLAIN
