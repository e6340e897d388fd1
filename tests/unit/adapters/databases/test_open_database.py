"""URLs and paths to the adapter they mean."""

import os
import sqlite3
from pathlib import Path

import duckdb
import pytest

from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.core.errors import GatewayError
from mcp_gateway.core.sql.errors import DatabaseUnavailable
from mcp_gateway.tables.errors import BadDatabaseUrl
from mcp_gateway.tables.model import Limits

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 'duckdb' AS kind")
    writer = sqlite3.connect(tmp_path / "shop.sqlite")
    writer.execute("CREATE TABLE t AS SELECT 'sqlite' AS kind")
    writer.commit()
    writer.close()
    (tmp_path / "no_ending").write_bytes((tmp_path / "shop.sqlite").read_bytes())
    (tmp_path / "with ending.db").write_bytes((tmp_path / "shop.duckdb").read_bytes())
    (tmp_path / "t.csv").write_text("kind\ncsv\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "t.tsv").write_text("kind\tn\ntsv\t1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("url", "dialect", "kind"),
    [
        ("duckdb:///shop.duckdb", "duckdb", "duckdb"),
        ("duckdb:///{folder}/shop.duckdb", "duckdb", "duckdb"),
        ("shop.duckdb", "duckdb", "duckdb"),
        ("{folder}/shop.duckdb", "duckdb", "duckdb"),
        ("with ending.db", "duckdb", "duckdb"),
        ("duckdb:///with%20ending.db", "duckdb", "duckdb"),
        ("sqlite:///shop.sqlite", "sqlite", "sqlite"),
        ("sqlite:///{folder}/shop.sqlite", "sqlite", "sqlite"),
        ("SQLITE:///shop.sqlite?timeout=5", "sqlite", "sqlite"),
        ("no_ending", "sqlite", "sqlite"),
        ("file://{folder}/no_ending", "sqlite", "sqlite"),
        ("t.csv", "duckdb", "csv"),
        ("files", "duckdb", "tsv"),
        ("files/", "duckdb", "tsv"),
        ("sqlite+pysqlite:///shop.sqlite", "sqlite", "sqlite"),
    ],
)
async def test_a_url_or_path_opens_what_it_names(folder: Path, url: str, dialect: str, kind: str) -> None:
    database = open_database(url.format(folder=folder))
    await database.open()
    assert database.dialect == dialect
    assert (await database.run("SELECT kind FROM t", Limits())).rows == ((kind,),)
    await database.close()


@pytest.mark.parametrize(
    "url",
    ["", "  ", "a\0b", "nowhere", "nosuch://host/db", "snowflake://user:geheim@account/db",
     "sqlite://", "duckdb:///:memory:", "postgresql://user:geheim@host:port/db"],
)  # fmt: skip
def test_what_names_nothing_is_refused_without_repeating_secrets(folder: Path, url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        open_database(url)
    assert "geheim" not in str(refused.value.to_dict())


@pytest.mark.parametrize(
    "url",
    ["gone.sqlite", "postgresql://a:geheim@[x/y", "gone.duckdb", "gone.csv", "postgresql://user:geheim@127.0.0.1:1/db", "mysql://user:geheim@127.0.0.1:1/db",
     "mariadb://user:geheim@127.0.0.1:1/db"],
)  # fmt: skip
async def test_what_is_not_there_is_unavailable_and_says_so_without_secrets(folder: Path, url: str) -> None:
    database = open_database(url)
    with pytest.raises(DatabaseUnavailable) as failed:
        await database.open()
    await database.close()
    assert failed.value.to_dict()["code"] == "DATABASE_UNAVAILABLE"
    assert "geheim" not in str(failed.value.to_dict())


@pytest.mark.parametrize("name", ["junk.sqlite", "junk.duckdb", "junk.parquet", "junk.csv.gz"])
async def test_a_broken_file_is_an_error_of_ours(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\x00\x01 this is nothing of the kind \xff" * 100)
    database = open_database(name)
    with pytest.raises(GatewayError) as failed:
        await database.read_structure()
    await database.close()
    assert failed.value.to_dict()["code"] == "DATABASE_UNAVAILABLE"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.duckdb", b"no database at all, but long enough to have a header"),
        ("broken.duckdb", b"12345678DUCK" + b"\x00\xff" * 4_000),
        ("broken.sqlite", b"SQLite format 3\x00" + b"\xff" * 4_000),
        ("broken.csv", b"\x80\x81\x9d" * 400),
        ("broken.parquet", b"PAR1 and nothing more"),
        ("empty.csv", b""),
        ("gone.duckdb", None),
        ("gone.sqlite", None),
        ("gone.csv", None),
    ],
)
async def test_what_is_wrong_with_a_file_is_told_without_its_folder(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    database = open_database(str(tmp_path / name))
    with pytest.raises(DatabaseUnavailable) as failed:
        await database.open()
    await database.close()
    assert str(tmp_path) not in str(failed.value.to_dict())


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert open_database(str(tmp_path / "pipe.csv")).dialect == "duckdb"
