"""Carrying out a remedy that a diagnosis of this moment recommends: nothing is done because of what was true an hour ago."""

from collections.abc import Mapping
from dataclasses import dataclass

from mcp_gateway.core.errors import Unprocessable
from mcp_gateway.core.identity import Caller
from mcp_gateway.diagnostics.actions.applying import Applied, Applying, Preview
from mcp_gateway.diagnostics.actions.kinds import action
from mcp_gateway.diagnostics.actions.remedies import remedies
from mcp_gateway.diagnostics.causes.ranking import find_causes
from mcp_gateway.diagnostics.observing import Observer
from mcp_gateway.diagnostics.ports import Deployment
from mcp_gateway.diagnostics.verdict import Action

# What is looked at before a change, and after it.
BEFORE_SECONDS = 60.0
AFTER_SECONDS = 3.0


class NotRecommended(Unprocessable):
    """Nothing that is seen now asks for this remedy."""

    code = "REMEDY_NOT_RECOMMENDED"
    hint = "Diagnose again; only a remedy of the present diagnosis, with its targets, is carried out."


@dataclass(frozen=True, kw_only=True, slots=True)
class Mending:
    """`preview`, look at it, then `mend` with its token."""

    observer: Observer
    deployment: Deployment
    applying: Applying

    async def preview(self, kind: str, target: Mapping[str, str]) -> Preview:
        """Whom it concerns and what would change; changes nothing. Raises `InvalidInput` and `NotRecommended`."""
        _, recommended = await self._recommended(kind, target)
        return await self.applying.preview(recommended)

    async def mend(self, caller: Caller, kind: str, target: Mapping[str, str], *, token: str) -> Applied:
        """Carry out what was previewed; undone when the cause is still there a minute later. Raises as `preview`."""
        cause, recommended = await self._recommended(kind, target)

        async def gone() -> bool:
            window = await self.observer.observe(window_seconds=AFTER_SECONDS)
            return all(one.cause != cause for one in find_causes(window).standing)

        return await self.applying.apply(caller, recommended, token=token, came=gone)

    async def _recommended(self, kind: str, target: Mapping[str, str]) -> tuple[str, Action]:
        """The cause that asks for it, and the remedy."""
        wanted = action(kind, verify="", **target)  # refused here when there is no such remedy
        window = await self.observer.observe(window_seconds=BEFORE_SECONDS)
        for cause in find_causes(window).standing:
            for one in remedies(cause, window, self.deployment):
                if (one.kind, dict(one.target)) == (wanted.kind, dict(wanted.target)):
                    return cause.cause, one
        raise NotRecommended
