"""What was approved is what is called: also where only a template was."""

from collections.abc import Collection

import pytest

from mcp_gateway.access.act import Act
from mcp_gateway.core.identity import Caller
from mcp_gateway.federation.errors import WaitingForApproval
from mcp_gateway.federation.filters.guard import Guard
from mcp_gateway.federation.guard.arguments import ArgumentChecks
from mcp_gateway.federation.guard.masking import mask
from mcp_gateway.federation.model import Client, Reply, Request
from mcp_gateway.federation.pipeline import Passage
from mcp_gateway.federation.views import Route, View
from mcp_gateway.registry.definitions.model import Kind, Standing, Status
from mcp_gateway.registry.model import Server

pytestmark = pytest.mark.anyio


class Approved:
    """How each template stands."""

    def __init__(self, held: dict[str, Status]) -> None:
        self._held = held

    def standing(self, server: str, name: str, kind: Kind = "tools") -> Standing | None:
        status = self._held.get(name) if kind == ("templates" if "{" in name else "resources") else None
        return None if status is None else Standing(status=status, fingerprint="f", body=b"{}")

    def names(self, server: str, kind: Kind = "tools") -> Collection[str]:
        return self._held if kind == "templates" else ()


async def answered(_: Passage) -> Reply:
    return Reply(body=b"{}")


async def read(uri: str, held: dict[str, Status]) -> Reply:
    request = Request(id=1, method="resources/read", params={"uri": uri}, client=Client(caller=Caller(tenant="t", subject="s")))
    passage = Passage(View(kind="all"), request, Route(server=Server(name="up"), name=uri), Act(action="read_resource"))
    return await Guard(Approved(held), ArgumentChecks(), mask)(passage, answered)


@pytest.mark.parametrize("status", ["waiting", "blocked"])
async def test_a_resource_of_a_template_that_is_held_back_is_not_read(status: Status) -> None:
    with pytest.raises(WaitingForApproval):
        await read("notes://7", {"notes://{id}": status})


@pytest.mark.parametrize("written", ["FILE:///srv/a", "file:///srv/%61", "file:///srv/b/../a", "file:/srv/a", "file:///srv%2Fa"])
async def test_a_resource_that_is_held_back_is_read_in_no_other_writing(written: str) -> None:
    with pytest.raises(WaitingForApproval):
        await read(written, {"file:///srv/a": "blocked"})
    assert (await read(written, {"file:///srv/a": "offered"})).body
    assert (await read("file:///srv/A", {"file:///srv/a": "blocked"})).body


async def test_a_resource_that_fits_an_offered_template_is_read() -> None:
    assert (await read("notes://7", {"notes://{id}": "offered"})).body
    assert (await read("notes://7", {"notes://{id}": "blocked", "notes://{+rest}": "offered"})).body


async def test_a_resource_that_fits_no_template_is_left_to_its_server() -> None:
    assert (await read("files://7", {"notes://{id}": "blocked"})).body
