"""What changing the policy can run into."""

from mcp_gateway.core.errors import GatewayError, NotFound, Unavailable


class StatementNotFound(NotFound):
    """This tenant stored no such rule, role or row filter."""

    code = "RULE_NOT_FOUND"
    hint = "`mcp-gateway access rules list` shows what is stored; the file's and the built-in ones cannot be changed here."


class WouldLockOut(GatewayError):
    """After this change you could not manage access any more, nor take it back."""

    code = "WOULD_LOCK_OUT"
    category = "conflict"
    hint = "Give yourself manage_access by a role first, or say `force` if it is meant."


class PolicyBusy(Unavailable):
    """Others kept changing the policy; this change was not made."""

    code = "POLICY_BUSY"
