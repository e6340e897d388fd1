"""The imported application beside its code: what it shows is believed, whichever way the code looks."""

from dataclasses import replace
from pathlib import Path

import pytest

from mcp_gateway.kit.patterns.errors import ApplicationNotImportable, PatternSettingsInvalid
from mcp_gateway.kit.patterns.live.reading import read_live
from mcp_gateway.kit.patterns.model import Order, Report
from mcp_gateway.kit.patterns.validate import validate

KIT = """\
from typing import Annotated, Any
from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit.fastapi import Call, Face, Guard, GuardedRoute, health_router, install

"""
LATE = """\
import importlib
GUARDED = importlib.import_module("guarding").LIST
def protected():
    return [Depends(one) for one in GUARDED]
router = APIRouter()
@router.get("/items/{item}")
def read_item(item: str) -> list[str]:
    return [item]
"""
GUARDING = "from mcp_gateway.kit.fastapi import Guard\nLIST = [Guard('items.read', idempotency='required', deadline_seconds=2)]\n"
EDGE = "from mcp_gateway.kit import EnterpriseRateLimiter\nlimiter: EnterpriseRateLimiter = None\n"


def judged(root: Path, files: dict[str, str], named: str = "shop_app:app") -> tuple[Report, Report]:
    """By the code alone, and with the imported application."""
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    order = Order(root=root, paths=(root,), level="production_ready")
    return validate(order), validate(replace(order, live=read_live(named, root)))


def rules_of(report: Report) -> set[str]:
    return {one.rule for one in report.findings}


def test_dependencies_are_told_with_where_they_stand(tmp_path: Path) -> None:
    (tmp_path / "shop_app.py").write_text(
        "from fastapi import APIRouter, Depends, FastAPI\ndef who(): ...\ndef limited(user=Depends(who)): ...\n"
        "app = FastAPI()\nrouter = APIRouter()\n@router.get('/x')\ndef read(it=Depends(who)): ...\n"
        "app.include_router(router, prefix='/v1', dependencies=[Depends(limited)])\nprint('LIVE {}')\n"
    )
    (route,) = [one for one in read_live("shop_app:app", tmp_path).routes if one.path == "/v1/x"]
    told = [(one.name, one.line, one.parameter, one.by) for one in route.dependencies or ()]
    assert told == [("shop_app.limited", 3, "", None), ("shop_app.who", 2, "it", None), ("shop_app.who", 2, "user", 0)]
    assert (Path(route.file).name, route.line, route.methods) == ("shop_app.py", 6, ("GET",))


@pytest.mark.parametrize(
    "text", ["raise SystemExit('no')", "import sys; sys.exit(0)", "app = 1 / 0", "print('LIVE [1]')\nother = 1"]
)
def test_an_application_that_cannot_be_imported_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "shop_app.py").write_text(text)
    with pytest.raises(ApplicationNotImportable):
        read_live("shop_app:app", tmp_path)


def test_a_name_that_is_no_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PatternSettingsInvalid):
        read_live("os; print(1)", tmp_path)


def test_what_guards_a_route_in_the_running_application_counts(tmp_path: Path) -> None:
    app = (
        KIT
        + LATE
        + "app = FastAPI()\napp.include_router(router, dependencies=protected())\napp.include_router(health_router({}))\n"
    )
    by_code, live = judged(tmp_path, {"guarding.py": GUARDING, "shop_app.py": app})
    assert {"rate-limit-missing", "tenant-missing", "metrics-missing"} <= rules_of(by_code)
    assert rules_of(live) == set()


def test_what_the_code_promises_and_the_application_does_not_keep_is_found(tmp_path: Path) -> None:
    promised = LATE.replace("APIRouter()", "APIRouter(dependencies=[Depends(Guard('items.read'))])")
    app = (
        KIT
        + promised
        + "router.routes[0].dependant.dependencies.clear()\napp = FastAPI()\n"
        + "app.routes.extend(router.routes)\napp.include_router(health_router({}))\n"
    )
    by_code, live = judged(tmp_path, {"guarding.py": GUARDING, "shop_app.py": app})
    assert "rate-limit-missing" not in rules_of(by_code)
    assert {"rate-limit-missing", "tenant-missing", "metrics-missing"} <= rules_of(live)


