"""What the tools of servers cost a model that reads them, printed."""

import json
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from mcp_gateway.core.protocol.frames import parse_object
from mcp_gateway.federation.catalog.costs import BYTES_PER_TOKEN, Cost, ToolCost, sum_costs, tokens_of
from mcp_gateway.registry.definitions.approvals import Shown
from mcp_gateway.registry.definitions.diff_text import plain


def costs_of(shown: Iterable[Shown]) -> Cost:
    """Of what is offered; under the names the servers give."""
    records = (one.record for one in shown if one.record.kind == "tools" and one.record.status == "offered")
    return sum_costs(ToolCost(one.name, one.server, tokens_of(parse_object(one.standing().body))) for one in records)


def print_costs(cost: Cost, *, as_json: bool) -> None:
    if as_json:
        servers, largest = [one._asdict() for one in cost.servers], [one._asdict() for one in cost.largest]
        shape = {"tools": cost.tools, "tokens": cost.tokens, "servers": servers, "largest": largest}
        sys.stdout.write(f"{json.dumps(shape)}\n")
        return
    table = Table(show_edge=False, header_style="bold")
    table.add_column("server", overflow="fold")
    for heading in ("tools", "tokens"):
        table.add_column(heading, justify="right")
    table.add_column("its largest tools", overflow="fold")
    for one in cost.servers:
        named = ", ".join(f"{plain(tool.name)} {tool.tokens}" for tool in cost.largest if tool.server == one.server)
        table.add_row(one.server, str(one.tools), str(one.tokens), named)
    Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False).print(table)
    sys.stderr.write(f"about {cost.tokens} tokens for {cost.tools} tools, at {BYTES_PER_TOKEN} bytes a token\n")
