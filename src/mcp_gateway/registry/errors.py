"""What the registry refuses. From outside, what may not be seen and what does not exist look alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_gateway.core.configuration.faults import Fault
from mcp_gateway.core.errors import GatewayError, InvalidInput, Json, NotFound, Unavailable, Unprocessable


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is wrong with one field, `limits.timeout_seconds` for example, and what to do. Texts never hold a secret."""

    field: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field} {self.problem}. {self.fix}"

    def to_dict(self) -> dict[str, Json]:
        return {"field": self.field, "problem": self.problem, "fix": self.fix}


class InvalidServer(InvalidInput):
    """The server cannot be registered like this."""

    code = "INVALID_SERVER"
    hint = "Correct each field named; nothing was changed."

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "InvalidServer":
        return cls(" | ".join(str(one) for one in problems), problems=[one.to_dict() for one in problems])


class ServerNotFound(NotFound):
    """There is no such server."""

    code = "SERVER_NOT_FOUND"
    hint = "`mcp-gateway servers list` shows those you may see."


class ServerNameTaken(GatewayError):
    """This name is not free."""

    code = "SERVER_NAME_TAKEN"
    category = "conflict"
    hint = "Choose another name; names of servers and virtual servers are shared by all tenants."


class ServerChanged(GatewayError):
    """Somebody else changed it meanwhile; nothing was changed now."""

    code = "SERVER_CHANGED"
    category = "conflict"
    hint = "Read it again, and send the change with the version you then see."


class ServerWrittenDown(GatewayError):
    """It is part of the program or stands in the servers file, so it cannot be changed here."""

    code = "SERVER_WRITTEN_DOWN"
    category = "conflict"
    hint = "Change it in the file that SERVERS_FILE names; the gateway follows within a second."


class ServerInUse(GatewayError):
    """A virtual server offers something of it."""

    code = "SERVER_IN_USE"
    category = "conflict"
    hint = "Remove it from the virtual servers named first, or say `force`."


class TooManyServers(Unprocessable):
    """There are as many as one tenant may have."""

    code = "TOO_MANY_SERVERS"
    hint = "Remove some that are not needed any more."


class CredentialLost(Unprocessable):
    """The stored credential of this server cannot be opened any more."""

    code = "CREDENTIAL_LOST"
    hint = "Send its credential anew; it was sealed with another signing key than the one in STATE_DIR."


class RegistryBusy(Unavailable):
    """Others kept changing the registry; this change was not made."""

    code = "REGISTRY_BUSY"


class ServersFileInvalid(InvalidInput):
    """The servers file has faults."""

    code = "SERVERS_FILE_INVALID"
    hint = "Correct each fault named; what was in force before stays in force."

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        words = " | ".join(str(one) for one in self.faults)
        message = f"The servers file has {count} fault{'' if count == 1 else 's'}: {words}"
        super().__init__(message, faults=[fault.to_dict() for fault in self.faults])


class ServersFileUnreadable(NotFound):
    """The servers file cannot be read."""

    code = "SERVERS_FILE_UNREADABLE"
    hint = "Check the path and that the file may be read; SERVERS_FILE names it."
