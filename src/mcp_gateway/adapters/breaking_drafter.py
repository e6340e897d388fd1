"""A language model behind its circuit breaker: questions do not wait for a provider that keeps failing."""

from mcp_gateway.adapters.language_models import ModelUnavailable
from mcp_gateway.ask.model import Draft, DraftRequest
from mcp_gateway.ask.ports import Drafter
from mcp_gateway.kit.breaker.breaker import CircuitBreaker
from mcp_gateway.kit.breaker.policy import BreakerPolicy
from mcp_gateway.kit.breaker.windows import CountBased
from mcp_gateway.kit.errors import CircuitOpen

# A draft has been retried already when it fails.
MODEL_POLICY = BreakerPolicy(
    window=CountBased(calls=20), minimum_calls=4, failure_rate=0.5, open_seconds=10.0, max_open_seconds=120.0, probes=1
)


class BreakingDrafter:
    """Implements `ask.ports.Drafter`. A refused draft raises `ModelUnavailable`, as a failed one does."""

    def __init__(self, drafter: Drafter, breaker: CircuitBreaker) -> None:
        self._drafter, self._breaker = drafter, breaker

    @property
    def name(self) -> str:
        return self._drafter.name

    async def draft(self, request: DraftRequest) -> Draft:
        try:
            return await self._breaker.call(self._drafter.draft, request)
        except CircuitOpen as error:
            raise ModelUnavailable(
                f"The language model {self.name} is not asked for now: too many of its last answers failed.",
                retry_after_seconds=error.retry_after_seconds,
                circuit=error.data.get("state"),
            ) from error