def test_a_middleware_that_is_added_at_run_time_counts(tmp_path: Path) -> None:
    app = KIT + (
        "class QuotaMiddleware:\n    def __init__(self, app): self.app = app\n"
        "    async def __call__(self, scope, receive, send):\n"
        "        await limiter.check_or_raise(scope['client'])\n        await self.app(scope, receive, send)\n"
        "from edge import limiter\n"
        "app = FastAPI()\n@app.get('/items')\ndef read() -> str: return ''\n"
        "for one in [QuotaMiddleware]:\n    getattr(app, 'add_middleware')(one)\n"
    )
    by_code, live = judged(tmp_path, {"edge.py": EDGE, "shop_app.py": app})
    assert "rate-limit-missing" in rules_of(by_code)
    assert "rate-limit-missing" not in rules_of(live)


@pytest.mark.parametrize(
    ("kind", "found"), [("dict[str, Any]", {"response-model-missing"}), ("dict[str, int]", set()), ("Caller | None", set())]
)
def test_the_model_of_the_running_application_says_what_goes_out(kind: str, found: set[str], tmp_path: Path) -> None:
    app = (
        KIT
        + f"app = FastAPI()\nMODELS = {{'read': {kind}}}\n@app.get('/items', response_model=MODELS['read'])\ndef read(): ...\n"
    )
    _, live = judged(tmp_path, {"shop_app.py": app})
    assert rules_of(live) & {"response-model-missing"} == found


@pytest.mark.parametrize(("origins", "found"), [("['*']", {"cors-open"}), ("['https://a.example']", set())])
def test_origins_come_from_the_running_application(origins: str, found: set[str], tmp_path: Path) -> None:
    app = KIT + (
        "from origins import wanted\napp = FastAPI()\n@app.get('/health')\ndef health() -> str: return ''\n"
        "app.add_middleware(CORSMiddleware, allow_origins=wanted(), allow_credentials=True)\n"
    )
    by_code, live = judged(tmp_path, {"origins.py": f"def wanted(): return {origins}\n", "shop_app.py": app})
    assert "cors-open" not in rules_of(by_code)
    assert rules_of(live) & {"cors-open"} == found


@pytest.mark.parametrize(("limiter", "found"), [("None", {"rate-limit-missing"}), ("EnterpriseRateLimiter(RULES)", set())])
def test_whether_guards_have_a_limiter_comes_from_the_running_application(limiter: str, found: set[str], tmp_path: Path) -> None:
    parts = (
        "from mcp_gateway.kit import EnterpriseRateLimiter, Rule\nRULES = [Rule(name='all', limit=9, window_seconds=1)]\n"
        f"def parts(): return {{'limiter': {limiter}}}\n"
    )
    app = KIT + (
        "from parts import parts\nasync def caller_of(request): ...\napp = FastAPI()\n"
        "router = APIRouter(route_class=GuardedRoute)\n@router.get('/items')\n"
        "def read(call: Annotated[Call, Depends(Guard('items.read'))]) -> str: return ''\n"
        "app.include_router(router)\ninstall(app, Face(caller=caller_of, **parts()))\n"
    )
    by_code, live = judged(tmp_path, {"parts.py": parts, "shop_app.py": app})
    assert "rate-limit-missing" not in rules_of(by_code)
    assert rules_of(live) & {"rate-limit-missing"} == found


def test_health_and_open_paths_are_those_of_the_running_application(tmp_path: Path) -> None:
    app = KIT + (
        "def create():\n    app = FastAPI()\n    for name in ('health', 'items'):\n"
        "        router = APIRouter(prefix=f'/{name}')\n        router.get('')(state)\n        app.include_router(router)\n"
        "    return app\ndef state() -> str: return ''\n"
    )
    by_code, live = judged(tmp_path, {"shop_app.py": app}, "shop_app:create")
    assert "health-missing" in rules_of(by_code)
    assert "health-missing" not in rules_of(live)


def test_a_route_the_application_does_not_have_is_judged_by_its_code(tmp_path: Path) -> None:
    app = KIT + LATE + "app = FastAPI()\n"
    by_code, live = judged(tmp_path, {"guarding.py": GUARDING, "shop_app.py": app})
    assert rules_of(by_code) == rules_of(live)
