"""One entry of a client's file: a server at an address, or a program, and what of it cannot be taken over."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from typing import Final

from mcp_gateway.core.errors import Json
from mcp_gateway.registry.check import check_server
from mcp_gateway.registry.formats.bridges import bridged
from mcp_gateway.registry.formats.model import Note, Program
from mcp_gateway.registry.formats.names import usable_name
from mcp_gateway.registry.formats.values import Unresolved, named_texts, resolved, texts, without_secrets
from mcp_gateway.registry.model import Credential, Server
from mcp_gateway.registry.orders import RemoteTransport, ServerOrder

_URLS: Final = ("url", "serverUrl", "httpUrl", "uri")
_TRANSPORTS: Final[Mapping[str, RemoteTransport]] = {
    "http": "http", "streamable-http": "http", "streamable_http": "http", "streamablehttp": "http", "remote": "http",
    "sse": "sse",
}  # fmt: skip
_BEARER: Final = re.compile(r"(?i)bearer +(\S+)")
# Of the client alone: its questions to its user, its own deadlines, what it shows.
_CLIENTS_OWN: Final = frozenset(
    {
        *("alwaysAllow", "autoApprove", "trust", "timeout", "startup_timeout_sec", "startup_timeout_ms", "tool_timeout_sec"),
        *("gallery", "source", "bundled", "display_name", "name", "title", "description", "icon", "version", "dev", "required"),
    }
)
_TOOL_CHOICES: Final = frozenset(
    {"enabled_tools", "disabled_tools", "includeTools", "excludeTools", "available_tools", "disabledTools", "tools"}
)
_READ: Final = frozenset(
    {
        *_URLS,
        *("type", "transport", "headers", "http_headers", "env_http_headers", "bearer_token_env_var"),
        *("command", "cmd", "args", "env", "envs", "env_keys", "cwd", "enabled", "disabled"),
    }
)
_MAX_NOTED: Final = 10


class HeldBack(Exception):
    """The entry cannot be registered as it is."""

    def __init__(self, field: str, problem: str, fix: str) -> None:
        super().__init__(field)
        self.field, self.problem, self.fix = field, problem, fix


class Entry:
    """`environment` None: references to it are not replaced. `taken` are names that are given already."""

    def __init__(self, said: str, value: dict[str, Json], environment: Mapping[str, str] | None, taken: Collection[str]) -> None:
        inner = bridged(value)
        self._said, self._value, self._environment = said, value if inner is None else inner, environment
        self._bridged = inner is not None
        self.name = usable_name(said, taken)

    def is_program(self) -> bool:
        return any(self._value.get(key) for key in ("command", "cmd")) or self._value.get("type") in ("stdio", "builtin")

    def program(self) -> Program:
        """Raises `HeldBack`."""
        value, command = self._value, self._value.get("command") or self._value.get("cmd")
        if isinstance(command, dict):  # an older form of Zed
            value, command = command, command.get("path")
        arguments = texts(value.get("args"))
        if not isinstance(command, str) or arguments is None:
            raise HeldBack("command", "is no program with arguments", "Write it into the servers file by hand.")
        variables: set[str] = set()
        for key in ("env", "envs"):
            said = value.get(key)
            variables |= said.keys() if isinstance(said, dict) else set()
        variables |= {*(texts(value.get("env_keys")) or ())}
        directory = value.get("cwd")
        return Program(
            name=self.name,
            program=command.replace("$", "$$"),
            arguments=without_secrets(self.name, arguments),
            variables=tuple(sorted(one for one in variables if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", one))),
            directory=directory.replace("$", "$$") if isinstance(directory, str) else "",
        )

    def order(self) -> ServerOrder:
        """Raises `HeldBack`."""
        value = self._value
        key = next((key for key in _URLS if value.get(key)), "url")
        url, title = value.get(key), self._said if self._said != self.name else ""
        if not isinstance(url, str):
            raise HeldBack(key, "is missing", "An entry has either an address or a command.")
        server = Server(
            name=self.name,
            url=self._resolved(key, url),
            transport=self._transport(),
            title=title,
            enabled=value.get("enabled") is not False and value.get("disabled") is not True,
            credential=self._credential(),
        )
        for problem in check_server(server):
            raise HeldBack(problem.field, problem.problem, problem.fix)
        said = {field.name: getattr(server, field.name) for field in fields(ServerOrder) if field.name != "tenant"}
        return ServerOrder(**said)

    def notes(self) -> Iterator[Note]:
        """What is left out of an entry that is taken over."""
        for key in sorted(self._value.keys() & _TOOL_CHOICES):
            if self._value[key]:
                fix = "Make a virtual server with the tools wanted, or a rule of the policy."
                yield self.note(key, "chooses tools, which is not taken over: all of them will be offered", fix)
        unknown = sorted(self._value.keys() - _READ - _CLIENTS_OWN - _TOOL_CHOICES)
        for key in unknown[:_MAX_NOTED]:
            yield self.note(key[:100], "is not taken over", "Nothing here is like it, or it is not known.")
        if self._bridged:
            yield self.note(
                "command", "bridges to an address, which is registered instead", "See whether it wants a login: test it."
            )
        if self.name != self._said:
            yield self.note("name", f"is now {self.name}", "Names here have lower-case letters, digits and dashes.")

    def note(self, field: str, problem: str, fix: str, *, held_back: bool = False) -> Note:
        return Note(server=self._said[:100], field=field, problem=problem, fix=fix, held_back=held_back)

    def _transport(self) -> RemoteTransport:
        said = self._value.get("type", self._value.get("transport"))
        if said is None or said == "":
            return "http"
        known = _TRANSPORTS.get(said.lower()) if isinstance(said, str) else None
        if known is None:
            raise HeldBack("type", "is no transport the gateway speaks", "Known are http, streamable-http and sse.")
        return known

    def _credential(self) -> Credential:
        """Where it is one header. A server that gets only some of its headers might be another one than was meant."""
        headers = {**self._named("headers"), **self._named("http_headers")}
        for header, variable in self._named("env_http_headers").items():
            headers[header] = self._variable("env_http_headers", variable)
        token = self._value.get("bearer_token_env_var")
        if isinstance(token, str):
            headers["Authorization"] = f"Bearer {self._variable('bearer_token_env_var', token)}"
        if not headers:
            return Credential()
        if len(headers) > 1:
            problem = f"has {len(headers)} headers, and the gateway sends one of its own to a server"
            raise HeldBack("headers", problem, "Register it with the one that carries the secret, if that is enough.")
        ((header, text),) = headers.items()
        text = self._resolved("headers", text).strip()
        bearer = _BEARER.fullmatch(text) if header.lower() == "authorization" else None
        return Credential(kind="bearer", secret=bearer[1]) if bearer else Credential(kind="header", header=header, secret=text)

    def _named(self, key: str) -> dict[str, str]:
        read = named_texts(self._value.get(key))
        if read is None:
            raise HeldBack(key, "is not a list of named texts", "Write each name with its value.")
        return read

    def _variable(self, key: str, name: str) -> str:
        found = None if self._environment is None else self._environment.get(name)
        if found is None:
            raise HeldBack(key, "takes a secret from the environment", "Say --expand where it is set, or send the credential.")
        # What is in the environment is a value, however it looks.
        return found

    def _resolved(self, key: str, text: str) -> str:
        try:
            return resolved(text, self._environment)
        except Unresolved as error:
            raise HeldBack(key, str(error), "Say --expand where the variables are set, or write the value.") from None
