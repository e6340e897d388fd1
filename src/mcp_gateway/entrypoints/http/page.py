"""The web page and the service card. The files stand in `web/`; they are read once and served from memory.

A browser keeps a copy and asks each time whether it is still the right one (ETag), so an update shows at once and costs nothing
in between. Nothing is loaded from anywhere else: the content policy in `middleware.py` forbids it.
"""

import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import JSONResponse, Response

from mcp_gateway.entrypoints.http.guards import Public
from mcp_gateway.entrypoints.http.models import JsonObject
from mcp_gateway.kit.fastapi import Call, GuardedRoute

INDEX = "index.html"
SERVED = {".html", ".css", ".js", ".svg", ".png", ".ico", ".woff2", ".webmanifest"}
# What Python guesses depends on the machine's own tables; a wrong guess for a script is a broken page.
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFile:
    """One file of the page. `path` is its address below the root."""

    path: str
    content: bytes
    media_type: str
    etag: str


def read_page_files() -> dict[str, PageFile]:
    """Every servable file of the page by its path."""
    return {file.path: file for file in _walk(files("mcp_gateway.entrypoints.http") / "web", "")}


def page_routes(pages: dict[str, PageFile], card: JsonObject) -> APIRouter:
    """GET / by what the client accepts, and every file of the page at its own address: one route for all files of a folder."""
    router = APIRouter(include_in_schema=False, route_class=GuardedRoute)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def root(request: Request, _: Public) -> Response:
        index = pages.get(INDEX)
        if index is not None and "text/html" in request.headers.get("accept", ""):
            return serve_file(request, index)
        return JSONResponse(card, headers={"Vary": "Accept"})

    for name in sorted({path.partition("/")[0] for path in pages}):
        if name in pages:
            router.add_api_route(f"/{name}", _file(pages[name]), methods=["GET", "HEAD"])
        else:
            router.add_api_route(f"/{name}/{{path:path}}", _folder(pages, name), methods=["GET", "HEAD"])
    return router


def serve_file(request: Request, page_file: PageFile) -> Response:
    """The file, or 304 when the browser has it."""
    headers = {"ETag": page_file.etag, "Cache-Control": "no-cache", "Vary": "Accept"}
    if page_file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(page_file.content, media_type=page_file.media_type, headers=headers)


def _file(page_file: PageFile) -> Callable[[Request, Call], Awaitable[Response]]:
    async def endpoint(request: Request, _: Public) -> Response:
        return serve_file(request, page_file)

    return endpoint


def _folder(pages: dict[str, PageFile], name: str) -> Callable[[Request, str, Call], Awaitable[Response]]:
    async def endpoint(request: Request, path: str, _: Public) -> Response:
        page_file = pages.get(f"{name}/{path}")
        if page_file is None:
            raise HTTPException(404)
        return serve_file(request, page_file)

    return endpoint


def _walk(folder: Traversable, prefix: str) -> list[PageFile]:
    found: list[PageFile] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
            continue
        suffix = f".{entry.name.rpartition('.')[2]}"
        if suffix in SERVED:
            content = entry.read_bytes()
            media_type = TYPES.get(suffix) or mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            found.append(PageFile(path=f"{prefix}{entry.name}", content=content, media_type=media_type, etag=etag))
    return found
