"""/forgery: the replay, the verdict and the game, by the real bot and the real network on the embedded Discord."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from bot.client import NeuralBot
from bot.inference.local import LocalExecutor
from bot.inference.messages import Lineup
from bot.inference.queue import InferenceQueue
from bot.playground.errors import Json
from bot.playground.person import Person, Reply
from bot.playground.server import Playground
from bot.settings import Settings
from bot.store import Store
from cogs.art.explain import REPLAY
from cogs.art.words import VERDICTS
from tests.support import EPHEMERAL, all_told, connected, embed_of, private_message


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    """An embedded Discord with some more people."""
    playground = Playground(members=("Ada", "Grace", "Joan", "Mary"))
    await playground.start()
    with playground.point_discord_py_here():
        yield playground
    await playground.stop()


@pytest.fixture
async def player(
    playground: Playground, queue: InferenceQueue, settings: Settings, store: Store, tmp_path: Path
) -> AsyncIterator[NeuralBot]:
    """The real bot with a folder of one painting."""
    folder = tmp_path / "paintings"
    folder.mkdir()
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((300, 200)).save(file, "JPEG")
    (folder / "irises.jpg").write_bytes(file.getvalue())
    credit = {"artist": "Vincent van Gogh", "title": "Irises", "date": "1889", "style": "van_gogh"}
    (folder / "irises.json").write_text(json.dumps(credit | {"link": "https://museum.example/irises"}))
    chosen = settings.model_copy(update={"paintings_dir": folder})
    async with connected(NeuralBot(chosen, queue, store)) as bot:
        yield bot


async def done(reply: Reply) -> Json:
    return await reply.until(lambda message: bool(message["embeds"]), timeout=60)


def code(message: Json) -> str:
    return str(embed_of(message)["footer"]["text"]).rsplit(" · ", 1)[1]


async def lineup_of(bot: NeuralBot, message: Json) -> Lineup:
    answered = await bot.results.get(code(message))
    assert answered is not None
    assert isinstance(answered.result, Lineup)
    return answered.result


async def guess(person: Person, message: Json, number: int) -> str:
    """Press the button of a picture, from 0, and return what one is told in private."""
    return str((await private_message(person, await person.click(message, str(number + 1))))["content"])


async def test_a_painting_is_hidden_people_guess_and_the_starter_solves(
    playground: Playground, player: NeuralBot
) -> None:
    ada, grace, joan = (playground.person(name) for name in ("ada", "grace", "joan"))
    message = await done(await ada.slash("forgery game"))
    assert "painted by a human" in embed_of(message)["title"]
    lineup = await lineup_of(player, message)
    assert lineup.human
    wrong = (lineup.answer + 1) % 4
    await all_told(player.store)
    player.results._kept.clear()  # as after a restart

    assert "Right" in await guess(ada, message, lineup.answer)
    assert "Fooled" in await guess(grace, message, wrong)
    await grace.until(lambda: "2 people have guessed" in grace.messages[message["id"]]["content"])
    assert "One guess each" in await guess(grace, message, lineup.answer)
    assert "image" in embed_of(grace.messages[message["id"]]), "counting leaves the pictures alone"
    shown = str(embed_of(await done(await grace.slash("show", code=code(message)))))
    assert "style = van_gogh" in shown
    assert "Vincent" not in shown
    assert "seed =" not in shown, "with it, /art would paint the forgeries"

    refused = await private_message(joan, await joan.click(message, "Solve"))
    assert "Only <@" in refused["content"]
    await ada.click(message, "Solve")
    await joan.until(lambda: "Another round" in str(joan.messages[message["id"]]["components"]))
    solved = joan.messages[message["id"]]
    embed = embed_of(solved)
    assert embed["title"] == f"Number {lineup.answer + 1} was painted by a human"
    assert "**1 of 2** were fooled" in embed["description"]
    assert "Vincent van Gogh: [Irises](<https://museum.example/irises>), 1889" in embed["description"]
    assert f"<@{ada.id}>" in embed["description"]
    assert embed["image"]["url"] != embed_of(message)["image"]["url"]
    late = await done(await joan.slash("show", code=code(message)))
    assert "This round is over" in await guess(joan, late, wrong)
    told = await private_message(joan, await joan.click(late, "Solve"))
    assert embed_of(told)["title"] == embed["title"], "a round that is over is solved for everybody"
    assert "**1 of 2** were fooled" in embed_of(told)["description"], "the late guess has not counted"

    scores = embed_of(await done(await joan.slash("forgery scores")))
    assert "fooled **1 of 2** (50%)" in scores["description"]
    assert f"`1` <@{ada.id}> · 1 of 1 right" in scores["description"]
    assert "1 round of the last 30 days" in scores["footer"]["text"]

    another = await done(await grace.click(solved, "Another round"))
    assert code(another) != code(message)


async def test_after_some_guesses_anybody_may_solve(playground: Playground, player: NeuralBot) -> None:
    people = [playground.person(name) for name in ("ada", "grace", "joan", "mary")]
    ada, *others = people
    message = await done(await ada.slash("forgery game", style="portrait"))
    for person in others:
        await guess(person, message, 0)
    await others[0].click(message, "Solve")
    await ada.until(lambda: "Another round" in str(ada.messages[message["id"]]["components"]))


async def test_without_paintings_the_cashier_s_favourite_is_asked_for(
    playground: Playground, bot: NeuralBot
) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("forgery game"))
    assert "cashier like best" in embed_of(message)["title"]
    lineup = await lineup_of(bot, message)
    assert lineup.scores[lineup.answer] == max(lineup.scores)
    assert "Right" in await guess(ada, message, lineup.answer)
    await ada.click(message, "Solve")
    solved = await ada.until(
        lambda: next((m for m in ada.messages.values() if "likes number" in str(m["embeds"])), None)
    )
    assert "**1 of 1** think as it does" in embed_of(solved)["description"]
    scores = embed_of(await done(await ada.slash("forgery scores")))
    assert "fooled" not in scores["description"], "nobody was: there was no painting"


async def test_a_round_nobody_dares_to_play_and_one_that_is_forgotten(
    playground: Playground, bot: NeuralBot
) -> None:
    ada = playground.person("ada")
    nothing = embed_of(await done(await ada.slash("forgery scores")))
    assert "Nobody has played" in nothing["description"]
    message = await done(await ada.slash("forgery game"))
    await all_told(bot.store)
    await bot.store.purge(days=-1)
    bot.results._kept.clear()
    for button in ("2", "Solve"):
        refused = await private_message(ada, await ada.click(message, button))
        assert "forgotten" in refused["content"]
    second = await done(await ada.slash("forgery game"))
    await ada.click(second, "Solve")
    await ada.until(lambda: "Nobody dared" in str(ada.messages[second["id"]]["embeds"]))


class Stuck:
    """A source that never answers."""

    async def painting(self, style: str) -> None:
        await asyncio.sleep(1000)


async def test_a_round_can_be_cancelled_while_a_painting_is_fetched(
    playground: Playground, bot: NeuralBot
) -> None:
    bot.get_cog("Forgery").sources = [Stuck()]  # type: ignore[union-attr]
    ada = playground.person("ada")
    reply = await ada.slash("forgery game")
    fetching = await reply.until(lambda message: "fetching" in message["content"])
    await ada.click(fetching, "Cancel")
    await reply.until(lambda message: "Cancelled" in message["content"])


async def test_a_round_whose_painting_was_being_fetched_goes_on_after_a_restart(
    playground: Playground, executor: LocalExecutor, store: Store, settings: Settings
) -> None:
    ada = playground.person("ada")
    first = InferenceQueue(executor, store)
    first.start()
    async with connected(NeuralBot(settings, first, store)) as bot:
        bot.get_cog("Forgery").sources = [Stuck()]  # type: ignore[union-attr]
        reply = await ada.slash("forgery game")
        await reply.until(lambda message: "fetching" in message["content"])
        await first.close(grace=0.0)
    second = InferenceQueue(executor, store)
    await second.restore()
    second.start()
    async with connected(NeuralBot(settings, second, store)):
        message = await done(reply)
        assert "cashier like best" in embed_of(message)["title"]
    await second.close(grace=0.0)


async def test_what_a_painting_s_file_holds_is_not_kept(playground: Playground, player: NeuralBot) -> None:
    message = await done(await playground.person("ada").slash("forgery game"))
    await all_told(player.store)
    record = await player.store.job(code(message))
    assert record is not None
    assert len(record.request) < 500


async def test_the_cashier_judges_uploads(playground: Playground, bot: NeuralBot, cat: bytes) -> None:
    ada = playground.person("ada")
    judged = await done(await ada.slash("forgery verdict", picture=("cat.jpg", cat)))
    embed = embed_of(judged)
    assert embed["title"].strip("“”") in [words for _, words in VERDICTS]
    assert embed["image"]["width"] == 1000
    await all_told(bot.store)
    bot.results._kept.clear()
    shown = await done(await ada.slash("show", code=code(judged)))
    assert "image" not in embed_of(shown)
    assert "I do not keep pictures" in embed_of(shown)["footer"]["text"]


async def test_the_cashier_judges_pictures_of_ours_by_code(playground: Playground, bot: NeuralBot) -> None:
    ada = playground.person("ada")
    card = await done(await ada.slash("art", seed="Ada", style="portrait"))
    await all_told(bot.store)
    [suggested] = [choice["value"] for choice in await ada.autocomplete("forgery verdict", "code", "ART-")]
    judged = await done(await ada.slash("forgery verdict", code=f"{suggested} #3"))
    answered = await bot.results.get(code(card))
    assert answered is not None
    assert f"**{answered.result.scores[2]:.0%}** sure" in embed_of(judged)["description"]  # type: ignore[attr-defined]
    assert "picture 3" in embed_of(judged)["footer"]["text"]


async def test_bad_input_is_refused_in_private(playground: Playground, bot: NeuralBot, cat: bytes) -> None:
    ada = playground.person("ada")
    for asked, said in (
        ({}, "either a picture or the code"),
        ({"picture": ("cat.jpg", cat), "code": "art-7K3F"}, "either a picture or the code"),
        ({"picture": ("cat.jpg", b"no picture")}, "picture"),
        ({"picture": ("cat.jpg", b"x" * (10 * 2**20))}, "picture"),
        ({"code": "art-ZZZZ"}, "forgotten"),
        ({"code": "salary-X5AK"}, "`salary-X5AK` is not the code of a picture"),
        ({"code": "Ada"}, "`Ada` is not the code of a picture"),
    ):
        refused = await private_message(ada, await ada.slash("forgery verdict", **asked))
        assert said in refused["content"]


async def test_the_training_is_shown(playground: Playground, bot: NeuralBot) -> None:
    shown = await done(await playground.person("ada").slash("forgery training"))
    assert "counterfeiter" in embed_of(shown)["description"]
    assert ("image" in embed_of(shown)) == REPLAY.exists()
    assert not shown["flags"] & EPHEMERAL


async def test_without_its_replay_the_training_is_told(
    playground: Playground, bot: NeuralBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Cogs are imported anew for every bot.
    monkeypatch.setattr(sys.modules["cogs.art.explain"], "REPLAY", tmp_path / "none.webp")
    shown = await done(await playground.person("ada").slash("forgery training"))
    assert "missing" in embed_of(shown)["footer"]["text"]


def test_the_replay_fits() -> None:
    assert not REPLAY.exists() or REPLAY.stat().st_size < 3_000_000
