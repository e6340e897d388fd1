"""One span for each request, between that of the client and that of its server. Only where traces are collected."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from mcp_gateway.core.protocol.frames import object_at
from mcp_gateway.core.protocol.words import TRACE_HEADERS
from mcp_gateway.federation.endings import Ending, observed
from mcp_gateway.federation.model import Reply, Request
from mcp_gateway.federation.pipeline import Onward, Passage

CANCELLED: Final = "CANCELLED"
_KEYS: Final = frozenset(name.decode() for name in TRACE_HEADERS)


class Span(Protocol):
    """A stretch of time in a trace."""

    @property
    def carrier(self) -> Mapping[str, str]:
        """The headers that make whoever gets them part of this span (W3C Trace Context)."""
        ...

    def end(self, error_code: str) -> None:
        """`error_code` is empty when all went well."""
        ...


class Tracing(Protocol):
    """Where spans are begun."""

    def begin(self, name: str, carrier: Mapping[str, str], attributes: Mapping[str, str]) -> Span:
        """A span within the one `carrier` tells of, or a trace of its own."""
        ...


class Trace:
    """Passes its own span on, in the headers and in `_meta` (SEP-414), so that the server's spans come to lie within it."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    async def __call__(self, passage: Passage, onward: Onward) -> Reply:
        request, target = passage.request, passage.act.target
        attributes = {
            "mcp.method.name": request.method,
            "mcp.server": target.server,
            "mcp.protocol.version": request.client.revision,
        }
        if target.tool:
            attributes["gen_ai.tool.name"] = target.tool
        span = self._tracing.begin(f"{request.method} {target.tool}".rstrip(), _carrier(request), attributes)
        passage.request = _within(request, span.carrier)

        async def finish(ending: Ending) -> None:
            span.end(CANCELLED if ending.given_up else ending.code or ("FAILED" if ending.failed else ""))

        return await observed(passage, onward, finish)


def _carrier(request: Request) -> Mapping[str, str]:
    """What the client said of its trace; its headers count before what its request says."""
    meta = object_at(request.params, "_meta")
    said = {key: value for key in _KEYS if isinstance(value := meta.get(key), str)}
    return {**said, **{name.decode(): value.decode("latin-1") for name, value in request.client.trace}}


def _within(request: Request, carrier: Mapping[str, str]) -> Request:
    headers = tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in carrier.items())
    client = replace(request.client, trace=headers)
    meta = object_at(request.params, "_meta")
    if not _KEYS & meta.keys():
        return replace(request, client=client)
    return replace(request, client=client, params={**request.params, "_meta": {**meta, **carrier}}, body=None)
