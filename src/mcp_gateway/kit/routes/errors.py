"""What goes wrong when routers are made."""

from mcp_gateway.core.errors import GatewayError, InvalidInput


class InvalidRouterOrder(InvalidInput):
    """This router cannot be made as ordered."""

    code = "INVALID_ROUTER_ORDER"
    hint = "Correct the parameter named in data.parameter."


class RouterChanged(GatewayError):
    """A file that would be written anew was changed by hand."""

    code = "ROUTER_CHANGED"
    category = "conflict"
    hint = "Keep your file, or move it away and make it anew; the diff shows what would change."


class ApplicationUnclear(GatewayError):
    """The application's file gives no clear place for the router."""

    code = "APPLICATION_UNCLEAR"
    category = "conflict"
    hint = "Add the import and `app.include_router(...)` yourself; the next steps show both lines."
