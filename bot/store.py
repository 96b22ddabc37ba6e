"""What outlives the process: one SQLite file in the data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import aiosqlite

if TYPE_CHECKING:
    from pathlib import Path

MIGRATIONS = ("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",)
"""Each brings the file from version n to n + 1 (``PRAGMA user_version``). Only ever append."""


class StoreError(Exception):
    """The data folder or the file in it cannot be used; the message says which and why."""


class Store:
    """Facts that the bot must remember from one start to the next. Use as an async context manager."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bot.sqlite3"
        self._database: aiosqlite.Connection | None = None

    async def __aenter__(self) -> Self:
        """Open the file, made and brought up to date if need be.

        Raises:
            StoreError: the folder or the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = await aiosqlite.connect(self.path)
            # Write-ahead logging: readers never wait for the writer, and a crash loses nothing.
            await self._database.execute("PRAGMA journal_mode = WAL")
            await self._migrate(self._database)
        except (OSError, aiosqlite.Error) as error:
            await self.__aexit__()
            raise StoreError(f"I cannot write to {self.path.absolute()}: {error}") from error
        except StoreError:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._database is not None:
            await self._database.close()
            self._database = None

    async def _migrate(self, database: aiosqlite.Connection) -> None:
        async with database.execute("PRAGMA user_version") as cursor:
            row = await cursor.fetchone()
        version = int(row[0]) if row is not None else 0
        if version > len(MIGRATIONS):
            raise StoreError(f"{self.path.absolute()} was written by a newer version of this bot.")
        for number, statement in enumerate(MIGRATIONS[version:], start=version + 1):
            await database.execute(statement)
            await database.execute(f"PRAGMA user_version = {number}")
            await database.commit()

    async def get(self, name: str) -> str | None:
        """Return the fact of this name, or ``None`` if there is none."""
        async with self._open().execute("SELECT value FROM facts WHERE name = ?", (name,)) as cursor:
            row = await cursor.fetchone()
        return None if row is None else str(row[0])

    async def put(self, name: str, value: str) -> None:
        """Remember a fact, instead of what was remembered under its name."""
        await self._open().execute(
            "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
        await self._open().commit()

    def _open(self) -> aiosqlite.Connection:
        if self._database is None:
            raise RuntimeError("the store is not open")
        return self._database
