"""What people see while they wait: their place, a Cancel button for them alone, and the end in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock, patch

import psutil
import pytest

from bot.client import NeuralBot
from bot.desk import Presentation
from bot.inference.limits import Limits
from bot.inference.local import LocalExecutor
from bot.playground.server import Playground
from cogs.vision import complete
from tests.support import embed_of, private_message


@contextmanager
def held(executor: LocalExecutor) -> Iterator[None]:
    """Let the worker stand still, so that every job waits or runs for as long as the test wants."""
    worker = psutil.Process(executor.pid)
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


async def test_everybody_sees_their_place_and_gets_an_answer(
    playground: Playground, bot: NeuralBot, executor: LocalExecutor, cat: bytes
) -> None:
    people = [playground.person(name) for name in ("ada", "grace", "linus")]
    with held(executor):
        replies = [await person.slash("classify", image=("cat.jpg", cat)) for person in people]
        for reply, words in zip(replies, ("at work", "1 job before yours", "2 jobs before"), strict=True):
            status = await reply.until(lambda message, words=words: words in message["content"])  # type: ignore[misc]
            assert status["components"][0]["components"][0]["label"] == "Cancel"
    for reply in replies:
        message = await reply.until(lambda message: bool(message["embeds"]))
        assert message["content"] == ""
        assert all(item["label"] != "Cancel" for item in message["components"][-1]["components"])


async def test_a_job_is_cancelled_by_its_owner_or_a_moderator_only(
    playground: Playground, bot: NeuralBot, executor: LocalExecutor, cat: bytes
) -> None:
    ada, grace, admin = (playground.person(name) for name in ("ada", "grace", "margaret"))
    with held(executor):
        replies = [await ada.slash("classify", image=("cat.jpg", cat)) for _ in range(3)]
        for reply in replies:
            await reply.until(lambda message: bool(message["components"]))
        refused = await grace.click(replies[1], "Cancel")
        assert "moderator" in (await private_message(grace, refused))["content"]
        for person, reply in ((ada, replies[0]), (ada, replies[1]), (admin, replies[2])):
            await person.click(reply, "Cancel")
            message = await reply.until(lambda message: "Cancelled" in message["content"])
            assert not message["components"]
    assert bot.queue.job("vision-none") is None
    last = await grace.slash("classify", image=("cat.jpg", cat))
    await last.until(lambda message: bool(message["embeds"]))


async def test_a_cancel_button_from_before_a_restart_says_so(
    playground: Playground, bot: NeuralBot, executor: LocalExecutor, cat: bytes
) -> None:
    ada = playground.person("ada")
    with held(executor):
        reply = await ada.slash("classify", image=("cat.jpg", cat))
        await reply.until(lambda message: bool(message["components"]))
        bot.queue._jobs.clear()  # as a new process would know nothing of it
        clicked = await ada.click(reply, "Cancel")
        assert "ended already" in (await private_message(ada, clicked))["content"]


async def test_a_full_queue_refuses_at_once_with_a_time(
    playground: Playground, bot: NeuralBot, executor: LocalExecutor, cat: bytes
) -> None:
    ada = playground.person("ada")
    with held(executor), patch.object(bot.queue, "_limits", Limits(waiting=1)):
        first = await ada.slash("classify", image=("cat.jpg", cat))
        await first.until(lambda message: "at work" in message["content"])
        second = await ada.slash("classify", image=("cat.jpg", cat))
        await second.until(lambda message: "1 job" in message["content"])
        refused = await ada.slash("classify", image=("cat.jpg", cat))
        assert "<t:" in (await private_message(ada, refused))["content"]
    for reply in (first, second):
        await reply.until(lambda message: bool(message["embeds"]))


async def test_an_answer_after_fifteen_minutes_is_posted_in_the_channel(
    playground: Playground, bot: NeuralBot, cat: bytes
) -> None:
    ada = playground.person("ada")
    with patch("bot.places.EXPIRY_MARGIN", 15 * 60.0):
        await ada.slash("classify", image=("cat.jpg", cat))
        message = await ada.until(
            lambda: next((m for m in ada.messages.values() if m["embeds"] and m["type"] == 0), None)
        )
    assert "tabby" in embed_of(message)["description"]
    assert not message["mentions"]


async def test_an_unexpected_error_is_a_private_apology_with_a_code(
    playground: Playground, bot: NeuralBot, cat: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    ada = playground.person("ada")
    render = Mock(side_effect=RuntimeError("secret internals"))
    bot.desk.present("vision", Presentation(render=render, complete=complete))
    refused = await ada.slash("classify", image=("cat.jpg", cat))
    apology = (await private_message(ada, refused))["content"]
    code = apology.split("`")[1]
    assert code in caplog.text
    assert "secret internals" not in apology
