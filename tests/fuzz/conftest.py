"""The conformance fixture, and a gateway in front of it, for all tests that try what nobody thought of."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.programs import Program, folder_for, gateway, module


@dataclass(frozen=True, kw_only=True)
class Fronted:
    gateway: Program
    upstream: Program

    @property
    def direct(self) -> str:
        return f"{self.upstream.url}/mcp"

    @property
    def through(self) -> str:
        return f"{self.gateway.url}/servers/fixture/mcp"

    @property
    def one_endpoint(self) -> str:
        return f"{self.gateway.url}/mcp"


@pytest.fixture(scope="session")
def fronted() -> Iterator[Fronted]:
    with (
        folder_for("fuzz") as folder,
        module("tests.upstreams.conformance_fixture") as upstream,
        gateway(folder, {"fixture": f"{upstream.url}/mcp"}) as program,
    ):
        yield Fronted(gateway=program, upstream=upstream)
