"""What can go wrong with definitions."""

from mcp_gateway.core.errors import GatewayError, InvalidInput, NotFound, Unavailable


class DefinitionsContested(Unavailable):
    """Several replicas wrote down the same definitions at once, again and again."""

    code = "DEFINITIONS_CONTESTED"


class UnknownDefinition(NotFound):
    """No server here offers, or offered, anything of this name."""

    code = "UNKNOWN_DEFINITION"
    hint = "`mcp-gateway tools list` shows what there is."


class DefinitionChanged(GatewayError):
    """It is no longer what you looked at; nothing was decided."""

    code = "DEFINITION_CHANGED"
    category = "conflict"
    hint = "Look at the change once more, and decide on that."


class FingerprintNeeded(InvalidInput):
    """Say which definition is meant, by its fingerprint."""

    code = "FINGERPRINT_NEEDED"
    hint = "`mcp-gateway tools show` and `diff` print it; a beginning of eight characters is enough."
