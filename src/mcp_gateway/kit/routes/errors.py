"""What goes wrong when routers are made."""

from collections.abc import Mapping

from mcp_gateway.core.errors import GatewayError, InvalidInput, Json


class InvalidRouterOrder(InvalidInput):
    """This router cannot be made as ordered."""

    code = "INVALID_ROUTER_ORDER"
    hint = "Correct the parameter named in data.parameter."

    @classmethod
    def _hint(cls, data: Mapping[str, Json]) -> str:
        return f"Correct `{data['parameter']}`." if "parameter" in data else cls.hint


class RouterChanged(GatewayError):
    """A file that would be written anew was changed by hand."""

    code = "ROUTER_CHANGED"
    category = "conflict"
    hint = "Keep your file, or move it away and make it anew."


class ProjectNotWritable(GatewayError):
    """A file of the router cannot be written where it belongs."""

    code = "PROJECT_NOT_WRITABLE"
    category = "conflict"
    hint = "Make room for the file named in data.path: a folder it needs may be a file, or not be yours to write to."


class ApplicationUnclear(GatewayError):
    """The application's file gives no clear place for the router."""

    code = "APPLICATION_UNCLEAR"
    category = "conflict"
    hint = "Add the import and `app.include_router(...)` yourself; the next steps show both lines."
