"""The demo shop on disk: made once a day, found again afterwards."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

from mcp_gateway.adapters.demo_shop.generate import ShopNotMade, generate_shop

PACKAGE = "mcp_gateway.adapters.demo_shop"
SEED = 7
DEMO_QUESTIONS = (
    "Show me total sales for abracadabra this month",
    "revenue by region this year",
    "top 5 products by turnover last month",
)
# What the page offers to begin with.
EXAMPLE_QUESTIONS = (
    *DEMO_QUESTIONS,
    "monthly revenue for the last 12 months",
    "churned customers by country",
    "customers who have not ordered in the last 6 months",
)

_SERVERS = """\
# MCP servers of the demo. A change counts within a second; docs/gateway/registry.md says what can stand here.
allowed_networks: [127.0.0.0/8, "::1/128"]    # servers on this machine
# servers:
#   files: {command: npx, args: [-y, "@modelcontextprotocol/server-filesystem", /srv/shared]}
"""
_OWNER_ONLY = 0o700


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoShop:
    """Where the shop and its business words are. The glossary is a copy for the user to edit."""

    database: Path
    glossary: Path


def prepare_demo(
    cache_dir: Path, *, today: date, seed: int = SEED, progress: Callable[[str, float], None] | None = None
) -> DemoShop:
    """Today's shop, made if it is not there yet; shops of other days are removed when nobody can be using them.

    Raises `ShopNotMade`.
    """
    folder = cache_dir / "demo"
    edition = _edition()
    database = folder / f"shop-{today.isoformat()}-{seed}-{edition}.duckdb"
    if not database.is_file():
        generate_shop(database, today=today, seed=seed, progress=progress)
        _forget_older(folder, today)
    words = (files(PACKAGE) / "glossary.yaml").read_bytes()
    glossary = folder / f"glossary-{hashlib.sha256(words).hexdigest()[:8]}.yaml"
    if not glossary.is_file():
        try:
            glossary.write_bytes(words)
        except OSError as error:
            glossary.unlink(missing_ok=True)
            raise ShopNotMade(f"The demo shop's glossary cannot be written: {error.strerror}") from error
    return DemoShop(database=database, glossary=glossary)


def prepare_servers_file(state_dir: Path) -> Path:
    """The demo's servers file, for its user to edit: made once, never written over. Raises `ShopNotMade`."""
    path = state_dir / "servers.yaml"
    try:
        state_dir.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(_SERVERS, encoding="utf-8")
    except OSError as error:
        raise ShopNotMade(f"The demo's servers file cannot be written: {error.strerror}") from error
    return path


def _edition() -> str:
    """Changes with whatever the shop is made from, so that a new version of the product makes a new shop."""
    digest = hashlib.sha256()
    for entry in sorted(files(PACKAGE).iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith((".py", ".sql", ".csv")):
            digest.update(entry.read_bytes())
    return digest.hexdigest()[:8]


def _forget_older(folder: Path, today: date) -> None:
    """A process that still has an older file open keeps it: removing a name does not touch open files."""
    for path in folder.glob("shop-*.duckdb"):
        if not path.name.startswith(f"shop-{today.isoformat()}"):
            path.unlink(missing_ok=True)
