"""The language model, when one is configured; none is a valid choice: the embedded engine answers alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast, get_args

from pydantic import SecretStr

from mcp_gateway.adapters.breaking_drafter import MODEL_POLICY, BreakingDrafter
from mcp_gateway.adapters.language_models import LanguageModel, Provider, open_language_model
from mcp_gateway.ask.ports import Drafter
from mcp_gateway.settings import InvalidSettings, Settings
from mcp_gateway.wiring.traffic import Traffic

PROVIDERS: tuple[str, ...] = get_args(Provider)


@asynccontextmanager
async def open_model(settings: Settings, traffic: Traffic) -> AsyncIterator[Drafter | None]:
    """The drafter behind its circuit breaker; None when no model is configured."""
    chosen = chosen_model(settings)
    if chosen is None:
        yield None
        return
    async with (
        open_language_model(chosen) as drafter,
        traffic.breaker(f"model_{chosen.provider}", MODEL_POLICY, shared=True) as breaker,
    ):
        yield BreakingDrafter(drafter, breaker)


def chosen_model(settings: Settings) -> LanguageModel | None:
    """`language_model` when it is set, else the provider of the first key. Raises `InvalidSettings`."""
    keys: dict[str, tuple[SecretStr | None, str]] = {
        "openrouter": (settings.openrouter_api_key, settings.openrouter_model),
        "gemini": (settings.gemini_api_key, settings.gemini_model),
        "anthropic": (settings.anthropic_api_key, settings.anthropic_model),
        "openai": (settings.openai_api_key, settings.openai_model),
    }
    provider, name = _named(settings) or ("", "")
    if not provider:
        provider = next(
            (known for known, (key, _) in keys.items() if key is not None), "openai" if settings.openai_base_url else ""
        )
    if not provider:
        return None
    key, usual_name = keys[provider]
    if key is None and not (provider == "openai" and settings.openai_base_url):
        raise InvalidSettings(f"LANGUAGE_MODEL names {provider}, but {provider.upper()}_API_KEY is not set.")
    return LanguageModel(
        provider=cast("Provider", provider),
        name=name or usual_name,
        api_key=key or SecretStr(""),
        base_url=settings.openai_base_url if provider == "openai" else None,
        timeout_seconds=settings.language_model_timeout_seconds,
        retries=settings.language_model_retries,
    )


def _named(settings: Settings) -> tuple[str, str] | None:
    if settings.language_model is None:
        return None
    provider, _, name = settings.language_model.partition(":")
    if provider not in PROVIDERS:
        raise InvalidSettings(f"LANGUAGE_MODEL must begin with one of {', '.join(PROVIDERS)} and a colon.")
    return provider, name
