"""``python -m bot check`` finds what is wrong and names the fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bot.check import Finding, _paintings, check
from bot.paintings import Folder
from bot.playground.server import Playground
from bot.settings import Settings


async def findings(settings: Settings) -> tuple[bool, list[Finding]]:
    """Run all checks."""
    told: list[Finding] = []
    return await check(settings, told.append), told


async def test_all_is_well_without_a_token(settings: Settings) -> None:
    good, told = await findings(settings)
    assert good, "\n".join(map(str, told))
    text = "\n".join(map(str, told))
    for words in (
        "Python 3",
        "torch 2.13.0",
        "store",
        "weights of vision",
        "weights of salary",
        "device cpu",
    ):
        assert words in text


def test_a_folder_of_paintings_that_is_none_is_named(tmp_path: Path) -> None:
    missing = _paintings(Folder(tmp_path / "typo"))
    assert not missing.good
    assert "typo is no folder" in missing.what
    assert "no picture" in _paintings(Folder(tmp_path)).what
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    assert _paintings(Folder(tmp_path)).what == f"PAINTINGS_DIR: 1 picture in {tmp_path}"


async def test_broken_weights_and_a_store_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings.read(
        discord_token=None, data_dir=tmp_path / "file", vision_model=str(tmp_path / "nowhere")
    )
    good, told = await findings(settings)
    assert not good
    bad = [finding for finding in told if not finding.good]
    assert len(bad) == 2
    assert all(finding.fix for finding in bad)
    assert str(tmp_path / "file") in bad[0].what
    assert "weights of vision" in bad[1].what


@pytest.mark.parametrize(("status", "words"), [(401, "refuses the token"), (None, "the token is that of")])
async def test_the_token_is_tried(
    playground: Playground, tmp_path: Path, status: int | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.check.PROBE_URL", f"{playground.url}/")
    monkeypatch.setattr("bot.check.WORKER_SECONDS", 0.01)  # not what this test is about
    if status is not None:
        playground.fail_next("GET", "/users/@me", status=status)
    _, told = await findings(Settings.read(discord_token="very-secret", data_dir=tmp_path))
    text = "\n".join(map(str, told))
    assert words in text
    assert "very-secret" not in text


async def test_an_unreachable_discord_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.check.PROBE_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr("bot.check.WORKER_SECONDS", 0.01)
    good, told = await findings(Settings.read(discord_token="very-secret", data_dir=tmp_path))
    assert not good
    assert "cannot be reached" in str(told[-1])
