"""/about and /privacy tell the truth."""

from __future__ import annotations

from bot.client import NeuralBot
from bot.inference.catalogue import NETWORKS
from bot.playground.server import Playground
from bot.results import KEEP_SECONDS
from tests.support import EPHEMERAL, embed_of


async def test_about_names_every_network_and_the_device(playground: Playground, bot: NeuralBot) -> None:
    await bot.queue._executor.ready()
    message = await (await playground.person("ada").slash("about")).until()
    assert message["flags"] & EPHEMERAL
    fields = embed_of(message)["fields"]
    assert len(fields) == sum(not network.weights for network in NETWORKS.values()) + 2
    assert "PyTorch 2.13.0" in next(field["value"] for field in fields if field["name"] == "The device")


async def test_privacy_names_the_real_time(playground: Playground, bot: NeuralBot) -> None:
    message = await (await playground.person("ada").slash("privacy")).until()
    assert f"{KEEP_SECONDS / 60:.0f} minutes" in embed_of(message)["description"]
