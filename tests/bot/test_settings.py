"""Settings are read strictly, and the example file tells the truth about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.settings import Settings, SettingsError

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no .env file of the machine takes part."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_example_names_every_setting_and_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    example = dotenv_values(EXAMPLE)
    assert set(example) == {name.upper() for name in Settings.model_fields}
    defaults = Settings.read()
    for name, value in example.items():
        monkeypatch.setenv(name, value or "")
    assert Settings.read() == defaults


def test_an_empty_token_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "")
    assert Settings.read().discord_token is None


def test_a_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    assert "very-secret" not in repr(Settings.read())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOCAL_PORT", "99999"),
        ("DEVICE", "toaster"),
        ("MAX_WAITING", "many"),
        ("PRELOAD", "vision, crystal-ball"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_is_named_but_not_repeated_when_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.read()


def test_preload_takes_names_and_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRELOAD", "salary, vision")
    assert Settings.read().preload == ("salary", "vision")
    monkeypatch.setenv("PRELOAD", "none")
    assert Settings.read().preload == ()
