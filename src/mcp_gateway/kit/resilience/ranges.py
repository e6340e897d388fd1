"""One check for the numbers of policies."""

from mcp_gateway.kit.errors import InvalidPolicy


def require(name: str, value: float, *, least: float, most: float) -> None:
    """Raises `InvalidPolicy` unless `least` <= `value` <= `most`."""
    if not least <= value <= most:
        raise InvalidPolicy(f"`{name}` is from {least} to {most}, not {value}.")
