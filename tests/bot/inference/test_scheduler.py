"""How batches and streams share the device."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.inference.messages import Batch, Item, Open
from bot.inference.scheduler import OpenStream, Scheduler, Step

BATCH_SECONDS = 0.1
STEP_SECONDS = 0.01


def item(job: str) -> Item:
    return Item(job=job, request=msgspec.Raw(b""))


def batch(job: str = "photo") -> Batch:
    return Batch(network="vision", items=(item(job),))


def opening(job: str) -> Open:
    return Open(network="story", item=item(job))


def opened(job: str, loaded: Any = "story") -> OpenStream:
    return OpenStream(item(job), loaded, stream=None, opened_at=0.0, told_at=0.0)


def test_a_batch_comes_before_the_next_step_and_before_stories_that_begin() -> None:
    scheduler = Scheduler()
    scheduler.open(opened("a"))
    scheduler.add(opening("b"))
    scheduler.add(batch())
    assert isinstance(scheduler.next(), Batch)
    assert isinstance(scheduler.next(), Open)
    assert isinstance(scheduler.next(), Step)


def test_under_a_flood_of_photographs_stories_have_half_of_the_time() -> None:
    scheduler = Scheduler()
    scheduler.open(opened("a"))
    seconds = {Batch: 0.0, Step: 0.0}
    for _ in range(500):
        scheduler.add(batch())
        unit = scheduler.next()
        assert isinstance(unit, Batch | Step)
        spent = BATCH_SECONDS if isinstance(unit, Batch) else STEP_SECONDS
        seconds[type(unit)] += spent
        scheduler.spent(unit, spent)
    assert 0.4 < seconds[Step] / sum(seconds.values()) < 0.6


def test_without_streams_nothing_is_owed() -> None:
    scheduler = Scheduler()
    for _ in range(5):
        scheduler.add(batch())
        unit = scheduler.next()
        assert isinstance(unit, Batch)
        scheduler.spent(unit, BATCH_SECONDS)
    assert scheduler.idle


def test_streams_of_one_network_step_together_and_networks_take_turns() -> None:
    scheduler = Scheduler()
    for job, loaded in (("a", "story"), ("b", "story"), ("c", "melody")):
        scheduler.open(opened(job, loaded))
    steps = [scheduler.next() for _ in range(4)]
    assert [[s.item.job for s in step.streams] for step in steps if isinstance(step, Step)] == [
        ["a", "b"],
        ["c"],
        ["a", "b"],
        ["c"],
    ]


def test_a_closed_stream_takes_no_further_step_also_if_it_was_not_open_yet() -> None:
    scheduler = Scheduler()
    scheduler.open(opened("a"))
    scheduler.add(opening("b"))
    scheduler.close("a")
    scheduler.close("b")
    assert scheduler.next() is None
    assert scheduler.idle
