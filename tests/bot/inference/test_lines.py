"""Turns are fair in the device's time, keep each owner's order, and let nobody starve."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.inference.jobs import Job, JobState, Priority
from bot.inference.lines import LATE_AFTER, WaitingJobs
from tests.networks import COUNT, ECHO, CountRequest, EchoRequest

LOOP = asyncio.new_event_loop()
NUMBERS = itertools.count()


def job(owner: int, cost: float = 1.0, priority: Priority = Priority.LIVE, *, streaming: bool = False) -> Job:
    return Job(
        code=f"echo-{next(NUMBERS)}",
        number=next(NUMBERS),
        owner=owner,
        guild=None,
        network=COUNT if streaming else ECHO,
        version="",
        private=False,
        request=CountRequest(to=1) if streaming else EchoRequest(seconds=cost),
        place=b"",
        priority=priority,
        state=JobState.WAITING,
        answer=LOOP.create_future(),
    )


def cost(job: Job) -> float:
    return job.request.seconds if isinstance(job.request, EchoRequest) else 1.0


def waiting(jobs: Sequence[Job]) -> WaitingJobs:
    jobs_waiting = WaitingJobs(cost)
    for each in jobs:
        jobs_waiting.add(each)
    return jobs_waiting


costs = st.floats(0.01, 10.0)
jobs = st.lists(st.builds(job, st.integers(1, 6), costs, st.sampled_from(Priority)), max_size=40)


@given(jobs)
def test_everybody_is_taken_once_in_their_own_order_and_as_foretold(jobs: list[Job]) -> None:
    line = waiting(jobs)
    foretold = line.order()
    assert len(line) == len(jobs), "to foretell changes nothing"
    taken = list(iter(line.take, None))
    assert taken == foretold
    assert set(taken) == set(jobs)
    assert not len(line)
    for owner, priority in itertools.product(range(1, 7), Priority):
        own = [j for j in jobs if (j.owner, j.priority) == (owner, priority)]
        assert [j for j in taken if j in own] == own


@given(st.lists(costs, min_size=2, max_size=5))
def test_owners_who_always_wait_get_equal_time(costs: list[float]) -> None:
    """Shreedhar and Varghese: the difference stays below a constant, however long it goes on."""
    line = waiting([job(owner, each) for owner, each in enumerate(costs) for _ in range(40)])
    served: Counter[int] = Counter()
    while True:
        taken = line.take()
        assert taken is not None
        served[taken.owner] += cost(taken)  # type: ignore[assignment]
        if any(not any(j.owner == owner for j in line) for owner in range(len(costs))):
            break  # somebody has no job left, and what they had saved is lost
        assert max(served[o] for o in range(len(costs))) - min(served[o] for o in range(len(costs))) <= (
            3 * max(costs)
        )


@given(st.integers(1, 50), st.integers(1, 10))
def test_a_newcomer_waits_for_one_turn_of_everybody_at_most(greedy: int, others: int) -> None:
    line = waiting([job(0) for _ in range(greedy)] + [job(owner) for owner in range(1, others + 1)])
    line.take()
    newcomer = job(99)
    line.add(newcomer)
    assert line.order().index(newcomer) <= others + 1


def test_late_jobs_wait_for_those_with_somebody_looking_on_but_do_not_starve() -> None:
    late = job(1, priority=Priority.LATE)
    line = waiting([late, *(job(owner) for owner in range(2, 40))])
    assert line.order().index(late) == LATE_AFTER


def test_a_job_that_has_to_run_again_comes_first_in_its_line() -> None:
    first, second, third = (job(1) for _ in range(3))
    line = waiting([first, second, third])
    assert line.take() is first
    line.add(first)
    assert line.take() is first
    assert line.take() is second
    third.deaths = 1
    line.add(second)
    line.remove(third)
    line.add(third)
    assert line.take() is third, "a suspect comes before all others, or it might wait behind them for ever"


def test_those_who_cannot_run_now_do_not_hold_up_those_who_can() -> None:
    story, photo = job(1, streaming=True), job(2)
    line = waiting([story, photo])
    assert line.take(lambda each: not each.network.streaming) is photo
    assert line.take(lambda each: not each.network.streaming) is None
    assert line.take() is story
