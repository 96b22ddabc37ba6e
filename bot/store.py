"""What outlives the process: one SQLite file in the data folder."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

import aiosqlite
import msgspec

from bot.inference.errors import LedgerError
from bot.inference.jobs import JobState, Record
from bot.inference.ledger import CodeTaken

log = logging.getLogger(__name__)

MIGRATIONS = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;",
    """
    CREATE TABLE jobs (
        number    INTEGER PRIMARY KEY,
        code      TEXT NOT NULL UNIQUE,
        owner     INTEGER NOT NULL,
        guild     INTEGER,
        network   TEXT NOT NULL,
        version   TEXT NOT NULL,
        request   BLOB NOT NULL,
        place     BLOB NOT NULL,
        private   INTEGER NOT NULL,
        state     TEXT NOT NULL,
        deaths    INTEGER NOT NULL,
        created   REAL NOT NULL,
        outcome   TEXT,
        result    BLOB,
        error     TEXT,
        seconds   REAL,
        delivered INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX jobs_of_owner ON jobs (owner, created);
    CREATE INDEX jobs_undelivered ON jobs (number) WHERE delivered = 0;
    """,
    """
    CREATE TABLE guesses (
        code   TEXT NOT NULL,
        person INTEGER NOT NULL,
        guild  INTEGER,
        number INTEGER NOT NULL,
        right  INTEGER NOT NULL,
        human  INTEGER NOT NULL,
        made   REAL NOT NULL,
        PRIMARY KEY (code, person)
    ) STRICT;
    CREATE INDEX guesses_of_guild ON guesses (guild);
    CREATE TABLE solved (code TEXT PRIMARY KEY, made REAL NOT NULL) STRICT;
    """,
)
"""Each brings the file from version n to n + 1 (``PRAGMA user_version``). Only ever append."""

COLUMNS = Record.__struct_fields__
INSERT = f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + name for name in COLUMNS)})"  # noqa: S608
SELECT = f"SELECT {', '.join(COLUMNS)} FROM jobs"  # noqa: S608 - both are made of names in this project
CODES_AT_MOST = 25
"""Discord's limit for choices in autocomplete."""


UPLOAD_BYTES = 4096
"""A request that shrinks by more when it has been answered held an uploaded file."""


BEST_AT_MOST = 10
"""People in a table of scores."""


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said in a round of the game."""

    person: int
    number: int
    """Of the picture, from 0."""
    right: bool


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How well somebody plays."""

    person: int
    guesses: int
    right: int


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """How a server plays."""

    rounds: int
    guesses: int
    """In rounds that hid a painting by a human."""
    fooled: int
    """Of these guesses, how many took a forgery for it."""
    best: list[Score]
    """Most right guesses first, in rounds of either kind."""


class StoreError(Exception):
    """The data folder or the file in it cannot be used; the message says which and why."""


class Store:
    """Facts and jobs that the bot must remember. Use as an async context manager; it is the queue's ledger.

    Every statement is a transaction of its own. Write-ahead logging with ``synchronous = NORMAL`` keeps what
    was written whenever the process ends; a failure of the machine's power may cost the last moments.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bot.sqlite3"
        self._database: aiosqlite.Connection | None = None
        self._claim: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        """Open the file, made and brought up to date if need be.

        Raises:
            StoreError: the folder or the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = await aiosqlite.connect(self.path, isolation_level=None)
            await self._database.execute("PRAGMA journal_mode = WAL")
            await self._database.execute("PRAGMA synchronous = NORMAL")
            # What is deleted is overwritten: an upload must not linger in a free page of the file.
            await self._database.execute("PRAGMA secure_delete = ON")
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
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def claim(self) -> None:
        """Make sure that no other bot works with this folder: two would answer every job twice.

        The operating system gives the claim back when this process ends, however it ends.

        Raises:
            StoreError: another process has claimed it.
        """
        claim = sqlite3.connect(self.path.with_name("running.sqlite3"), timeout=0.0, isolation_level=None)
        try:
            claim.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            claim.close()
            folder = self.path.parent.absolute()
            raise StoreError(f"Another bot is running with {folder}. Stop it, or set DATA_DIR.") from error
        self._claim = claim

    async def _migrate(self, database: aiosqlite.Connection) -> None:
        async with database.execute("PRAGMA user_version") as cursor:
            row = await cursor.fetchone()
        version = int(row[0]) if row is not None else 0
        if version > len(MIGRATIONS):
            raise StoreError(f"{self.path.absolute()} was written by a newer version of this bot.")
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            await database.executescript(f"BEGIN; {statements} PRAGMA user_version = {number}; COMMIT;")

    # --- Facts --------------------------------------------------------------------------------------------

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

    # --- Jobs: what the queue writes (``bot.inference.ledger.Ledger``) -------------------------------------

    async def add(self, record: Record) -> None:
        """Write down an admitted job.

        Raises:
            CodeTaken: its code is not new.
            LedgerError: it cannot be written.
        """
        try:
            await self._write(INSERT, msgspec.structs.asdict(record))
        except sqlite3.IntegrityError as error:
            raise CodeTaken(record.code) from error

    async def prepare(self, code: str, request: bytes) -> None:
        """Note that a job's request is complete: it waits."""
        await self._write(
            "UPDATE jobs SET state = :state, request = :request WHERE code = :code AND state != 'ended'",
            {"state": JobState.WAITING, "request": request, "code": code},
        )

    async def start(self, codes: Collection[str]) -> None:
        """Note that these jobs are about to run."""
        # A list of any length is one parameter as JSON.
        await self._write(
            "UPDATE jobs SET state = :state "
            "WHERE code IN (SELECT value FROM json_each(:codes)) AND state != 'ended'",
            {"state": JobState.RUNNING, "codes": msgspec.json.encode(list(codes)).decode()},
        )

    async def requeue(self, code: str, deaths: int) -> None:
        """Note that a job waits again, after its worker has ended."""
        await self._write(
            "UPDATE jobs SET state = :state, deaths = :deaths WHERE code = :code AND state != 'ended'",
            {"state": JobState.WAITING, "deaths": deaths, "code": code},
        )

    async def finish(self, code: str, *, result: bytes, seconds: float) -> None:
        """Note that a job has an answer, which nobody has been shown yet."""
        await self._write(
            "UPDATE jobs SET state = :state, outcome = 'done', result = :result, seconds = :seconds "
            "WHERE code = :code",
            {"state": JobState.ENDED, "result": result, "seconds": seconds, "code": code},
        )

    async def fail(self, code: str, *, outcome: str, error: str) -> None:
        """Note that a job has ended without an answer, of which nobody has been told yet."""
        await self._write(
            "UPDATE jobs SET state = :state, outcome = :outcome, error = :error WHERE code = :code",
            {"state": JobState.ENDED, "outcome": outcome, "error": error, "code": code},
        )

    async def deliver(self, code: str, *, request: bytes, result: bytes | None) -> None:
        """Note that the person has been shown how a job ended: keep this of it, and show it to nobody again.

        The place goes as well: it holds the interaction's token.
        """
        had_upload = await self._had_more_than(code, len(request) + UPLOAD_BYTES)
        await self._write(
            "UPDATE jobs SET delivered = 1, place = x'', request = :request, result = :result "
            "WHERE code = :code",
            {"request": request, "result": result, "code": code},
        )
        if had_upload:
            await self._empty_log()

    async def unfinished(self) -> list[Record]:
        """Return the jobs that have not ended, or of whose end nobody has been told, oldest first."""
        return await self._records(f"{SELECT} WHERE delivered = 0 ORDER BY number", {})

    # --- Jobs: what others ask ----------------------------------------------------------------------------

    async def job(self, code: str) -> Record | None:
        """Return the job of this code, whatever has become of it."""
        records = await self._records(f"{SELECT} WHERE code = :code", {"code": code})
        return records[0] if records else None

    async def codes(self, owner: int, part: str) -> list[str]:
        """Return the codes of somebody's latest answered jobs that contain ``part``, newest first."""
        query = (
            "SELECT code FROM jobs WHERE owner = :owner AND outcome = 'done' AND instr(code, :part) "
            "ORDER BY created DESC LIMIT :most"
        )
        values = {"owner": owner, "part": part, "most": CODES_AT_MOST}
        async with self._open().execute(query, values) as cursor:
            return [str(row[0]) for row in await cursor.fetchall()]

    async def forget(self, owner: int) -> int:
        """Delete everything about a person's ended jobs, and their guesses; return how many jobs they were."""
        deleted = await self._write(
            "DELETE FROM jobs WHERE owner = :owner AND delivered = 1", {"owner": owner}
        )
        await self._write("DELETE FROM guesses WHERE person = :owner", {"owner": owner})
        await self._empty_log()
        return deleted

    async def purge(self, days: float) -> int:
        """Delete jobs and guesses that are older than this; return how many jobs they were."""
        oldest = {"oldest": time.time() - days * 86_400}
        deleted = await self._write("DELETE FROM jobs WHERE created < :oldest AND delivered = 1", oldest)
        await self._write("DELETE FROM guesses WHERE made < :oldest", oldest)
        await self._write("DELETE FROM solved WHERE made < :oldest", oldest)
        await self._empty_log()
        return deleted

    # --- The game of forgeries ----------------------------------------------------------------------------

    async def guess(
        self, code: str, person: int, guild: int | None, number: int, *, right: bool, human: bool
    ) -> bool:
        """Note what somebody says; return whether it counts: the first word does, until the round is solved.

        Args:
            code: of the round.
            person: Discord's id.
            guild: Discord's id of the server; ``None`` in direct messages.
            number: of the picture, from 0.
            right: whether it is the right one.
            human: whether the round hides a painting by a human.
        """
        values = {
            "code": code,
            "person": person,
            "guild": guild,
            "number": number,
            "right": right,
            "human": human,
            "made": time.time(),
        }
        return bool(
            await self._write(
                "INSERT OR IGNORE INTO guesses "
                "SELECT :code, :person, :guild, :number, :right, :human, :made "
                "WHERE NOT EXISTS (SELECT 1 FROM solved WHERE code = :code)",
                values,
            )
        )

    async def guesses(self, code: str) -> list[Guess]:
        """Return what people said in a round, in the order of time."""
        query = "SELECT person, number, right FROM guesses WHERE code = ? ORDER BY made"
        async with self._open().execute(query, (code,)) as cursor:
            return [
                Guess(person=person, number=number, right=bool(right))
                for person, number, right in await cursor.fetchall()
            ]

    async def is_solved(self, code: str) -> bool:
        """Return whether a round is over."""
        async with self._open().execute("SELECT 1 FROM solved WHERE code = ?", (code,)) as cursor:
            return await cursor.fetchone() is not None

    async def solve(self, code: str) -> None:
        """Note that a round is over."""
        await self._write(
            "INSERT OR IGNORE INTO solved VALUES (:code, :made)", {"code": code, "made": time.time()}
        )

    async def scores(self, guild: int) -> Scores:
        """Return how the people of a server have played."""
        totals = (
            "SELECT COUNT(DISTINCT code), COALESCE(SUM(human), 0), COALESCE(SUM(human AND NOT right), 0) "
            "FROM guesses WHERE guild = ?"
        )
        best = (
            "SELECT person, COUNT(*), SUM(right) FROM guesses WHERE guild = ? GROUP BY person "
            "ORDER BY SUM(right) DESC, COUNT(*), person LIMIT ?"
        )
        async with self._open().execute(totals, (guild,)) as cursor:
            [(rounds, guesses, fooled)] = await cursor.fetchall()
        async with self._open().execute(best, (guild, BEST_AT_MOST)) as cursor:
            people = [
                Score(person=person, guesses=made, right=right)
                for person, made, right in await cursor.fetchall()
            ]
        return Scores(rounds=rounds, guesses=guesses, fooled=fooled, best=people)

    # --- Helpers ------------------------------------------------------------------------------------------

    async def _had_more_than(self, code: str, size: int) -> bool:
        query = "SELECT length(request) FROM jobs WHERE code = ?"
        async with self._open().execute(query, (code,)) as cursor:
            row = await cursor.fetchone()
        return row is not None and int(row[0]) > size

    async def _empty_log(self) -> None:
        """Bring the write-ahead log into the file and cut it off: it still holds what was deleted."""
        try:
            await self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            log.warning("The log of SQLite cannot be emptied now: %s", error)

    async def _write(self, statement: str, values: dict[str, Any]) -> int:
        """Run one statement for good; return how many rows it has touched."""
        try:
            async with self._open().execute(statement, values) as cursor:
                return cursor.rowcount
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            log.error("SQLite cannot write: %s", error)
            raise LedgerError from error

    async def _records(self, query: str, values: dict[str, Any]) -> list[Record]:
        async with self._open().execute(query, values) as cursor:
            rows = await cursor.fetchall()
        return [msgspec.convert(dict(zip(COLUMNS, row, strict=True)), Record, strict=False) for row in rows]

    def _open(self) -> aiosqlite.Connection:
        if self._database is None:
            raise RuntimeError("the store is not open")
        return self._database
