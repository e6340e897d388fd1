"""A project on disk: shown first, never over what somebody changed, and back again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_gateway.kit.routes.checks import checked
from mcp_gateway.kit.routes.errors import InvalidRouterOrder, ProjectNotWritable, RouterChanged
from mcp_gateway.kit.routes.generate import Generated, generate
from mcp_gateway.kit.routes.order import RouterOrder, Surroundings
from mcp_gateway.kit.routes.project import Change, carry_out, changes, layout_of, plan, removal, surroundings


def made(root: Path, name: str = "products", **options: bool) -> Generated:
    order = RouterOrder(router_name=name, operations=("list", "get"), **options)  # type: ignore[arg-type]  # flags alone
    return generate(order, surroundings(root, "backend", name))


def written(root: Path, name: str = "products", **options: bool) -> None:
    carry_out(root, changes(root, made(root, name, **options)))


def tree(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_an_empty_project_gets_a_router_its_tests_and_an_application(tmp_path: Path) -> None:
    written(tmp_path)
    assert tree(tmp_path).keys() == {
        "pyproject.toml",
        "src/backend/__init__.py",
        "src/backend/app.py",
        "src/backend/routers/__init__.py",
        "src/backend/routers/products.py",
        "tests/test_products.py",
    }
    assert "app.include_router(products_router)\n" in tree(tmp_path)["src/backend/app.py"]


@pytest.mark.parametrize("name", ["pyproject.toml", "pytest.ini", "setup.cfg"])
def test_what_a_project_says_of_its_tests_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    written(tmp_path)
    assert [path for path in tree(tmp_path) if "/" not in path] == [name]


@pytest.mark.parametrize("in_the_way", ["tests", "src/backend/app.py/x"])
def test_all_is_written_or_nothing(in_the_way: str, tmp_path: Path) -> None:
    planned = changes(tmp_path, made(tmp_path))
    place = tmp_path / in_the_way
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("mine\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((ProjectNotWritable, InvalidRouterOrder)):
        carry_out(tmp_path, planned)
    assert sorted(tmp_path.rglob("*")) == before
    assert tree(tmp_path) == {in_the_way: "mine\n"}


def test_what_was_replaced_comes_back_when_the_rest_cannot_be_written(tmp_path: Path) -> None:
    written(tmp_path)
    before = tree(tmp_path)
    blocked = Change(path="tests/test_products.py/x.py", before=None, after="")
    planned = (*changes(tmp_path, made(tmp_path, include_caching=False)), *removal(tmp_path, made(tmp_path).order)[2:], blocked)
    assert len(planned) > 1
    with pytest.raises(ProjectNotWritable):
        carry_out(tmp_path, planned)
    assert tree(tmp_path) == before


def test_a_second_run_gives_no_difference(tmp_path: Path) -> None:
    written(tmp_path)
    assert changes(tmp_path, made(tmp_path)) == ()


def test_showing_writes_nothing(tmp_path: Path) -> None:
    shown = changes(tmp_path, made(tmp_path))
    assert "+from backend.routers.products import router as products_router\n" in "".join(change.diff for change in shown)
    assert tree(tmp_path) == {}


def test_another_order_replaces_what_nobody_changed(tmp_path: Path) -> None:
    written(tmp_path)
    before = tree(tmp_path)["src/backend/routers/products.py"]
    written(tmp_path, include_caching=False)
    after = tree(tmp_path)["src/backend/routers/products.py"]
    assert "Cache(" not in after.replace("Cache[Json](", "")
    assert after != before


def test_what_somebody_changed_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path)
    router = tmp_path / "src/backend/routers/products.py"
    router.write_text(router.read_text() + "# mine\n")
    before = tree(tmp_path)
    planned = changes(tmp_path, made(tmp_path, include_caching=False))
    assert [change.path for change in planned if change.by_hand] == ["src/backend/routers/products.py"]
    with pytest.raises(RouterChanged):
        carry_out(tmp_path, planned)
    assert tree(tmp_path) == before


def test_a_file_of_somebody_elses_is_a_collision(tmp_path: Path) -> None:
    routers = tmp_path / "src/backend/routers"
    routers.mkdir(parents=True)
    (routers / "products.py").write_text("mine = 1\n")
    with pytest.raises(InvalidRouterOrder, match="a module `products`"):
        made(tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_orders.py").write_text("mine = 1\n")
    planned = changes(tmp_path, made(tmp_path, "orders"))
    assert [change.path for change in planned if change.by_hand] == ["tests/test_orders.py"]


def test_an_address_somewhere_in_the_package_is_taken(tmp_path: Path) -> None:
    package = tmp_path / "src/backend"
    package.mkdir(parents=True)
    (package / "old.py").write_text('router = APIRouter(prefix="/api/products")\n')
    with pytest.raises(InvalidRouterOrder, match="is taken already"):
        made(tmp_path)


@pytest.mark.parametrize(
    "code",
    ["# caf\xe9\n".encode("latin-1"), b"DATA = (\n" + b"    1234567,\n" * 200_000 + b")\n", b'A = "\x00"\n'],
    ids=["latin-1", "large", "odd"],
)
def test_a_module_of_any_encoding_and_size_in_the_package_is_searched_for_addresses(code: bytes, tmp_path: Path) -> None:
    package = tmp_path / "src/backend"
    package.mkdir(parents=True)
    (package / "old.py").write_bytes(code)
    written(tmp_path, "orders")
    (package / "old.py").write_bytes(code + b'router = APIRouter(prefix="/api/products")\n')
    with pytest.raises(InvalidRouterOrder, match="is taken already"):
        made(tmp_path)


def test_what_changed_since_it_was_shown_stays(tmp_path: Path) -> None:
    written(tmp_path)
    planned = changes(tmp_path, made(tmp_path, "orders"))
    app = tmp_path / "src/backend/app.py"
    app.write_text(app.read_text() + "# meanwhile\n")
    before = tree(tmp_path)
    with pytest.raises(RouterChanged):
        carry_out(tmp_path, planned)
    assert tree(tmp_path) == before


def test_windows_line_ends_do_not_look_like_a_change(tmp_path: Path) -> None:
    written(tmp_path)
    router = tmp_path / "src/backend/routers/products.py"
    router.write_bytes(router.read_bytes().replace(b"\n", b"\r\n"))
    assert not any(change.by_hand for change in changes(tmp_path, made(tmp_path)))


@pytest.mark.parametrize("settings", ["line-length = 60", "line-length = 130\nformat.quote-style = 'single'"])
def test_a_formatter_of_the_projects_own_does_not_look_like_somebody(settings: str, tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "ruff.toml").write_text(f"{settings}\n")
    before = tree(tmp_path)
    subprocess.run([Path(sys.executable).with_name("ruff"), "format", "--quiet", tmp_path], check=True, timeout=60)
    router = tmp_path / "src/backend/routers/products.py"
    assert router.read_text() != before["src/backend/routers/products.py"]
    assert changes(tmp_path, made(tmp_path)) == ()
    assert not any(change.by_hand for change in changes(tmp_path, made(tmp_path, include_caching=False)))
    router.write_text(router.read_text() + "# mine\n")
    assert [change.path for change in changes(tmp_path, made(tmp_path)) if change.by_hand] == ["src/backend/routers/products.py"]


@pytest.mark.parametrize("text", ["(" * 5_000, "x = " + "-" * 5_000 + "1\n", "\x00\n", "if True:\n x\n"])
def test_a_generated_file_that_is_no_python_any_more_is_somebodys(text: str, tmp_path: Path) -> None:
    written(tmp_path)
    router = tmp_path / "src/backend/routers/products.py"
    router.write_text(router.read_text() + text)
    assert [change.path for change in changes(tmp_path, made(tmp_path)) if change.by_hand] == ["src/backend/routers/products.py"]


def test_links_do_not_lead_out_of_the_project(tmp_path: Path) -> None:
    outside, project = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    project.mkdir()
    (project / "src").symlink_to(outside)
    with pytest.raises(InvalidRouterOrder, match="leads out of the project"):
        changes(project, generate(RouterOrder(router_name="products")))
    assert not list(outside.iterdir())


def test_a_pipe_in_the_package_is_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "src/backend"
    folder.mkdir(parents=True)
    for name in ("app.py", "pipes.py"):
        os.mkfifo(folder / name)
    planned = plan(tmp_path, made(tmp_path))
    assert not planned.joins
    assert [note for note in planned.notes if "app.py is no file" in note]


def test_a_link_within_the_project_stays_one(tmp_path: Path) -> None:
    (tmp_path / "src/backend").mkdir(parents=True)
    (tmp_path / "real.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    (tmp_path / "src/backend/app.py").symlink_to("../../real.py")
    written(tmp_path)
    assert (tmp_path / "src/backend/app.py").is_symlink()
    assert "products_router" in (tmp_path / "real.py").read_text()


def test_removing_gives_back_what_was_there(tmp_path: Path) -> None:
    written(tmp_path)
    before = tree(tmp_path)
    written(tmp_path, "orders")
    order = checked(RouterOrder(router_name="orders"), Surroundings())
    carry_out(tmp_path, removal(tmp_path, order))
    assert tree(tmp_path) == before
    assert removal(tmp_path, order) == ()


def test_what_somebody_changed_is_not_removed(tmp_path: Path) -> None:
    written(tmp_path)
    tests = tmp_path / "tests/test_products.py"
    tests.write_text(tests.read_text() + "# mine\n")
    with pytest.raises(RouterChanged):
        carry_out(tmp_path, removal(tmp_path, checked(RouterOrder(router_name="products"), Surroundings())))
    assert (tmp_path / "src/backend/routers/products.py").exists()


FACTORY = "from fastapi import FastAPI\n\n\ndef create() -> FastAPI:\n    application = FastAPI()\n    return application\n"


def test_a_package_beside_src_and_an_application_in_main_are_taken_as_they_are(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "main.py").write_text(FACTORY)
    order = RouterOrder(router_name="products", package="shop")
    planned = plan(tmp_path, generate(order, surroundings(tmp_path, "shop", "products")))
    assert {change.path for change in planned.changes} == {
        "pyproject.toml",
        "shop/__init__.py",
        "shop/main.py",
        "shop/routers/__init__.py",
        "shop/routers/products.py",
        "tests/test_products.py",
    }
    assert planned.joins
    assert [step for step in planned.steps if step.startswith("uvicorn shop.main:create --factory --app-dir . ")]
    assert [note for note in planned.notes if "shop/main.py has no kit yet" in note]
    carry_out(tmp_path, planned.changes)
    assert "    application.include_router(products_router)\n" in (package / "main.py").read_text()
    carry_out(tmp_path, removal(tmp_path, checked(order, Surroundings(layout=layout_of(tmp_path, "shop")))))
    assert (package / "main.py").read_text() == FACTORY


@pytest.mark.parametrize("code", [b"one, two = FastAPI(), FastAPI()\n", b"def broken(:\n", b"# caf\xe9\napp = FastAPI()\n"])
def test_an_unclear_application_is_left_alone_and_told(tmp_path: Path, code: bytes) -> None:
    app = tmp_path / "src/backend/app.py"
    app.parent.mkdir(parents=True)
    app.write_bytes(code)
    planned = plan(tmp_path, made(tmp_path))
    assert not planned.joins
    assert [note for note in planned.notes if "app.py is left alone" in note]
    carry_out(tmp_path, planned.changes)
    assert app.read_bytes() == code
    assert (tmp_path / "src/backend/routers/products.py").exists()


def test_who_forgets_the_package_of_an_application_that_is_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/main.py").write_text(FACTORY)
    assert [note for note in plan(tmp_path, made(tmp_path)).notes if "`--package shop` joins it" in note]


def test_an_application_in_no_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(FACTORY)
    assert [note for note in plan(tmp_path, made(tmp_path)).notes if "in main.py already, in no package" in note]


def test_where_nothing_says_in_which_folder_tests_find_the_package_it_is_told(tmp_path: Path) -> None:
    settings = tmp_path / "pyproject.toml"
    settings.write_text("[project]\n")
    assert [note for note in plan(tmp_path, made(tmp_path)).notes if 'pythonpath = ["src"]' in note]
    settings.write_text('[tool.pytest.ini_options]\npythonpath = ["src"]\n')
    assert not [note for note in plan(tmp_path, made(tmp_path)).notes if "pythonpath" in note]
