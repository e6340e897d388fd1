"""Every setting of a running gateway: its unit, its default, its meaning. The only reader of the environment.

A setting is static: it is read once at start and changes by a restart. Where a value comes from, strongest first: an option
of the command line, the environment, the file `.env` in the working directory, the default. What may change while running
(servers, glossary words) stands in its own file instead: the MCP configuration and the glossary.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mcp_gateway.core.errors import InvalidInput

Origin: TypeAlias = Literal["option", "environment", ".env", "default"]
Words: TypeAlias = Annotated[tuple[str, ...], NoDecode]

ENV_FILE = Path(".env")


class InvalidSettings(InvalidInput):
    """A setting has a value that cannot be used."""

    code = "INVALID_SETTINGS"
    hint = "`mcp-gateway config show` lists every setting with its meaning."


def _default_cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mcp-gateway"


def _default_state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "mcp-gateway"


class Settings(BaseSettings):
    """Field names are the environment names in lower case; the description is what the reference page prints."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # The door
    fastapi_host: str = Field(
        "127.0.0.1", description="Address to listen on. Anything but loopback needs a provider that people log in at."
    )
    fastapi_port: int = Field(8000, ge=0, le=65535, description="Port of everything: page, API, MCP. 0 takes a free one.")
    mcp_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port for the MCP endpoints alone; they then leave the main port. Unset: one port for all.",
    )
    public_url: str | None = Field(
        None, description="Address people and programs reach this gateway at, when a proxy stands before it. Unset: as requested."
    )
    allowed_origins: Words = Field(
        ("http://localhost:3000",),
        description="Web origins, besides the gateway's own, that may call the API from a browser; comma-separated.",
    )
    allowed_hosts: Words = Field(
        (),
        description="Host names, besides the loopback ones and the listening address, that requests may name; comma-separated.",
    )
    max_body_bytes: int = Field(1_000_000, ge=1_000, description="Longest accepted request body, in bytes.")

    # The data asked about
    tables_url: str | None = Field(
        None,
        description="The data asked about: DuckDB, SQLite, CSV or Parquet (file or folder), or a URL. Unset: the demo shop.",
    )
    glossary_file: Path | None = Field(None, description="Business words, YAML or CSV. Unset: none, or the demo shop's own.")
    mcp_config_path: Path | None = Field(
        None, description="MCP servers to use in place of the embedded ones (YAML: mcp_servers, orchestration)."
    )
    mcp_server_url: str | None = Field(
        None, description="One MCP server with tables to use in place of the embedded one; a configuration file wins over it."
    )
    enable_multi_mcp: bool = Field(True, description="Use every configured server. False: only the first that can run queries.")
    require_multi_mcp: bool = Field(False, description="Refuse to start, and report not ready, unless every server is connected.")
    servers_file: Path | None = Field(
        None,
        description="MCP servers offered at /mcp, virtual servers and reachable networks (YAML), followed while running. "
        "Unset: those that were registered.",
    )
    cache_dir: Path = Field(
        default_factory=_default_cache_dir,
        validation_alias="MCP_GATEWAY_CACHE_DIR",
        description="Where generated demo data is kept between starts. Default: mcp-gateway in the user's cache directory.",
    )
    database_url: str | None = Field(
        None,
        description="The gateway's own store (audit trail, rules, tokens, conversations), a SQLAlchemy URL: SQLite or Postgres. "
        "Unset: SQLite in STATE_DIR.",
    )
    state_dir: Path = Field(
        default_factory=_default_state_dir,
        description="Where this gateway keeps its signing key and its store. Default: mcp-gateway in the user's state directory.",
    )

    # Who is calling, and what they may do
    login: Literal["required", "none"] = Field(
        "required",
        description="Whether callers must log in. none: everybody who reaches the port may do everything; loopback only.",
    )
    access_file: Path | None = Field(
        None, description="Providers, roles, rules and row filters (YAML). Unset: the built-in roles and tokens of this gateway."
    )
    oidc_issuer: str | None = Field(
        None,
        description="Issuer URL of an OpenID provider whose tokens are accepted; the gateway's roles count where the claim "
        "`roles` names them. ACCESS_FILE can name several, in detail.",
    )
    oidc_audience: Words = Field((), description="Audiences tokens of OIDC_ISSUER may be for; comma-separated.")
    oidc_tenant: str | None = Field(
        None, description="Tenant of everybody who comes from OIDC_ISSUER, which needs it; ACCESS_FILE can take it from a claim."
    )
    audit_when_away: Literal["closed", "open"] = Field(
        "closed",
        description="When the audit trail cannot be written: closed refuses to answer, open answers and counts what was lost.",
    )
    login_hours: float = Field(12.0, gt=0, le=24 * 30, description="Hours a login at the page lasts at most.")

    # Answering
    resource_copies: Literal["fresh", "ttl", "coherent"] = Field(
        "coherent",
        description="How long what servers said is used again: never, for a fixed time, or while the server vouches for it.",
    )
    resource_cache_ttl: float = Field(300.0, ge=0, description="Seconds a copy is used when RESOURCE_COPIES is ttl.")
    drafter: Literal["auto", "engine", "model"] = Field(
        "auto",
        description="Who drafts SQL: the embedded engine, the language model, or the model only where the engine is unsure.",
    )
    engine_threshold: float | None = Field(
        None, ge=0, le=1, description="Confidence from which the engine answers without asking back. Unset: as calibrated."
    )
    max_question_chars: int = Field(4_000, ge=100, description="Longest accepted question, in characters.")
    max_rows: int = Field(1_000, ge=1, le=1_000_000, description="Rows an answer shows at most; the total is still counted.")
    max_result_bytes: int = Field(4_000_000, ge=10_000, description="Bytes of values an answer carries at most.")
    query_timeout_seconds: float = Field(30.0, gt=0, le=3600, description="Seconds one query may run.")
    ask_timeout_seconds: float = Field(120.0, gt=0, le=3600, description="Seconds a question may take, all steps together.")
    max_questions_at_once: int = Field(32, ge=1, description="Questions answered at the same time; more wait for their turn.")
    draft_processes: int | None = Field(
        None,
        ge=0,
        le=64,
        description="Processes beside this one that draft SQL while many questions are asked; 0: none. "
        "Unset: one less than the processors, 3 at most.",
    )
    session_ttl_seconds: float = Field(
        3_600.0, gt=0, description="Seconds after its last question that a conversation is forgotten."
    )

    # Language models (none is needed)
    language_model: str | None = Field(
        None,
        description="`provider:name`; provider: openrouter, gemini, anthropic, openai. Unset: by the first key that is set.",
    )
    openrouter_api_key: SecretStr | None = Field(None, description="Key for OpenRouter.")
    openrouter_model: str = Field("meta-llama/llama-3.1-8b-instruct:free", description="Model asked at OpenRouter.")
    gemini_api_key: SecretStr | None = Field(None, description="Key for Google Gemini.")
    gemini_model: str = Field("gemini-2.5-flash", description="Model asked at Gemini.")
    anthropic_api_key: SecretStr | None = Field(None, description="Key for Anthropic.")
    anthropic_model: str = Field("claude-sonnet-4-5", description="Model asked at Anthropic.")
    openai_base_url: str | None = Field(None, description="Any server that speaks the OpenAI API, a local one too.")
    openai_api_key: SecretStr | None = Field(None, description="Key for it, when it wants one.")
    openai_model: str = Field("gpt-4.1-mini", description="Model asked there.")
    language_model_timeout_seconds: float = Field(
        30.0, gt=0, le=600, description="Seconds one request to a language model may take."
    )
    language_model_retries: int = Field(2, ge=0, le=10, description="Further tries after a failed request to a language model.")

    # Limits, and several replicas
    redis_url: SecretStr | None = Field(
        None,
        description="Redis or Valkey that all replicas share: limits, copies of schema and words, and circuit breakers are then "
        "common. Unset: each process for itself.",
    )
    redis_timeout_seconds: float = Field(
        0.018,
        gt=0,
        le=10,
        description="How long a limit or a shared copy waits for REDIS_URL before this replica goes on by itself, in seconds.",
    )
    replicas: int = Field(
        1, ge=1, le=1_000, description="Processes that share REDIS_URL; while it is away each grants its share of every limit."
    )
    limit_questions_per_minute: int = Field(
        1_200, ge=0, description="Questions and SQL one tenant may send within any minute; 0: no limit."
    )
    limit_reads_per_minute: int = Field(
        12_000,
        ge=0,
        description="Requests of any other kind one tenant may send within any minute, each kind by itself; 0: no limit.",
    )

    # Watching it
    enable_metrics: bool = Field(True, description="Offer the figures at /api/metrics and /metrics.")
    metrics_window_size: int = Field(1_000, ge=1, le=1_000_000, description="Questions the JSON figures look back on.")
    enable_health_checks: bool = Field(
        True, description="Check every part in the background; off, health says only that the process lives."
    )
    health_check_interval: float = Field(30.0, gt=0, description="Seconds between two checks of a part.")
    health_check_timeout_seconds: float = Field(5.0, gt=0, description="Seconds one check may take.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="Least severe log line written."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Log lines as JSON or for people; auto: for people at a terminal."
    )

    @field_validator("allowed_origins", "allowed_hosts", "oidc_audience", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip().strip('"') for word in value.strip().strip("[]").split(",") if word.strip())
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _refuse_wildcard(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in value:
            msg = "name each origin; '*' would let any web page a user visits read the tables"
            raise ValueError(msg)
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


def environment_name(field: str) -> str:
    """The variable a field is read from."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else field.upper()


def load_settings(options: Mapping[str, object] | None = None) -> Settings:
    """Read the settings; `options` are fields given on the command line (None values count as not given).

    Raises `InvalidSettings` naming each faulty setting, never its value.
    """
    given: dict[str, Any] = {
        environment_name(field) if field == "cache_dir" else field: value for field, value in _given(options)
    }
    try:
        settings = Settings(**given)
    except ValidationError as error:
        faults = [f"{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}" for fault in error.errors()]
        raise InvalidSettings("; ".join(faults), faults=list(faults)) from None
    named = {field for field, _ in _given(options)}
    if "tables_url" in named and "mcp_config_path" not in named:
        # Data named on the command line is meant, whatever servers the environment names.
        return settings.model_copy(update={"mcp_config_path": None, "mcp_server_url": None})
    return settings


def origin_of(field: str, options: Mapping[str, object] | None = None) -> Origin:
    """Where the value of a field comes from."""
    name = environment_name(field)
    if any(field == given for given, _ in _given(options)):
        return "option"
    if any(variable.upper() == name and value for variable, value in os.environ.items()):
        return "environment"
    if ENV_FILE.is_file() and any(variable.upper() == name and value for variable, value in dotenv_values(ENV_FILE).items()):
        return ".env"
    return "default"


def _given(options: Mapping[str, object] | None) -> tuple[tuple[str, object], ...]:
    return tuple((field, value) for field, value in (options or {}).items() if value is not None)


def process_environment() -> Mapping[str, str]:
    """The environment as it is, for `${VAR}` and overrides in a configuration file; `.env` stands behind it."""
    from_file = (
        {name: value for name, value in dotenv_values(ENV_FILE).items() if value is not None} if ENV_FILE.is_file() else {}
    )
    return {**from_file, **os.environ}
