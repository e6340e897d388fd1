"""Settings: where they come from, what is refused, and that nothing secret is told."""

from pathlib import Path

import pytest

from mcp_gateway.settings import InvalidSettings, Settings, load_settings, origin_of


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_nothing_set_is_a_gateway_on_loopback_without_a_model() -> None:
    settings = load_settings()
    assert (settings.fastapi_host, settings.fastapi_port) == ("127.0.0.1", 8000)
    assert settings.openrouter_api_key is None
    assert settings.tables_url is None


def test_an_option_wins_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FASTAPI_PORT=1\nLOG_LEVEL=debug\n", encoding="utf-8")
    assert load_settings().fastapi_port == 1
    assert origin_of("fastapi_port") == ".env"
    monkeypatch.setenv("FASTAPI_PORT", "2")
    assert load_settings().fastapi_port == 2
    assert origin_of("fastapi_port") == "environment"
    assert load_settings({"fastapi_port": 3}).fastapi_port == 3
    assert origin_of("fastapi_port", {"fastapi_port": 3}) == "option"
    assert load_settings({"fastapi_port": None}).fastapi_port == 2
    assert origin_of("max_rows") == "default"
    assert load_settings().log_level == "DEBUG"


def test_data_named_on_the_command_line_wins_over_servers_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_CONFIG_PATH", "servers.yaml")
    monkeypatch.setenv("MCP_SERVER_URL", "http://127.0.0.1:8000/mcp")
    settings = load_settings({"tables_url": "pets.csv"})
    assert (settings.tables_url, settings.mcp_config_path, settings.mcp_server_url) == ("pets.csv", None, None)
    both = load_settings({"tables_url": "pets.csv", "mcp_config_path": Path("mine.yaml")})
    assert both.mcp_config_path == Path("mine.yaml")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLES_URL", "")
    assert load_settings().tables_url is None


@pytest.mark.parametrize("text", ["http://a, http://b", '["http://a","http://b"]'])
def test_origins_are_read_as_a_list_or_as_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", text)
    assert load_settings().allowed_origins == ("http://a", "http://b")


def test_every_faulty_setting_is_named_and_no_value_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTAPI_PORT", "eight-thousand")
    monkeypatch.setenv("MAX_ROWS", "-5")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert "FASTAPI_PORT" in caught.value.message
    assert "MAX_ROWS" in caught.value.message
    assert "eight-thousand" not in str(caught.value.to_dict())


def test_every_web_page_at_once_cannot_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "*")
    with pytest.raises(InvalidSettings, match="ALLOWED_ORIGINS"):
        load_settings()


def test_a_key_is_not_in_the_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-very-secret")
    assert "sk-very-secret" not in repr(load_settings())


def test_every_setting_says_what_it_means_and_there_are_not_too_many() -> None:
    assert all(facts.description for facts in Settings.model_fields.values())
    assert len(Settings.model_fields) <= 60
