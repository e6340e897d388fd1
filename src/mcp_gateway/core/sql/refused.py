"""Why a known function, table or statement is refused: for the message only. Being absent here allows nothing."""

import re
from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from mcp_gateway.core.sql.errors import RefusalReason

# Beginnings of function names, as regular expressions; the first reason that fits is told.
_FUNCTION_BEGINNINGS: Final[Mapping[RefusalReason, str]] = {
    "file": """
        read_ parquet_ write sniff_csv readcsv readparquet pg_read pg_ls_ pg_stat_file pg_file lo_ loread lowrite load_file
        readfile fsdir edit$ glob$ scan_ .*_scan$ file_exists utl_file xp_ openrowset opendatasource bfilename tofile which_secret
        """,
    "network": """
        dblink http url_get curl pg_net net utl_http postgres_fdw mysql_query sqlite_attach postgres_ mysql_ iceberg_ delta_
        """,
    "code": """
        query_to_xml query$ query_table table_to_xml schema_to_xml database_to_xml cursor_to_xml ts_stat crosstab connectby
        load_extension json_execute json_serialize_sql json_deserialize_sql eval sys_exec sys_eval fts3_tokenizer plpy
        """,
    "settings": r"""
        current_setting set_config getenv getvariable version currentversion current_?(user|role|schema|database|catalog)
        session_?user user$ database$ schema$ connection_id sqlite_(version|source_id|compileoption) duckdb_ pragma_ pg_conf_
        pg_show_all
        """,
    "sleep": "pg_sleep sleep benchmark waitfor dbms_lock dbms_session receive wait_for",
    "lock": "pg_(try_)?advisory get_lock release_lock release_all_locks is_free_lock is_used_lock pg_lock",
    "side_effect": """
        nextval setval currval lastval nextvaluefor last_insert_id row_count found_rows setseed checkpoint force_checkpoint txid_
        pg_current_xact pg_notify changes total_changes last_insert_rowid
        """,
    "admin": r"""
        pg_ has_\w+_privilege row_security master_ source_pos gtid innodb sys\. kill shutdown repack cluster vacuum analyze
        write_log
        """,
}
_FUNCTION_REASONS: Final = tuple(
    (reason, re.compile(rf"^({'|'.join(beginnings.split())})", re.IGNORECASE))
    for reason, beginnings in _FUNCTION_BEGINNINGS.items()
)

_STATEMENT_REASONS: Final[Mapping[type[exp.Expr], RefusalReason]] = {
    exp.Insert: "write", exp.Update: "write", exp.Delete: "write", exp.Merge: "write", exp.Create: "write", exp.Drop: "write",
    exp.Alter: "write", exp.TruncateTable: "write", exp.Into: "write", exp.Comment: "write", exp.Copy: "file",
    exp.LoadData: "file",
    exp.Export: "file", exp.Attach: "file", exp.Detach: "file", exp.Install: "code", exp.Set: "settings", exp.SetItem: "settings",
    exp.Pragma: "settings", exp.Use: "settings", exp.Show: "settings", exp.Transaction: "settings", exp.Commit: "settings",
    exp.Rollback: "settings", exp.Grant: "admin", exp.Revoke: "admin", exp.Kill: "admin", exp.Analyze: "admin", exp.Lock: "lock",
    exp.Hint: "comment", exp.Parameter: "parameter", exp.SessionParameter: "settings", exp.Placeholder: "parameter",
    exp.Execute: "code", exp.ReadCSV: "file", exp.ReadParquet: "file", exp.NextValueFor: "side_effect",
}  # fmt: skip

_REASON_WORDS: Final[Mapping[RefusalReason, str]] = {
    "write": "it would change data", "file": "it reaches files", "network": "it reaches the network",
    "settings": "it reads or changes settings of the server or the session", "admin": "it is for administrators",
    "sleep": "it makes the server wait", "lock": "it takes locks", "code": "it runs text or other code as a statement",
    "side_effect": "it has a lasting effect or depends on the session", "comment": "a hint can change how the server behaves",
    "parameter": "there is no value for a parameter or variable", "system_table": "system tables hold secrets of the server",
    "too_large": "one value would take up more memory than all others together",
    "table_function": "only functions that make rows of their arguments may stand in FROM",
    "unknown_function": "it is not among the functions known to only calculate",
    "unknown_syntax": "it is not among the constructs known to only read",
}  # fmt: skip

# Tables of the systems themselves. Names are compared without case; a schema is the part before the dot.
_SYSTEM_SCHEMAS: Final = frozenset(
    "pg_catalog pg_toast mysql performance_schema sys system temp duckdb_internal master msdb snowflake admin".split()
)
_SYSTEM_NAME: Final = re.compile(
    r"^(pg_|duckdb_|pragma_|sqlite_(?!master$|schema$|sequence$)|svv_|stl_|dba_|v\$|all_users)", re.IGNORECASE
)
_OPEN_INFORMATION: Final = frozenset(
    "tables columns views schemata table_constraints key_column_usage referential_constraints constraint_column_usage".split()
)
_FILE_NAME: Final = re.compile(
    r"[/\\*?]|://|\.(csv|tsv|txt|json|jsonl|ndjson|parquet|xlsx?|arrow|feather|orc|avro|db|duckdb|sqlite3?)(\.(gz|zst|bz2|xz))?$",
    re.IGNORECASE,
)

# Functions of the server and the session that need no brackets: a bare word like a column's name, unless quoted or with its
# table in front. What sqlglot knows as a function, or prints in quotation marks, need not be here.
_BARE_FUNCTIONS: Final[Mapping[str, frozenset[str]]] = {
    "duckdb": frozenset({"current_schema"}),
    "sqlite": frozenset(),
    "mysql": frozenset({"current_user", "current_role"}),
}
_BARE_ANYWHERE: Final = frozenset(
    "user current_user session_user system_user current_role current_catalog current_database current_schema".split()
)


def is_bare_function(name: str, dialect: str) -> bool:
    """Whether this unquoted word, alone, is a function that tells about the server or the session."""
    return name.lower() in _BARE_FUNCTIONS.get(dialect, _BARE_ANYWHERE)


def function_reason(name: str) -> RefusalReason:
    """The nearest reason for a function that is not allowed."""
    return next((reason for reason, pattern in _FUNCTION_REASONS if pattern.search(name)), "unknown_function")


def statement_reason(node: exp.Expr) -> RefusalReason:
    """The nearest reason for a node that is not allowed."""
    return next((reason for kind, reason in _STATEMENT_REASONS.items() if isinstance(node, kind)), "unknown_syntax")


def words_for(reason: RefusalReason) -> str:
    """The reason as the end of a sentence."""
    return _REASON_WORDS.get(reason, "it does more than read")


def table_reason(catalog: str, schema: str, name: str) -> RefusalReason | None:
    """Why this table may not be read; None when it may."""
    schema, catalog = schema.lower(), catalog.lower()
    if _FILE_NAME.search(name):
        return "file"
    if catalog in _SYSTEM_SCHEMAS:
        return "system_table"
    if schema == "information_schema":
        return None if name.lower() in _OPEN_INFORMATION else "system_table"
    if schema in _SYSTEM_SCHEMAS:
        return "system_table"
    # A user's own schema may hold any name; without a schema these names belong to the engine.
    return "system_table" if _SYSTEM_NAME.search(name) and schema in ("", "main") else None
