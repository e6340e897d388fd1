"""A gateway before a server that misbehaves and one that works, for all tests of faults."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.mcp_over_http import ModernClient
from tests.programs import Program, folder_for, gateway, module

ANSWER_SECONDS = 2.0
LARGEST_ANSWER = 2_000_000
LIMITS = {"timeout_seconds": ANSWER_SECONDS, "connect_seconds": 1, "max_answer_bytes": LARGEST_ANSWER}


@dataclass(frozen=True, kw_only=True)
class Misbehaving:
    """`upstream` is the faulty one, reached at `url` through the gateway."""

    gateway: Program
    upstream: Program
    sound: Program

    @property
    def url(self) -> str:
        return f"{self.gateway.url}/servers/faulty/mcp"

    @property
    def one_endpoint(self) -> str:
        return f"{self.gateway.url}/mcp"


def server(program: Program, **more: object) -> dict[str, object]:
    return {"url": f"{program.url}/mcp", "limits": LIMITS, **more}


@pytest.fixture(scope="session")
def misbehaving() -> Iterator[Misbehaving]:
    with (
        folder_for("faults") as folder,
        module("tests.upstreams.faulty") as faulty,
        module("bench.gateway.upstream") as sound,
        gateway(folder, {"faulty": server(faulty), "sound": server(sound)}) as program,
    ):
        yield Misbehaving(gateway=program, upstream=faulty, sound=sound)


@pytest.fixture
def client(misbehaving: Misbehaving) -> Iterator[ModernClient]:
    with ModernClient(misbehaving.url) as client:
        yield client
