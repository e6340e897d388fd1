"""MCP Apps (extension io.modelcontextprotocol/ui, 2026-01-26): each view is one page that loads nothing.

A view shares scripts and sheets with the web page: where it names one, the text of that file is put in its place.
"""

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files

from mcp.server.apps import APP_MIME_TYPE

from mcp_gateway.core.identity import Caller
from mcp_gateway.entrypoints.mcp.offer import OfferedResource, ResourceText
from mcp_gateway.entrypoints.mcp.server import FIXED_TTL_MS

# A line of a view, the path from `entrypoints`.
_INLINE = re.compile(r"^/\* inline (?P<path>[\w/.-]+) \*/$", re.MULTILINE)
# In one script there are no modules.
_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def view_of(*, uri: str, name: str, title: str, description: str, page: str) -> OfferedResource:
    """`page`: the file in `views/`."""
    return OfferedResource(
        uri=uri,
        name=name,
        title=title,
        description=description,
        read=_reading(page),
        mime_type=APP_MIME_TYPE,
        meta={"ui": {"prefersBorder": True}},
    )


def read_view(page: str) -> str:
    """The whole view."""
    folder = files("mcp_gateway.entrypoints")
    text = (folder / "mcp" / "views" / page).read_text(encoding="utf-8")
    return _INLINE.sub(lambda named: _bare(folder.joinpath(named["path"]).read_text(encoding="utf-8")), text)


def _bare(text: str) -> str:
    return _EXPORT.sub("", _IMPORT.sub("", text))


def _reading(page: str) -> Callable[[Caller], Awaitable[ResourceText]]:
    async def read(_: Caller) -> ResourceText:
        return ResourceText(text=read_view(page), ttl_ms=FIXED_TTL_MS)

    return read
