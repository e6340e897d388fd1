"""The bodies of the access routes. Shapes only: what they mean is said by the use cases."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mcp_gateway.access.policy.model import Action
from mcp_gateway.access.policy.ports import Kind

MAX_NAMES = 100


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Described(_Body):
    """Somebody of one's own tenant, as a token would describe them."""

    subject: str = Field("somebody", min_length=1, max_length=200)
    roles: list[str] = Field(default_factory=list, max_length=MAX_NAMES)
    scopes: list[str] | None = Field(None, max_length=MAX_NAMES, description="None: the token says nothing of scopes.")
    attributes: dict[str, str] = Field(default_factory=dict, max_length=MAX_NAMES)


class ExplainRequest(_Body):
    """Why may this caller, or may it not. Without `action` it follows from the tool or table."""

    caller: Described = Field(default_factory=lambda: Described.model_validate({}))
    action: Action | None = None
    tool: str = Field("", max_length=300, description="`server.tool`, or a tool of the gateway itself.")
    table: str = Field("", max_length=300, description="`table`, or `table.column`.")


class RuleRequest(_Body):
    """A rule, role or row filter in the words of ACCESS_FILE."""

    kind: Kind = "rule"
    statement: dict[str, Any]
    force: bool = Field(False, description="Even if you could not take it back yourself afterwards.")


class RuleChange(_Body):
    """One change to try: a statement to put, or the name of one to remove."""

    kind: Kind = "rule"
    statement: dict[str, Any] | None = None
    remove: str | None = Field(None, max_length=300)


class DryRunRequest(_Body):
    """Changes to try together."""

    changes: list[RuleChange] = Field(min_length=1, max_length=50)
    days: float = Field(7.0, ge=0, le=3_650, description="How many days of past calls to compare; 0: none.")


class TokenRequest(_Body):
    """A token to make, of one's own tenant."""

    subject: str = Field(min_length=1, max_length=200)
    roles: list[str] = Field(min_length=1, max_length=MAX_NAMES)
    lifetime: str = Field("8h", max_length=20, description="A number and a unit: 30m, 8h, 7d.")
    name: str = Field("", max_length=200)
    scopes: list[str] | None = Field(None, max_length=MAX_NAMES)


class SubjectRequest(_Body):
    """Somebody of one's own tenant."""

    subject: str = Field(min_length=1, max_length=300)
