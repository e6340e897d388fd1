"""Roles from groups: those in the token, and, when there were too many for it, those that Graph names."""

from collections.abc import Mapping

import structlog

from mcp_gateway.access.overage import ATTRIBUTE, Overage
from mcp_gateway.access.tokens.claims import find_claim, read_words
from mcp_gateway.access.tokens.entra import has_overage
from mcp_gateway.access.tokens.ports import FurtherRoles
from mcp_gateway.adapters.oidc.graph import FAILED_SECONDS, GROUPS_SECONDS, GroupLookup
from mcp_gateway.core.errors import Json

log = structlog.get_logger(__name__)


class GroupRoles:
    """A `RoleSource`. `roles` maps a group's value in the claim at `path` to the gateway's role."""

    def __init__(self, provider: str, path: str, roles: Mapping[str, str], lookup: GroupLookup | None) -> None:
        self._provider, self._path, self._roles, self._lookup = provider, path, roles, lookup
        self.unresolved = 0

    async def roles_of(self, claims: Mapping[str, Json]) -> FurtherRoles:
        if not has_overage(claims):
            return FurtherRoles(roles=self._mapped(read_groups(claims, self._path)))
        directory, person = claims.get("tid"), claims.get("oid")
        if self._lookup is None or not isinstance(directory, str) or not isinstance(person, str):
            return self._without("unresolved")
        found = await self._lookup.groups_of(directory, person)
        if found.groups is None:
            return self._without("unreachable")
        return FurtherRoles(roles=self._mapped(found.groups), attributes={ATTRIBUTE: "resolved"}, valid_seconds=GROUPS_SECONDS)

    def _without(self, state: Overage) -> FurtherRoles:
        """The caller comes in without the roles of groups, which is said, and tried again when trying may help."""
        self.unresolved += 1
        log.warning("groups_overage", provider=self._provider, state=state)
        again = FAILED_SECONDS if state == "unreachable" else None
        return FurtherRoles(roles=frozenset(), attributes={ATTRIBUTE: state}, valid_seconds=again)

    def _mapped(self, groups: frozenset[str]) -> frozenset[str]:
        return frozenset(self._roles[group] for group in groups if group in self._roles)


def read_groups(claims: Mapping[str, Json], path: str) -> frozenset[str]:
    """Raises `TokenRefused` for a claim that is neither a list of texts nor a text."""
    return read_words(find_claim(claims, path), path)
