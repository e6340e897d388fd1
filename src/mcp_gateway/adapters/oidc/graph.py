"""Groups that did not fit into a token, asked for at Microsoft Graph with the gateway's own credentials, not the caller's token.

Needs the application permissions GroupMember.Read.All and User.Read.All. What is not known in time is no group, and is said.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import structlog

from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound
from mcp_gateway.core.clock import Clock
from mcp_gateway.core.flights import Flights

GROUPS_SECONDS: Final = 600.0
FAILED_SECONDS: Final = 60.0
MAX_SUBJECTS: Final = 5_000
# A person may be in thousands of groups: 40 bytes each, in one answer.
MAX_GROUPS_BYTES: Final = 2 * 1024 * 1024
_EARLY_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundGroups:
    """`groups` None: they could not be found out, `fault` says why. `until` in seconds on the monotonic clock."""

    groups: frozenset[str] | None
    until: float
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphAccess:
    """`token_url` has `{directory}` where the directory goes; `url` is Graph's address without a path."""

    url: str
    token_url: str
    client_id: str
    client_secret: str


class GroupLookup:
    """The groups of a directory's people, remembered for ten minutes each; who asks for the same at once asks once."""

    def __init__(self, access: GraphAccess, tokens: Outbound, graph: Outbound, clock: Clock) -> None:
        self._access, self._tokens, self._graph, self._clock = access, tokens, graph, clock
        self._found: OrderedDict[tuple[str, str], FoundGroups] = OrderedDict()
        self._flights = Flights[tuple[str, str], FoundGroups](outlast=True)
        self._app_tokens: dict[str, tuple[str, float]] = {}

    async def groups_of(self, directory: str, person: str) -> FoundGroups:
        """`person` is the `oid` of the token. Takes two requests' time at most; raises nothing."""
        key = directory, person
        found = self._found.get(key)
        if found is not None and self._clock.monotonic() < found.until:
            self._found.move_to_end(key)
            return found
        return await self._flights.join(key, lambda: self._ask(directory, person))

    async def check(self, directory: str) -> None:
        """Get an application token as a look-up would. Raises `ProviderUnusable`."""
        await self._app_token(directory)

    async def aclose(self) -> None:
        """End what is under way."""
        await self._flights.close()

    async def _ask(self, directory: str, person: str) -> FoundGroups:
        try:
            groups = await self._member_objects(directory, person)
        except ProviderUnusable as fault:
            log.warning("groups_not_found_out", directory=directory, kind=fault.kind, error=fault.message)
            until = self._clock.monotonic() + FAILED_SECONDS
            found = FoundGroups(groups=None, until=until, fault=fault.message)
        else:
            found = FoundGroups(groups=groups, until=self._clock.monotonic() + GROUPS_SECONDS)
        self._found[directory, person] = found
        if len(self._found) > MAX_SUBJECTS:
            self._found.popitem(last=False)
        return found

    async def _member_objects(self, directory: str, person: str) -> frozenset[str]:
        """The ids of all groups, also those a group is in, in one answer (Graph's getMemberObjects)."""
        token = await self._app_token(directory)
        url = f"{self._access.url}/v1.0/users/{quote(person, safe='')}/getMemberObjects"
        reply = await self._graph.post_json(url, {"securityEnabledOnly": False}, bearer=token)
        ids = reply.document.get("value")
        if not isinstance(ids, list):
            raise ProviderUnusable("content", "Graph answers without a list of groups.")
        return frozenset(one for one in ids if isinstance(one, str))

    async def _app_token(self, directory: str) -> str:
        held = self._app_tokens.get(directory)
        if held is not None and self._clock.monotonic() < held[1]:
            return held[0]
        access = self._access
        form = {
            "grant_type": "client_credentials",
            "client_id": access.client_id,
            "client_secret": access.client_secret,
            "scope": f"{access.url}/.default",
        }
        reply = await self._tokens.post_form(access.token_url.replace("{directory}", directory), form)
        token, seconds = reply.document.get("access_token"), reply.document.get("expires_in")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ProviderUnusable("grant", "The provider gives the gateway no token for Graph.")
        lasts = float(seconds) if isinstance(seconds, int) else 0.0
        self._app_tokens[directory] = (token, self._clock.monotonic() + max(lasts - _EARLY_SECONDS, 0.0))
        return token
