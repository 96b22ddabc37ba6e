"""Every request that the bot sends, against Discord's own description of its API."""

from __future__ import annotations

import asyncio

import pytest

from bot.client import NeuralBot
from bot.inference.queue import InferenceQueue
from bot.playground.errors import Json
from bot.playground.person import Person, Reply
from bot.playground.server import Playground
from bot.settings import Settings
from bot.store import Store
from tests.playground.test_spec import DESCRIPTION, load_checker
from tests.support import connected, private_message


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's description of its API is not here")
async def test_requests_are_discords(
    playground: Playground, queue: InferenceQueue, settings: Settings, store: Store, cat: bytes
) -> None:
    checker = load_checker()
    description = checker.Spec(DESCRIPTION)
    with checker.watch(description) as violations:
        async with connected(NeuralBot(settings, queue, store)) as bot:
            ada, grace = playground.person("ada"), playground.person("grace")
            payload = [command.to_dict(bot.tree) for command in bot.tree.get_commands()]
            assert not checker.command_rules(payload, "commands")
            for command in ("about", "privacy", "queue"):
                await (await ada.slash(command)).until()
            await (await ada.slash("salary", degree="master", age=40)).until()
            [code] = await ada.autocomplete("show", "code", "salary")
            await (await ada.slash("show", code=code["value"], public=True)).until()
            await ada.autocomplete("salary", "university", "iowa", degree="master")
            reply = await ada.slash("classify", image=("cat.jpg", cat))
            message = await reply.until(lambda message: bool(message["embeds"]))
            await grace.click(message, "How did you get there?")
            await ada.select(message, message["components"][0]["components"][0]["custom_id"], ["2"])
            await grace.select(message, message["components"][0]["components"][0]["custom_id"], ["2"])
            posted = await grace.send("", files=[("cat.jpg", cat)])
            await (await ada.menu("Classify image", posted)).until(lambda message: bool(message["embeds"]))
            await private_message(ada, await ada.menu("Classify image", await grace.send("no picture")))
            await private_message(ada, await ada.slash("classify", image=("cat.jpg", b"nonsense")))
            await paint_and_play(ada, grace)
            await asyncio.sleep(0.5)
    assert not [str(violation) for violation in violations if " request" in violation.where]
    assert not description.unknown_routes
    assert description.checked["request"] > 20


async def paint_and_play(ada: Person, grace: Person) -> None:
    """Press what stands under paintings."""

    async def done(reply: Reply) -> Json:
        return await reply.until(lambda message: bool(message["embeds"]), timeout=60)

    card = await done(await ada.slash("art", count=9))
    await done(await ada.click(card, "Explain"))
    large = await done(await grace.click(card, "9"))
    opened = await ada.click(large, "Mix with …")
    await done(await ada.submit(opened, other="Grace"))
    await done(await ada.slash("art-deck", picture="Ada"))
    message = await done(await ada.slash("forgery game"))
    await private_message(grace, await grace.click(message, "1"))
    await ada.click(message, "Solve")
    await done(await ada.slash("forgery scores"))
