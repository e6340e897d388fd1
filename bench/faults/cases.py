"""What a fault of the benchmark is, and the tools its injections are made of."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bench.faults.lab import Lab

from mcp_gateway.adapters.faults.flags import flagged
from mcp_gateway.adapters.faults.offered import BY_CODE

Strength: TypeAlias = Literal["mild", "clear", "severe"]
STRENGTHS: tuple[Strength, ...] = ("mild", "clear", "severe")
Inject: TypeAlias = Callable[[Lab, Strength], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """`signals`: one of them must be cited as evidence. `component`: a word of the component that is to be named.

    `seconds`: how long it lasts before it is looked at. `tempting`: the wrong remedy that is near at hand.
    """

    code: str
    component: str
    signals: tuple[str, ...]
    inject: Inject
    seconds: float = 6.0
    tempting: str = ""

    @property
    def cause(self) -> str:
        return BY_CODE[self.code].cause


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port where nobody listens, and nobody else can: it is taken and refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


def by_strength(strength: Strength, mild: Any, clear: Any, severe: Any) -> Any:
    return {"mild": mild, "clear": clear, "severe": severe}[strength]


@contextlib.asynccontextmanager
async def engine_flags(lab: Lab, **flags: Any) -> AsyncIterator[None]:
    async with flagged(lab.rig.client, f"{lab.rig.engine.url}/flags", flags, before={}):
        yield


@contextlib.asynccontextmanager
async def replica_flags(lab: Lab, *replicas: int, **flags: Any) -> AsyncIterator[None]:
    """Set flags of these replicas, of all without any. Healing takes them back."""
    chosen = replicas or tuple(range(len(lab.rig.replicas)))
    await asyncio.gather(*(lab.rig.tell(one, **flags) for one in chosen))
    yield


def flag(name: str, mild: Any, clear: Any, severe: Any, *, one_when_mild: bool = False, **more: Any) -> Inject:
    """A fault that is one flag of the replicas."""

    @contextlib.asynccontextmanager
    async def inject(lab: Lab, strength: Strength) -> AsyncIterator[None]:
        chosen = (0,) if one_when_mild and strength == "mild" else ()
        async with replica_flags(lab, *chosen, **{name: by_strength(strength, mild, clear, severe), **more}):
            yield

    return inject
