"""The store remembers, and says so plainly when it cannot."""

from __future__ import annotations

from pathlib import Path

import aiosqlite
import pytest

from bot.store import MIGRATIONS, Store, StoreError


async def test_facts_outlive_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "on demand"
    async with Store(folder) as store:
        assert await store.get("colour") is None
        await store.put("colour", "blue")
        await store.put("colour", "green")
    async with Store(folder) as store:
        assert await store.get("colour") == "green"


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="file"):
        async with Store(tmp_path / "file"):
            pass


async def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bot.sqlite3").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"bot\.sqlite3"):
        async with Store(tmp_path):
            pass


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    async with aiosqlite.connect(tmp_path / "bot.sqlite3") as database:
        await database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="newer"):
        async with Store(tmp_path):
            pass
