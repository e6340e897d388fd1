"""What there is to ask about: tables, columns, keys, samples, business words; and the servers that say so."""

from collections.abc import Iterable

from fastapi import APIRouter

from mcp_gateway.core.schema import Column, DatabaseSchema, Table
from mcp_gateway.core.vocabulary import Vocabulary
from mcp_gateway.entrypoints.http.data_answers import ColumnAnswer, ForeignKeyAnswer, SchemaAnswer, TableAnswer, WordAnswer
from mcp_gateway.entrypoints.http.guards import SchemaRead, ServersRead
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.entrypoints.http.server_answers import ServersAnswer
from mcp_gateway.entrypoints.http.server_shapes import shape_registered_server
from mcp_gateway.gateway import Gateway, ServerState
from mcp_gateway.kit.fastapi import GuardedRoute


def data_routes(gateway: Gateway) -> APIRouter:
    """GET /schema and GET /servers."""
    router = APIRouter(prefix="/api", tags=["data"], route_class=GuardedRoute)

    @router.get("/schema", summary="Tables, columns, keys, samples and business words")
    async def schema(call: SchemaRead) -> SchemaAnswer:
        gathered = await gateway.look(call.caller)
        return {
            "dialect": gathered.schema.dialect,
            "version": gathered.schema.version,
            "tables": [_table(table) for table in gathered.schema.tables],
            "foreign_keys": list(_foreign_keys(gathered.schema)),
            "words": _words(gathered.vocabulary),
            "missing_servers": list(gathered.missing_servers),
            "warnings": list(gathered.warnings),
            "examples": list(gateway.examples),
            "drafters": list(gateway.drafters),
        }

    @router.get(
        "/servers",
        response_model=ServersAnswer,
        summary="The MCP servers behind the answers as they stand, and the registered ones you may see",
    )
    async def servers(call: ServersRead) -> JsonObject:
        registry, caller = gateway.registry, call.caller
        return {
            # patterns: allow tenant-unscoped: the servers behind the answers are the deployment's, the same for all
            "servers": [shape_server(state) for state in gateway.servers()],
            "health": gateway.health.report().word,
            "registered": []
            if registry is None
            else [shape_registered_server(registry, caller, one) for one in registry.list(caller)],
        }

    return router


def shape_server(state: ServerState) -> JsonObject:
    """One server's state."""
    return {
        "name": state.name,
        "title": state.title,
        "connected": state.connected,
        "priority": state.priority,
        "transport": state.transport,
        "domains": list(state.domains),
        "capabilities": list(state.capabilities),
        "error": state.error or None,
        "facts": dict(state.facts),
    }


def _table(table: Table) -> TableAnswer:
    return {
        "name": table.name,
        "comment": table.comment,
        "row_count": table.row_count,
        "is_view": table.is_view,
        "primary_key": list(table.primary_key),
        "columns": [_column(column) for column in table.columns],
    }


def _column(column: Column) -> ColumnAnswer:
    return {
        "name": column.name,
        "type": column.type,
        "kind": column.kind,
        "nullable": column.nullable,
        "comment": column.comment,
        "samples": list(column.samples),
        "distinct_count": column.distinct_count,
        "minimum": column.minimum,
        "maximum": column.maximum,
    }


def _foreign_keys(schema: DatabaseSchema) -> Iterable[ForeignKeyAnswer]:
    for table in schema.tables:
        for key in table.foreign_keys:
            yield {
                "table": table.name,
                "columns": list(key.columns),
                "target_table": key.target_table,
                "target_columns": list(key.target_columns),
                "inferred": key.inferred,
            }


def _words(vocabulary: Vocabulary) -> list[WordAnswer]:
    """Every business word in one list, `means` in words for people."""
    words: list[WordAnswer] = [
        {"kind": "entity", "words": list(entity.aliases), "means": entity.label, "table": entity.table, "column": entity.column}
        for entity in vocabulary.entities
    ]
    words += [
        {
            "kind": "condition" if term.condition else "column" if term.column else "table",
            "words": list(term.aliases),
            "means": term.description or (f"{term.table}.{term.column}" if term.column else term.table),
            "table": term.table,
            "column": term.column,
        }
        for term in vocabulary.terms
    ]
    words += [
        {
            "kind": "metric",
            "words": [metric.name, *metric.aliases],
            "means": metric.description or metric.expression.get("default", ""),
            "table": metric.table,
            "column": None,
        }
        for metric in vocabulary.metrics
    ]
    words += [
        {"kind": "period", "words": list(period.aliases), "means": period.description, "table": None, "column": None}
        for period in vocabulary.periods
    ]
    return words
