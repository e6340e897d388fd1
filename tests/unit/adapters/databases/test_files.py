"""CSV and Parquet files as tables, whole or not at all."""

import gzip
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from mcp_gateway.adapters.databases import files
from mcp_gateway.adapters.databases.csv_files import NoRoomForCopy
from mcp_gateway.adapters.databases.open import open_database
from mcp_gateway.core.errors import Json
from mcp_gateway.core.sql.errors import DatabaseUnavailable, QueryFailed
from mcp_gateway.tables.model import Limits

pytestmark = pytest.mark.anyio


async def read(path: Path, sql: str) -> tuple[tuple[Json, ...], ...]:
    database = open_database(str(path))
    try:
        return (await database.run(sql, Limits())).rows
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\n1,x\n2,y\n", ((1, "x"), (2, "y"))),
        (b"a;b\n1;x\n2;y\n", ((1, "x"), (2, "y"))),
        (b"a\tb\n1\tx\n2\ty\n", ((1, "x"), (2, "y"))),
        (b'a,b\n1,"x, y"\n2,"say ""hi"""\n', ((1, "x, y"), (2, 'say "hi"'))),
        ("a,b\n1,é\n2,日本\n".encode(), ((1, "é"), (2, "日本"))),
        ("a,b\n1,é\n2,ü\n".encode("latin-1"), ((1, "é"), (2, "ü"))),
        (b"a,b\n1,2\n3\n4,5,6\n", ((1, 2, None), (3, None, None), (4, 5, 6))),
        (b"a,b\r\n1,x\r\n", ((1, "x"),)),
        (b"\xef\xbb\xbfa,b\n1,x\n", ((1, "x"),)),
        (b"day,n\n2024-01-01,1.5\n2024-01-02,\n", (("2024-01-01", 1.5), ("2024-01-02", None))),
        (b"a,a\n1,2\n", ((1, 2),)),
        (b"a,b\n", ()),
    ],
)
async def test_a_csv_file_is_read_whole(tmp_path: Path, content: bytes, rows: tuple[tuple[Json, ...], ...]) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    assert await read(tmp_path / "data.csv", "SELECT * FROM data") == rows


async def test_a_late_text_in_a_column_of_numbers_loses_nothing(tmp_path: Path) -> None:
    lines = ["n", *map(str, range(50_000)), "n/a", "7"]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    assert await read(tmp_path / "data.csv", "SELECT COUNT(*), MAX(LENGTH(n)) FROM data") == ((50_002, 5),)


async def test_compressed_files_and_odd_names_become_tables(tmp_path: Path) -> None:
    (tmp_path / "2024 sales-data.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    (tmp_path / "t.csv").write_text("a\n2\n")
    (tmp_path / "T.tsv").write_text("a\tb\n3\t4\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "readme.txt").write_text("not a table")
    database = open_database(str(tmp_path))
    assert [table.name for table in await database.read_structure()] == ["T", "t_2", "t_2024_sales_data"]
    await database.close()


async def test_a_changed_file_is_read_anew_at_the_next_signal(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a\n1\n")
    database = open_database(str(file))
    before = await database.read_signal()
    file.write_text("a,b\n1,2\n3,4\n")
    after = await database.read_signal()
    assert before != after
    assert (await database.run("SELECT SUM(b) FROM data", Limits())).rows == ((6,),)
    await database.close()


async def test_a_large_parquet_file_stays_where_it_is_and_nothing_else_is_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_COPIED_PARQUET_BYTES", 0)
    shared, other = tmp_path / "data.parquet", tmp_path / "other.parquet"
    for path in (shared, other):
        duckdb.sql(f"COPY (SELECT 42 AS a) TO '{path}'")
    database = open_database(str(shared))
    (table,) = await database.read_structure()
    assert table.is_view
    assert (await database.run("SELECT a FROM data", Limits())).rows == ((42,),)
    for sql in (f"SELECT * FROM '{other}'", f"SELECT * FROM read_parquet('{other}')", "SELECT * FROM read_text('/etc/passwd')"):
        with pytest.raises(QueryFailed):
            await database.run(sql, Limits())
    await database.close()


async def test_a_cell_of_ten_megabytes_is_read_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("id,text\n1," + "x" * 10_000_000 + "\n2,short\n")
    assert await read(tmp_path / "data.csv", "SELECT id, LENGTH(text) FROM data ORDER BY id") == ((1, 10_000_000), (2, 5))


@pytest.mark.parametrize("place", ["empty.csv", "."])
async def test_nothing_to_read_is_told_with_what_to_put_there(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DatabaseUnavailable) as failed:
        await open_database(str(tmp_path / place)).open()
    assert "column names" in failed.value.hint
    assert "Check the path" not in failed.value.hint


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    """In a process of its own, where no file may grow beyond a megabyte."""
    (tmp_path / "big.csv").write_text("id,word\n" + "".join(f"{i},{i * 7919 % 99991:x}{i:x}\n" for i in range(200_000)))
    script = (
        "import asyncio, resource, sys\n"
        "from mcp_gateway.adapters.databases.csv_files import NoRoomForCopy\n"
        "from mcp_gateway.adapters.databases.open import open_database\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "try:\n"
        "    asyncio.run(open_database(sys.argv[1]).open())\n"
        "except NoRoomForCopy as error:\n"
        "    print(error.code, error.message)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "big.csv")], capture_output=True, text=True, check=False, timeout=100
    )
    assert ended.stdout.startswith("DATABASE_UNAVAILABLE There is no room in the temporary directory"), ended.stderr


async def test_a_temporary_directory_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(NoRoomForCopy):
        await open_database(str(tmp_path / "a.csv")).open()
