"""The store remembers, and says so plainly when it cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiosqlite
import msgspec
import pytest

from bot.inference.errors import LedgerError
from bot.inference.jobs import JobState, Record
from bot.inference.ledger import CodeTaken
from bot.inference.messages import ClassifyRequest
from bot.store import MIGRATIONS, Store, StoreError
from tests.support import fill_disk


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


def record(code: str, **changes: Any) -> Record:
    """A job that waits."""
    request = msgspec.msgpack.encode(ClassifyRequest(image=b"photograph"))
    job = Record(
        code=code,
        owner=1,
        guild=None,
        network="vision",
        version="1",
        request=request,
        place=b"token",
        private=False,
        state=JobState.WAITING,
    )
    return msgspec.structs.replace(job, **changes)


async def test_a_job_is_known_in_every_state_until_its_person_was_told(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        await store.add(record("vision-AAAA", state=JobState.PREPARING, guild=2))
    async with Store(tmp_path) as store:
        assert [job.state for job in await store.unfinished()] == [JobState.PREPARING]
        await store.prepare("vision-AAAA", b"whole")
        await store.start(["vision-AAAA", "vision-ZZZZ"])
        [job] = await store.unfinished()
        assert (job.state, job.request, job.guild) == (JobState.RUNNING, b"whole", 2)
        await store.requeue("vision-AAAA", deaths=1)
        [job] = await store.unfinished()
        assert (job.state, job.deaths) == (JobState.WAITING, 1)
        await store.finish("vision-AAAA", result=b"cat", seconds=0.5)
        [job] = await store.unfinished()
        assert (job.state, job.outcome, job.result, job.seconds) == (JobState.ENDED, "done", b"cat", 0.5)
        await store.deliver("vision-AAAA", request=b"bare", result=b"cat")
        assert not await store.unfinished()
        assert (await store.job("vision-AAAA")) == msgspec.structs.replace(job, request=b"bare", place=b"")


async def test_codes_are_unique_and_found_by_their_owner(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        for code, owner in (("vision-AAAA", 1), ("vision-BBBB", 2), ("salary-AAAB", 1)):
            await store.add(record(code, owner=owner))
            await store.finish(code, result=b"", seconds=0.0)
            await store.deliver(code, request=b"", result=b"")
        with pytest.raises(CodeTaken):
            await store.add(record("vision-AAAA"))
        assert set(await store.codes(1, "AAA")) == {"vision-AAAA", "salary-AAAB"}
        assert await store.codes(2, "") == ["vision-BBBB"]
        assert await store.forget(1) == 2
        assert await store.codes(1, "") == []
        await store.add(record("vision-CCCC", created=0.0))
        assert await store.purge(days=30) == 0, "nobody has been told yet"
        await store.deliver("vision-CCCC", request=b"", result=None)
        assert await store.purge(days=30) == 1


def test_an_upload_leaves_no_trace_on_disk(tmp_path: Path) -> None:
    photograph = bytes(range(256)) * 400

    async def keep_and_drop() -> None:
        request = msgspec.msgpack.encode(ClassifyRequest(image=photograph))
        async with Store(tmp_path) as store:
            await store.add(record("vision-AAAA", request=request))
            await store.deliver("vision-AAAA", request=b"", result=None)
            look()  # while the bot runs, and after it

    def look() -> None:
        for file in tmp_path.iterdir():
            assert photograph[:512] not in file.read_bytes(), file

    asyncio.run(keep_and_drop())
    look()


async def test_what_has_ended_does_not_go_back(tmp_path: Path) -> None:
    """A write that was held up by a full disk may come after the one that followed it."""
    async with Store(tmp_path) as store:
        await store.add(record("vision-AAAA"))
        await store.fail("vision-AAAA", outcome="cancelled", error="")
        await store.start(["vision-AAAA"])
        await store.requeue("vision-AAAA", deaths=1)
        await store.prepare("vision-AAAA", b"late")
        [job] = await store.unfinished()
        assert (job.state, job.outcome, job.deaths) == (JobState.ENDED, "cancelled", 0)


async def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        await fill_disk(store)
        with pytest.raises(LedgerError):
            await store.add(record("vision-AAAA", request=bytes(100_000)))


async def test_two_bots_cannot_work_with_one_folder(tmp_path: Path) -> None:
    async with Store(tmp_path) as first, Store(tmp_path) as second:
        first.claim()
        with pytest.raises(StoreError, match="Another bot"):
            second.claim()
    async with Store(tmp_path) as third:
        third.claim()


async def test_the_first_guess_counts_until_the_round_is_solved(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        assert await store.guess("forgery-AAAA", 1, 7, 2, right=True, human=True)
        assert not await store.guess("forgery-AAAA", 1, 7, 3, right=False, human=True)
        assert await store.guess("forgery-AAAA", 2, 7, 0, right=False, human=True)
    async with Store(tmp_path) as store:
        await store.solve("forgery-AAAA")
        await store.solve("forgery-AAAA")
        assert not await store.guess("forgery-AAAA", 3, 7, 2, right=True, human=True)
        assert [
            (guess.person, guess.number, guess.right) for guess in await store.guesses("forgery-AAAA")
        ] == [
            (1, 2, True),
            (2, 0, False),
        ]


async def test_scores_are_of_one_server(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        for code, person, guild, right, human in (
            ("forgery-AAAA", 1, 7, True, True),
            ("forgery-AAAA", 2, 7, False, True),
            ("forgery-BBBB", 1, 7, True, False),
            ("forgery-BBBB", 2, 7, False, False),
            ("forgery-CCCC", 3, 8, True, True),
            ("forgery-DDDD", 3, None, True, True),
        ):
            await store.guess(code, person, guild, 0, right=right, human=human)
        scores = await store.scores(7)
        assert (scores.rounds, scores.guesses, scores.fooled) == (2, 2, 1)
        assert [(one.person, one.guesses, one.right) for one in scores.best] == [(1, 2, 2), (2, 2, 0)]
        assert (await store.scores(9)).rounds == 0


async def test_guesses_are_deleted_with_all_else_of_a_person_or_when_they_are_old(tmp_path: Path) -> None:
    async with Store(tmp_path) as store:
        await store.guess("forgery-AAAA", 1, 7, 0, right=True, human=True)
        await store.guess("forgery-AAAA", 2, 7, 0, right=True, human=True)
        await store.solve("forgery-AAAA")
        await store.forget(1)
        assert [guess.person for guess in await store.guesses("forgery-AAAA")] == [2]
        await store.purge(days=1)
        assert len(await store.guesses("forgery-AAAA")) == 1
        await store.purge(days=-1)
        assert await store.guesses("forgery-AAAA") == []
