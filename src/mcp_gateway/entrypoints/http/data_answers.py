"""What the routes of data, of the caller and of ways to sign in and to answer tell, as clients see it in the description."""

from typing_extensions import TypedDict

from mcp_gateway.core.schema import Scalar
from mcp_gateway.entrypoints.http.models import deferred


class ColumnAnswer(TypedDict):
    """`type` is the database's own name for the type; `samples` are a few stored values, commonest first."""

    name: str
    type: str
    kind: str
    nullable: bool
    comment: str | None
    samples: list[Scalar]
    distinct_count: int | None
    minimum: Scalar
    maximum: Scalar


class TableAnswer(TypedDict):
    """A table or view the caller may read."""

    name: str
    comment: str | None
    row_count: int | None
    is_view: bool
    primary_key: list[str]
    columns: list[ColumnAnswer]


class ForeignKeyAnswer(TypedDict):
    """`inferred`: not declared in the database."""

    table: str
    columns: list[str]
    target_table: str
    target_columns: list[str]
    inferred: bool


class WordAnswer(TypedDict):
    """A business word; `means` is for people."""

    kind: str
    words: list[str]
    means: str
    table: str | None
    column: str | None


@deferred
class SchemaAnswer(TypedDict):
    """What can be asked about."""

    dialect: str
    version: str
    tables: list[TableAnswer]
    foreign_keys: list[ForeignKeyAnswer]
    words: list[WordAnswer]
    missing_servers: list[str]
    warnings: list[str]
    examples: list[str]
    drafters: list[str]


@deferred
class MeAnswer(TypedDict):
    """Who the caller is here, and what they may do. `csrf` is what changes asked for with a cookie must carry."""

    tenant: str
    subject: str
    name: str
    roles: list[str]
    issuer: str | None
    login: str
    csrf: str | None
    may: dict[str, bool]


@deferred
class SignInLinkAnswer(TypedDict):
    """A link that signs in once, and for how many seconds it is good."""

    link: str
    seconds: int


class LoginProviderAnswer(TypedDict):
    """Somewhere to log in."""

    name: str
    title: str
    href: str


@deferred
class LoginOptionsAnswer(TypedDict):
    """How people can sign in here; `login` is none or required."""

    login: str
    providers: list[LoginProviderAnswer]


class ModeAnswer(TypedDict):
    """A way of answering."""

    mode: str
    description: str
    available: bool


class BehindAnswer(TypedDict):
    """A server behind the answers."""

    name: str
    connected: bool
    priority: int


class OrchestratorAnswer(TypedDict):
    """How what answers stands."""

    initialized: bool
    servers: list[BehindAnswer]


@deferred
class ModesAnswer(TypedDict):
    """Ways of answering, and which can be used now."""

    available_modes: list[ModeAnswer]
    default_mode: str
    drafters: list[str]
    orchestrator_status: OrchestratorAnswer
