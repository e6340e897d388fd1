"""Which items of a list may be shown, going by what is known of them. Changes nothing that is known."""

from typing import Final

from mcp_gateway.core.protocol.frames import JsonObject, parse_object
from mcp_gateway.registry.definitions.compare import compare, describe_new
from mcp_gateway.registry.definitions.findings import is_suspicious
from mcp_gateway.registry.definitions.model import Kind, Record
from mcp_gateway.registry.definitions.reading import Seen, Unreadable, read_item
from mcp_gateway.registry.definitions.rules import consequence
from mcp_gateway.registry.definitions.suspicious import find_suspicious
from mcp_gateway.registry.definitions.table import StandingTable
from mcp_gateway.registry.model import DriftRule

# Of one server. What a server lists beyond is not offered; of resources, which may be as many as there are files, it is offered
# as long as nothing in it is suspicious.
MAX_KEPT: Final = 10_000
_REMEMBERED: Final = 10_000


class Offering:
    """`rules` are those of the servers seen last; without one, the default holds."""

    def __init__(self, table: StandingTable) -> None:
        self._table = table
        self.rules: dict[str, DriftRule] = {}
        self._judged: dict[tuple[str, Kind, str, str, DriftRule], bool] = {}

    def may_be_shown(self, server: str, kind: Kind, item: JsonObject) -> bool:
        try:
            seen = read_item(kind, item)
        except Unreadable:
            return False
        known = self._table.of(server, kind)
        record = known.get(seen.name)
        if record is None:
            return kind == "resources" and len(known) >= MAX_KEPT and not is_suspicious(find_suspicious(item))
        if record.status != "offered":
            return False
        if seen.fingerprint in (record.latest_fingerprint, record.approved_fingerprint):
            return True
        return self._would_be_offered(record, seen)

    def _would_be_offered(self, record: Record, seen: Seen) -> bool:
        """For servers that show one thing differently to different callers: another may have been shown something else last."""
        rule = self.rules.get(record.server, "approve")
        key = (record.server, record.kind, record.approved_fingerprint or "", seen.fingerprint, rule)
        if key not in self._judged:
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            around = self._table.around(record.server)
            if record.approved_body is None:
                found = describe_new(record.kind, seen.item, around)
            else:
                found = compare(record.kind, parse_object(record.approved_body), seen.item, around)
            self._judged[key] = consequence(rule, found.worst) == "offered"
        return self._judged[key]
