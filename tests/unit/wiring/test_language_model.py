"""Which language model the settings mean."""

from pathlib import Path

import pytest

from mcp_gateway.settings import InvalidSettings, load_settings
from mcp_gateway.wiring.language_model import chosen_model

KEYS = ("OPENROUTER_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "LANGUAGE_MODEL")


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)


def test_no_key_is_no_model() -> None:
    assert chosen_model(load_settings()) is None


@pytest.mark.parametrize(
    ("environment", "provider", "name"),
    [
        ({"OPENROUTER_API_KEY": "k"}, "openrouter", "meta-llama/llama-3.1-8b-instruct:free"),
        ({"OPENROUTER_API_KEY": "k", "OPENROUTER_MODEL": "a/b:free"}, "openrouter", "a/b:free"),
        ({"GEMINI_API_KEY": "k", "LANGUAGE_MODEL": "gemini:gemini-x"}, "gemini", "gemini-x"),
        ({"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k", "LANGUAGE_MODEL": "openai:"}, "openai", "gpt-4.1-mini"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_MODEL": "qwen"}, "openai", "qwen"),
        ({"OPENROUTER_API_KEY": "k", "LANGUAGE_MODEL": "openrouter:a/b:free"}, "openrouter", "a/b:free"),
    ],
)
def test_the_named_model_or_the_first_key_decides(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], provider: str, name: str
) -> None:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    chosen = chosen_model(load_settings())
    assert chosen is not None
    assert (chosen.provider, chosen.name) == (provider, name)


@pytest.mark.parametrize("wanted", ["gemini:x", "sorcerer:x", "gpt"])
def test_a_model_without_its_key_or_provider_is_refused(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv("LANGUAGE_MODEL", wanted)
    with pytest.raises(InvalidSettings, match="LANGUAGE_MODEL"):
        chosen_model(load_settings())
