"""The two steps that ask the servers: what they know about the data, and what the question's words stand for."""

from dataclasses import replace

from mcp_gateway.access.policy.model import Action
from mcp_gateway.ask.inquiry import Inquiry
from mcp_gateway.ask.narrowing import Narrowing
from mcp_gateway.ask.ports import Gatherer, Resolver
from mcp_gateway.ask.trace import Note


class GatherStep:
    """Asks every server what it knows about the data, and goes on with what the caller may see of it."""

    name = "gather"

    def __init__(self, gatherer: Gatherer, narrowing: Narrowing) -> None:
        self._gatherer, self._narrowing = gatherer, narrowing

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry:
        note.input = {"mode": inquiry.question.mode}
        action: Action = "run_query" if inquiry.typed_sql is not None else "ask"
        everything = await self._gatherer.gather(inquiry.question.mode)
        gathered = self._narrowing.for_caller(everything, inquiry.caller, action)
        note.output = {
            "servers": list(gathered.servers_used),
            "missing_servers": list(gathered.missing_servers),
            "tables": len(gathered.schema.tables),
            "dialect": gathered.schema.dialect,
            "fetched": gathered.fetched,
            "reused": gathered.reused,
        }
        return replace(inquiry, gathered=gathered)


class ResolveStep:
    """Finds what the question's words stand for."""

    name = "resolve"

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def __call__(self, inquiry: Inquiry, note: Note) -> Inquiry:
        note.input = {"question": inquiry.question.text}
        if inquiry.typed_sql is not None:
            note.skip("SQL needs no words resolved")
            return inquiry
        resolution = await self._resolver.resolve(inquiry.question.text, inquiry.world)
        note.output = {
            "values": len(resolution.values),
            "entities": [
                {"term": entity.original_term, "kind": entity.kind, "label": entity.label, "server": entity.server}
                for entity in resolution.entities
            ],
            "missing_servers": list(resolution.missing_servers),
        }
        return replace(inquiry, resolution=resolution)
