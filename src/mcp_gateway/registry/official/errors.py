"""What looking a name up in a registry may come to."""

from mcp_gateway.core.errors import NotFound, Unprocessable


class NotInRegistry(NotFound):
    """The registry knows no server of this name."""

    code = "NOT_IN_REGISTRY"
    hint = "Write the name as the registry has it, com.example/server, or give the server's address."


class NoRemote(Unprocessable):
    """The registry names no address this server could be reached at."""

    code = "NO_REMOTE"
    hint = "It may be a package to run yourself: write its command into the servers file."


class RegistryAnswerOdd(Unprocessable):
    """What the registry answers is not what registries answer."""

    code = "REGISTRY_ANSWER_ODD"
    hint = "Check the registry's address: its endpoints are below /v0.1."
