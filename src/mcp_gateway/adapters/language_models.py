"""A language model as a drafter, over pydantic-ai: OpenRouter, Gemini, Anthropic, or any server that speaks the OpenAI API.

pydantic-ai takes seconds and some 75 to 135 MB to import, so it is imported only when a model is opened. Keys and the providers'
own words, which may repeat them, go neither to logs nor into errors.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import structlog
from pydantic import BaseModel, Field, SecretStr, ValidationError

from mcp_gateway.ask.model import Draft, DraftRequest, Reading, Usage
from mcp_gateway.ask.ports import Drafter
from mcp_gateway.ask.prompts import Prompt, write_prompt
from mcp_gateway.core.errors import InvalidInput, SQLGenerationError

if TYPE_CHECKING:
    from pydantic_ai import Agent, AgentRunResult
    from pydantic_ai.models import Model

Provider: TypeAlias = Literal["openrouter", "gemini", "anthropic", "openai"]

_log = structlog.get_logger(__name__)
_OPENROUTER_URL = "https://openrouter.ai/api/v1"
# From here on the model's own word for its confidence is taken; below it the readings are offered instead.
_SURE_ENOUGH = 0.5
_MOST_OUTPUT_TOKENS = 2_000
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0
_WORTH_RETRYING = frozenset({408, 409, 425, 429})
_FENCE = re.compile(r"```(?:[a-z]*\s*\n|(?:sql|json)\s)?(.*?)```", re.DOTALL | re.IGNORECASE)


class ModelUnavailable(SQLGenerationError):
    """The language model does not answer."""

    code = "MODEL_UNAVAILABLE"
    category = "unavailable"
    hint = "Check the key, the model's name and the provider's status; the embedded engine works without it."
    retryable = True


class ModelOutputUnusable(SQLGenerationError):
    """The language model did not answer in the form it was asked for."""

    code = "MODEL_OUTPUT_UNUSABLE"
    hint = "Ask again, or choose a stronger model."


class BadLanguageModel(InvalidInput):
    """The language model's settings cannot be used."""

    code = "INVALID_LANGUAGE_MODEL"
    hint = "Check the provider, the model's name (OpenRouter's have a slash: `vendor/name`) and the key."


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModel:
    """Which model to ask. `base_url` None: the provider's own; only "openai" and "openrouter" may have another.

    `retries` come after the first try.
    """

    provider: Provider
    name: str
    api_key: SecretStr = field(default=SecretStr(""))
    base_url: str | None = None
    timeout_seconds: float = 30.0
    retries: int = 2


class _Alternative(BaseModel):
    sql: Annotated[str, Field(max_length=20_000)]
    description: Annotated[str, Field(max_length=2_000)] = ""


class _Drafted(BaseModel):
    """The SQL for the question."""

    sql: Annotated[str, Field(max_length=20_000, description="One SELECT statement; empty when the data cannot answer.")] = ""
    description: Annotated[str, Field(max_length=2_000, description="What it returns, in one sentence.")] = ""
    confidence: Annotated[float, Field(ge=0, le=1, description="The chance that it answers what was meant.")] = 0.7
    alternatives: Annotated[list[_Alternative], Field(max_length=3, description="Other likely readings.")] = []
    cannot_answer: Annotated[str, Field(max_length=2_000, description="Why there is no SQL.")] = ""


@asynccontextmanager
async def open_language_model(model: LanguageModel) -> AsyncIterator[Drafter]:
    """Build the client; the first connection is made by the first question. Takes a second or two, for the import.

    Raises `BadLanguageModel`.
    """
    from pydantic_ai.exceptions import UserError  # noqa: PLC0415  # see the docstring

    async with AsyncExitStack() as stack:
        try:
            built = await _build_model(model, stack)
        except UserError:
            raise BadLanguageModel(f"There can be no model {model.name[:100]!r} at {model.provider}.") from None
        await stack.enter_async_context(built)
        yield ModelDrafter(model, _build_agent(built))


class ModelDrafter:
    """Implements `ask.ports.Drafter`. Raises `ModelUnavailable` and `ModelOutputUnusable`."""

    def __init__(self, model: LanguageModel, agent: "Agent[None, _Drafted]") -> None:
        self._model = model
        self._agent = agent

    @property
    def name(self) -> str:
        return f"{self._model.provider}:{self._model.name}"

    async def draft(self, request: DraftRequest) -> Draft:
        prompt = write_prompt(request)
        for attempt in range(self._model.retries + 1):
            try:
                result = await self._ask(prompt)
            except ModelUnavailable as error:
                if not error.retryable or attempt == self._model.retries:
                    raise
                _log.info("model_retry", model=self.name, attempt=attempt + 1, reason=error.message)
                pause = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(max(pause, min(error.retry_after_seconds or 0.0, _LONGEST_PAUSE_SECONDS)))
            else:
                return self._draft(result)
        raise ModelUnavailable

    async def _ask(self, prompt: Prompt) -> "AgentRunResult[_Drafted]":
        from pydantic_ai.exceptions import AgentRunError, ModelAPIError, ModelHTTPError, UserError  # noqa: PLC0415  # see the docstring

        try:
            async with asyncio.timeout(self._model.timeout_seconds):
                return await self._agent.run(prompt.text, instructions=prompt.instructions)
        except TimeoutError:
            raise ModelUnavailable(f"The language model did not answer within {self._model.timeout_seconds:g} s.") from None
        except ModelHTTPError as error:
            raise _http_error(error.status_code, error.headers) from None
        except ModelAPIError:
            raise ModelUnavailable("The language model cannot be reached.") from None
        except (AgentRunError, UserError) as error:
            _log.info("model_output_unusable", model=self.name, error=type(error).__name__)
            raise ModelOutputUnusable from None

    def _draft(self, result: "AgentRunResult[_Drafted]") -> Draft:
        output = result.output
        usage = Usage(
            model=self.name,
            input_tokens=result.usage.input_tokens,
            output_tokens=result.usage.output_tokens,
            requests=result.usage.requests,
            cost_usd=float(result.usage.cost) if result.usage.cost is not None else None,
        )
        sql = _clean(output.sql)
        if not sql:
            reason = output.cannot_answer.strip() or "The language model found no way to answer this from the tables."
            return Draft(source="model", readings=(), confident=False, reason=reason, usage=usage)
        first = Reading(sql=sql, description=output.description.strip(), confidence=output.confidence)
        others = tuple(
            Reading(
                sql=_clean(other.sql), description=other.description.strip(), confidence=(1 - output.confidence) / (index + 2)
            )
            for index, other in enumerate(output.alternatives)
            if _clean(other.sql) and _clean(other.sql) != sql
        )
        sure = output.confidence >= _SURE_ENOUGH
        reason = "" if sure else "The language model is not sure of its reading."
        return Draft(source="model", readings=(first, *others), confident=sure, reason=reason, usage=usage)


