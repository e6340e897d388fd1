"""The bodies of the routes about servers. Shapes only: what they mean is said by the registry.

None has a field for a command: over the network nobody can make this machine run a program.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr

from mcp_gateway.registry.check import MAX_SECRET, MAX_TOOLS, MAX_URL
from mcp_gateway.registry.model import Credential, CredentialKind, DriftRule, Selected, ServerLimits
from mcp_gateway.registry.orders import RemoteTransport, ServerChange, ServerOrder, VirtualChange, VirtualOrder

MAX_WORDS = 2_000
Mask = Literal["email", "secret", "card", "phone"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CredentialBody(_Body):
    """How the gateway makes itself known to the server. The secret is never told again."""

    kind: CredentialKind
    secret: SecretStr = Field(SecretStr(""), max_length=MAX_SECRET, description="Token, header value or client secret.")
    header: str = Field("", max_length=100, description="Of kind header: its name.")
    token_url: str = Field("", max_length=MAX_URL, description="Of OAuth kinds: where tokens are got.")
    client_id: str = Field("", max_length=MAX_WORDS)
    scope: str = Field("", max_length=MAX_WORDS)
    audience: str = Field("", max_length=MAX_WORDS)

    def value(self) -> Credential:
        said = self.model_dump(exclude={"secret"})
        return Credential(**said, secret=self.secret.get_secret_value())


class LimitsBody(_Body):
    """Bounds of every call to the server."""

    timeout_seconds: float = Field(60.0, ge=0.1, le=3_600)
    connect_seconds: float = Field(5.0, ge=0.1, le=60)
    max_answer_bytes: int = Field(64 * 1024 * 1024, ge=1_024, le=1 << 30)
    calls_at_once: int = Field(64, ge=1, le=10_000, description="On each replica.")
    max_list_bytes: int = Field(4 * 1024 * 1024, ge=1_024, le=1 << 26, description="Of one list, all its pages together.")

    def value(self) -> ServerLimits:
        return ServerLimits(**self.model_dump())


class ServerRequest(_Body):
    """A server to register; it is then connected to, checked and explained."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "github",
                    "url": "https://mcp.example.com/mcp",
                    "title": "Issues and pull requests",
                    "prefix": "github_",
                    "credential": {"kind": "bearer", "secret": "…"},
                }
            ]
        }
    )

    name: str = Field(min_length=1, max_length=100, description="Lower-case letters, digits and dashes, at most 40.")
    url: str = Field(
        min_length=1, max_length=MAX_URL, description="Of its MCP endpoint; or its name in a registry: com.example/server."
    )
    transport: RemoteTransport = "http"
    title: str = Field("", max_length=MAX_WORDS)
    description: str = Field("", max_length=MAX_WORDS)
    tenant: str | None = Field(None, max_length=200, description="Left out: your own. '' is every tenant, for operators to say.")
    enabled: bool = True
    prefix: str = Field("", max_length=100, description="Put right before its names in the one endpoint.")
    credential: CredentialBody | None = None
    limits: LimitsBody | None = None
    drift: DriftRule = Field("approve", description="What happens to a tool that changes: pass, approve or block.")
    check_arguments: bool = True
    mask: list[Mask] = Field(default_factory=list, max_length=10, description="Struck out of its answers.")
    look: bool = Field(True, description="Connect to it now and tell what was found.")

    def order(self) -> ServerOrder:
        plain = self.model_dump(exclude={"credential", "limits", "mask", "look"})
        return ServerOrder(
            **plain,
            credential=self.credential.value() if self.credential else Credential(),
            limits=self.limits.value() if self.limits else ServerLimits(),
            mask=frozenset(self.mask),
        )


class ServerPatch(_Body):
    """What to change; what is left out stays. Limits are given whole; a credential of kind none takes it away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Issues", "expected_version": 3}]})

    url: str | None = Field(None, min_length=1, max_length=MAX_URL)
    transport: RemoteTransport | None = None
    title: str | None = Field(None, max_length=MAX_WORDS)
    description: str | None = Field(None, max_length=MAX_WORDS)
    enabled: bool | None = None
    prefix: str | None = Field(None, max_length=100)
    credential: CredentialBody | None = None
    limits: LimitsBody | None = None
    drift: DriftRule | None = None
    check_arguments: bool | None = None
    mask: list[Mask] | None = Field(None, max_length=10)
    expected_version: int | None = Field(None, ge=1, description="Changed meanwhile: 409, and nothing is done.")
    look: bool = Field(True, description="Connect to it now and tell what was found.")

    def change(self) -> ServerChange:
        plain = self.model_dump(exclude={"credential", "limits", "mask", "look", "expected_version"})
        return ServerChange(
            **plain,
            credential=self.credential.value() if self.credential else None,
            limits=self.limits.value() if self.limits else None,
            mask=None if self.mask is None else frozenset(self.mask),
        )


class SelectedBody(_Body):
    """One tool of a virtual server."""

    server: str = Field(min_length=1, max_length=100)
    tool: str = Field(min_length=1, max_length=300, description="As its server lists it.")
    name: str | None = Field(None, min_length=1, max_length=100, description="What it is called here.")
    description: str | None = Field(None, max_length=20_000)
    hidden: list[str] = Field(default_factory=list, max_length=200, description="Arguments that are not shown.")
    preset: dict[str, JsonValue] = Field(default_factory=dict, max_length=200, description="Arguments always sent so.")

    def value(self) -> Selected:
        said: dict[str, Any] = self.model_dump(exclude={"hidden"})
        return Selected(**said, hidden=frozenset(self.hidden))


class VirtualRequest(_Body):
    """A named selection of tools, reached like a server."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "support", "tools": [{"server": "github", "tool": "search_issues", "preset": {"owner": "acme"}}]}
            ]
        }
    )

    name: str = Field(min_length=1, max_length=100)
    title: str = Field("", max_length=MAX_WORDS)
    instructions: str = Field("", max_length=20_000)
    tenant: str | None = Field(None, max_length=200)
    tools: list[SelectedBody] = Field(default_factory=list, max_length=MAX_TOOLS)
    resources: list[str] = Field(default_factory=list, max_length=MAX_TOOLS, description="Servers that give their resources.")
    prompts: list[str] = Field(default_factory=list, max_length=MAX_TOOLS, description="Servers that give their prompts.")

    def order(self) -> VirtualOrder:
        return VirtualOrder(
            name=self.name,
            title=self.title,
            instructions=self.instructions,
            tenant=self.tenant,
            tools=tuple(one.value() for one in self.tools),
            resources=tuple(self.resources),
            prompts=tuple(self.prompts),
        )


class VirtualPatch(_Body):
    """What to change; what is left out stays. Lists are given whole."""

    title: str | None = Field(None, max_length=MAX_WORDS)
    instructions: str | None = Field(None, max_length=20_000)
    tools: list[SelectedBody] | None = Field(None, max_length=MAX_TOOLS)
    resources: list[str] | None = Field(None, max_length=MAX_TOOLS)
    prompts: list[str] | None = Field(None, max_length=MAX_TOOLS)
    expected_version: int | None = Field(None, ge=1, description="Changed meanwhile: 409, and nothing is done.")

    def change(self) -> VirtualChange:
        return VirtualChange(
            title=self.title,
            instructions=self.instructions,
            tools=None if self.tools is None else tuple(one.value() for one in self.tools),
            resources=None if self.resources is None else tuple(self.resources),
            prompts=None if self.prompts is None else tuple(self.prompts),
        )
