"""Carrying out a remedy that a diagnosis of this moment recommends: nothing is done because of what was true an hour ago."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcp_gateway.core.errors import Json
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.actions.applying import Applying, unheard
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.actions.operating import Applied, Preview, Progress, Turns, Unfinished
from mcp_gateway.diagnostics.actions.remedies import remedies
from mcp_gateway.diagnostics.causes.ranking import find_causes
from mcp_gateway.diagnostics.errors import NotRecommended
from mcp_gateway.diagnostics.observing import Observer
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.verdict import Action, Hypothesis

# What is looked at before a change, and after it.
BEFORE_SECONDS = 60.0
AFTER_SECONDS = 3.0
_MORE = (
    "A command sees the few seconds in which it looks, and what it finds may come and go. `mcp-gateway ops` and a gateway that"
    " serves keep what they saw, and know what is usual there: ask them, or ask again while it lasts."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mending:
    """`preview`, look at it, then `mend` with its token."""

    observer: Observer
    deployment: Deployment
    applying: Applying
    turns: Turns

    async def preview(self, kind: str, target: Mapping[str, str]) -> Preview:
        """Whom it concerns and what would change; changes nothing. Raises `UnknownRemedy`, `InvalidInput`, `NotRecommended`."""
        *_, recommended = await self._recommended(action(kind, verify="", **target))
        return await self.applying.preview(recommended)

    async def mend(
        self, caller: Caller, kind: str, target: Mapping[str, str], *, token: str, hear: Progress = unheard
    ) -> Applied:
        """Carry out what was previewed; undone when the cause is still there a minute later.

        Raises as `preview` and `Applying.apply`, and `RemedyUnderWay`.
        """
        wanted = action(kind, verify="", **target)
        # Looked at within the turn: what somebody else has mended by then needs no second remedy.
        async with self.turns.turn(wanted):
            found, cause, recommended = await self._recommended(wanted)

            async def gone() -> bool:
                now = find_causes(await self.observer.observe(window_seconds=AFTER_SECONDS))
                # By what was read: a cause that nobody can be asked about is not gone, nor is one that gave way to another.
                return cause in _names(now.ruled_out) and _names(now.standing) <= _names(found)

            return await self.applying.apply(caller, recommended, token=token, came=gone, hear=hear)

    async def unfinished(self) -> tuple[Unfinished, ...]:
        """Remedies of the last day that were begun and whose end is not known. Raises what the trail raises."""
        return await self.applying.trail.unfinished()

    async def _recommended(self, wanted: Action) -> tuple[Sequence[Hypothesis], str, Action]:
        """All causes that stand, the one that asks for it, and the remedy."""
        window = await self.observer.observe(window_seconds=BEFORE_SECONDS)
        standing, there = find_causes(window).standing, list[Action]()
        for cause in standing:
            there.extend(found := remedies(cause, window, self.deployment))
            for one in found:
                if _same(one, wanted):
                    return standing, cause.cause, one
        raise _not_recommended(wanted, there)


def _names(causes: Sequence[Hypothesis]) -> set[str]:
    return {one.cause for one in causes}


def _same(one: Action, other: Action) -> bool:
    return (one.kind, dict(one.target)) == (other.kind, dict(other.target))


def _not_recommended(wanted: Action, there: list[Action]) -> NotRecommended:
    names = list(dict.fromkeys(_named(one) for one in there))
    if any(one.kind == wanted.kind for one in there):
        said = f"{wanted.kind} is recommended now, and with other targets."
    else:
        said = f"{wanted.kind} is a remedy there is, and nothing that is seen now asks for it."
    instead = f"Recommended now: {', '.join(names)}." if names else "Nothing is recommended now: no cause is seen."
    return NotRecommended(f"{said} {instead}", hint=_MORE, recommended=list[Json](names))


def _named(one: Action) -> str:
    """As `ops apply` takes it."""
    return " ".join([one.kind, *(f"{name}={value}" for name, value in sorted(one.target.items()))])