def _http_error(status: int, headers: dict[str, str] | None) -> ModelUnavailable:
    after = (headers or {}).get("retry-after", "")
    error = ModelUnavailable(
        f"The language model's server answered with HTTP {status}.",
        retry_after_seconds=float(after) if after.replace(".", "", 1).isdigit() else None,
        status=status,
    )
    error.retryable = status in _WORTH_RETRYING or status >= 500
    return error


def _clean(sql: str) -> str:
    """The statement without the fence and semicolon that models like to add."""
    fenced = _FENCE.search(sql)
    return (fenced.group(1) if fenced else sql).strip().rstrip(";").strip()


def _read_text(text: str) -> _Drafted:
    """The answer of a model that writes text instead of filling in the form: JSON, or SQL in a fence. Prose is refused."""
    from pydantic_ai import ModelRetry  # noqa: PLC0415  # see the module's docstring

    body = _clean(text)
    start, end = body.find("{"), body.rfind("}")
    if 0 <= start < end:
        try:
            return _Drafted.model_validate(json.loads(body[start : end + 1]))
        except (ValueError, ValidationError, RecursionError):
            pass
    if _FENCE.search(text) and re.match(r"(select|with)\b", body, re.IGNORECASE):
        return _Drafted(sql=body)
    raise ModelRetry("Answer by calling the tool, or with nothing but the JSON object.")


def _build_agent(model: "Model") -> "Agent[None, _Drafted]":
    from pydantic_ai import Agent, TextOutput, ToolOutput  # noqa: PLC0415  # see the module's docstring
    from pydantic_ai.settings import ModelSettings  # noqa: PLC0415

    return Agent(
        model,
        output_type=[ToolOutput(_Drafted, name="answer"), TextOutput(_read_text)],
        deps_type=type(None),
        model_settings=ModelSettings(temperature=0.0, max_tokens=_MOST_OUTPUT_TOKENS),
        retries=1,
    )


async def _build_model(model: LanguageModel, stack: AsyncExitStack) -> "Model":
    """The provider's client, closed by `stack`, without retries of its own: ours are counted and bounded."""
    key = model.api_key.get_secret_value()
    match model.provider:
        case "gemini":
            from pydantic_ai.models.google import GoogleModel  # noqa: PLC0415  # see the module's docstring
            from pydantic_ai.providers.google import GoogleProvider  # noqa: PLC0415

            return GoogleModel(model.name, provider=GoogleProvider(api_key=key))
        case "anthropic":
            from anthropic import AsyncAnthropic  # noqa: PLC0415
            from pydantic_ai.models.anthropic import AnthropicModel  # noqa: PLC0415
            from pydantic_ai.providers.anthropic import AnthropicProvider  # noqa: PLC0415

            client = await stack.enter_async_context(AsyncAnthropic(api_key=key, max_retries=0, timeout=model.timeout_seconds))
            return AnthropicModel(model.name, provider=AnthropicProvider(anthropic_client=client))
        case _:
            return await _build_openai(model, key, stack)


async def _build_openai(model: LanguageModel, key: str, stack: AsyncExitStack) -> "Model":
    from openai import AsyncOpenAI  # noqa: PLC0415  # see the module's docstring
    from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415
    from pydantic_ai.models.openrouter import OpenRouterModel  # noqa: PLC0415
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider  # noqa: PLC0415
    from pydantic_ai.providers.openrouter import OpenRouterProvider  # noqa: PLC0415

    url = model.base_url or (_OPENROUTER_URL if model.provider == "openrouter" else None)
    # A local server wants no key, and the client wants one.
    client = await stack.enter_async_context(
        AsyncOpenAI(api_key=key or "none", base_url=url, max_retries=0, timeout=model.timeout_seconds)
    )
    if model.provider == "openrouter":
        return OpenRouterModel(model.name, provider=OpenRouterProvider(openai_client=client))
    if model.base_url is None:
        return OpenAIChatModel(model.name, provider=OpenAIProvider(openai_client=client))
    return OpenAIChatModel(model.name, provider=OpenAICompatibleProvider("compatible", openai_client=client))
