"""/art, /art-mix and /art-deck by the real bot and the real network on the embedded Discord."""

from __future__ import annotations

import io
import json

import aiohttp
import numpy as np
import pytest
from PIL import Image

from bot import cards
from bot.client import NeuralBot
from bot.playground.errors import Json
from bot.playground.person import Reply
from bot.playground.server import Playground
from bot.store import Store
from cogs.art import words
from cogs.art.buttons import FORMS
from cogs.art.explain import REPLAY
from tests.support import EPHEMERAL, all_told, embed_of, private_message

pytestmark = pytest.mark.usefixtures("bot")

DISCORDS_LIMIT = 10 * 2**20


async def done(reply: Reply) -> Json:
    return await reply.until(lambda message: bool(message["embeds"]), timeout=60)


async def picture(playground: Playground, message: Json) -> Image.Image:
    """The picture that a message shows."""
    url = embed_of(message)["image"]["url"]
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        file = await response.read()
    assert len(file) < DISCORDS_LIMIT
    return Image.open(io.BytesIO(file))


def pixels(opened: Image.Image) -> np.ndarray:
    return np.asarray(opened.convert("RGB")).astype(int)


def code(message: Json) -> str:
    return str(embed_of(message)["footer"]["text"]).rsplit(" · ", 1)[1]


def select_of(message: Json, name: str) -> str:
    """The custom id of the select that begins so."""
    found = [
        component["custom_id"]
        for row in message["components"]
        for component in row["components"]
        if component["custom_id"].startswith(name)
    ]
    [custom_id] = found
    return str(custom_id)


async def test_ones_name_paints_and_the_card_says_how(playground: Playground, bot: NeuralBot) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("art"))
    embed = embed_of(message)
    assert embed["title"] == f"“{ada.user['global_name']}”"
    for said in ("Any style", str(ada.user["global_name"]), "creativity 0.7", "art-"):
        assert said in embed["footer"]["text"]
    answered = await bot.results.get(code(message))
    assert answered is not None
    [file] = bot.desk.render(answered).files
    assert "4 numbered pictures" in (file.description or "")
    assert "creativity 0.7" in (file.description or "")
    assert (await picture(playground, message)).width > 1000
    assert not message["flags"] & EPHEMERAL


@pytest.mark.parametrize(("count", "buttons"), [(1, 0), (4, 4), (9, 9)])
async def test_a_card_has_a_button_for_each_picture(playground: Playground, count: int, buttons: int) -> None:
    message = await done(await playground.person("ada").slash("art", count=count, seed="7"))
    custom_ids = [part["custom_id"] for row in message["components"] for part in row["components"]]
    assert sum(custom_id.startswith("art-pick") for custom_id in custom_ids) == buttons
    assert embed_of(message)["title"] == "Seed 7"


async def test_the_same_seed_paints_the_same_for_everybody_also_in_a_batch(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    asked = {"seed": "A lighthouse", "style": "van_gogh", "creativity": 1.0}
    alone = await picture(playground, await done(await ada.slash("art", **asked)))  # type: ignore[arg-type]
    others = [await ada.slash("art", seed=str(seed)) for seed in range(3)]
    again = await grace.slash("art", **asked | {"seed": " a LIGHTHOUSE "})  # type: ignore[arg-type]
    together = await picture(playground, await done(again))
    # Machines may round otherwise; one step of a colour is what nobody sees, and WebP makes two of it.
    assert np.abs(pixels(alone) - pixels(together)).max() <= 2
    for reply in others:
        assert np.abs(pixels(alone) - pixels(await picture(playground, await done(reply)))).mean() > 1


async def test_a_picture_is_picked_varied_restyled_and_drawn_anew_also_after_a_restart(
    playground: Playground, bot: NeuralBot
) -> None:
    ada = playground.person("ada")
    grid = await done(await ada.slash("art", seed="ada", style="landscape"))
    await all_told(bot.store)
    bot.results._kept.clear()  # as after a restart
    picked = await done(await ada.click(grid, "3"))
    assert embed_of(picked)["description"] == "Picture 3"
    large = await picture(playground, picked)
    assert large.size == (1024, 1024)
    shown = pixels(await picture(playground, grid))
    tile = shown[shown.shape[0] // 2 + 6 :, :][:512, 12:524]
    reduced = pixels(large.resize((512, 512), Image.Resampling.LANCZOS))
    assert np.abs(tile[60:] - reduced[60:]).mean() < 8, "the same picture, larger"

    near = await done(await ada.select(grid, select_of(grid, "art-near"), ["2"]))
    assert "Neighbours of picture 3" in embed_of(near)["description"]
    nearer = await done(await ada.click(near, "1"))
    assert embed_of(nearer)["description"] == "Picture 3, neighbour 1"
    again = await done(await ada.click(nearer, "Variations"))
    assert "Neighbours of picture 3, neighbour 1." in embed_of(again)["description"]

    other = await done(await ada.select(grid, select_of(grid, "art-style"), ["portrait"]))
    assert "Portrait · “ada”" in embed_of(other)["footer"]["text"]
    another = await done(await ada.click(picked, "Another"))
    assert "ada" not in embed_of(another)["title"]
    assert "Landscape" in embed_of(another)["footer"]["text"]


async def test_neighbours_of_neighbours_end_somewhere(playground: Playground, bot: NeuralBot) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("art", count=1, seed="ada"))
    for _ in range(words.MOST_NEIGHBOURS):
        message = await done(await ada.click(message, "Variations"))
        message = await done(await ada.click(message, "1"))
    refused = await private_message(ada, await ada.click(message, "Variations"))
    assert "as far as I can" in refused["content"]


async def test_explain_tells_the_way_and_shows_the_training(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("art", seed="ada", creativity=0.5))
    explained = await done(await ada.click(message, "Explain"))
    assert explained["flags"] & EPHEMERAL
    embed = embed_of(explained)
    assert "nearer to the middle of its style" in embed["description"]
    assert len(embed["fields"][0]["value"].splitlines()) == 4
    training = await done(await ada.click(explained, "Watch it learn"))
    assert "cashier" in embed_of(training)["description"]
    assert training["flags"] & EPHEMERAL
    assert ("image" in embed_of(training)) == REPLAY.exists()


async def test_two_names_mix_into_a_walk_and_so_do_codes(playground: Playground, bot: NeuralBot) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    walk = await done(await ada.slash("art-mix", first="Ada", second="Grace", style="still_life"))
    assert embed_of(walk)["title"] == "“Ada” ⇄ “Grace”"
    animation = await picture(playground, walk)
    assert getattr(animation, "n_frames", 1) > 20
    assert animation.info["loop"] == 0
    card = await done(await ada.slash("art", seed="Ada", style="portrait", creativity=1.2))
    await all_told(bot.store)
    [suggested] = [choice["value"] for choice in await ada.autocomplete("art-mix", "first", "", second="x")]
    assert suggested == code(card)
    asked = {"first": f"{suggested.lower()} #2", "second": "Grace"}
    mixed = await done(await grace.slash("art-mix", **asked))
    assert "Portrait · “Ada” · creativity 1.2 ⇄ Any style · “Grace”" in embed_of(mixed)["footer"]["text"]


async def test_a_picture_is_mixed_with_a_friend_s_by_its_button(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("art", count=1, seed="Ada", style="portrait"))
    opened = await ada.click(message, "Mix with …")
    mixed = await done(await ada.submit(opened, other="Grace"))
    assert embed_of(mixed)["title"] == "“Ada” ⇄ “Grace”"
    assert embed_of(mixed)["footer"]["text"].count("Portrait") == 2
    opened = await ada.click(message, "Mix with …")
    refused = await private_message(ada, await ada.submit(opened, other="art-ZZZZ"))
    assert "forgotten" in refused["content"]


@pytest.mark.parametrize("form", FORMS)
async def test_a_picture_is_put_on_things(playground: Playground, form: str) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("art", count=1, seed="Ada"))
    printed = await done(await ada.select(message, select_of(message, "art-print"), [form]))
    file = await picture(playground, printed)
    assert min(file.size) >= 1080
    assert "Ada" in embed_of(printed)["footer"]["text"]


async def test_the_deck_takes_codes_and_seeds_and_large_pictures_can_be_made_again(
    playground: Playground, bot: NeuralBot
) -> None:
    ada = playground.person("ada")
    card = await done(await ada.slash("art", seed="Ada", style="portrait"))
    first = await done(await ada.slash("art-deck", picture=f"{code(card)} 4"))
    assert "picture 4" in embed_of(first)["footer"]["text"]
    seeded = await done(await ada.slash("art-deck", picture="Ada", form="phone", style="landscape"))
    assert "Landscape" in embed_of(seeded)["footer"]["text"]
    walk = await done(await ada.slash("art-mix", first="art-deco", second="Grace"))
    assert "“art-deco”" in embed_of(walk)["title"], "a seed that looks like a code"
    typed = [choice["value"] for choice in await ada.autocomplete("art-deck", "picture", "Grace")]
    assert typed == ["Grace"], "what one types is not replaced by a code"
    assert code(card) in [choice["value"] for choice in await ada.autocomplete("art-deck", "picture", "")]
    await all_told(bot.store)
    bot.results._kept.clear()  # as after a restart
    for made in (first, walk):
        shown = await done(await ada.slash("show", code=code(made)))
        assert "image" not in embed_of(shown)
        assert "too large to be kept" in embed_of(shown)["description"]
        again = await done(await ada.click(shown, "Make it again"))
        assert "image" in embed_of(again)


async def test_the_cashier_judges_a_picture_by_its_button(playground: Playground) -> None:
    ada = playground.person("ada")
    message = await done(await ada.slash("art", count=1, seed="Ada", style="portrait"))
    judged = await done(await ada.click(message, "Ask the cashier"))
    assert embed_of(judged)["title"].strip("“”") in [said for _, said in words.VERDICTS]
    assert "Portrait" in embed_of(judged)["footer"]["text"]


async def test_bad_input_is_refused_in_private(playground: Playground, bot: NeuralBot) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    card = await done(await ada.slash("art", seed="Ada", count=1))
    for asked, said in (
        ({"picture": "art-ZZZZ"}, "forgotten"),
        ({"picture": f"{code(card)} #2"}, "has one picture"),
        ({"picture": f"{code(card)} #12"}, "has one picture"),
        ({"picture": "mix-RKFV"}, "`mix-RKFV` is not the code of a picture"),
        ({"picture": "art-0000 #2"}, "`art-0000` is not the code of a picture"),
        ({"picture": "   "}, "Give a seed"),
    ):
        refused = await private_message(grace, await grace.slash("art-deck", **asked))
        assert said in refused["content"]
    # What happened elsewhere is for who was there.
    record = await bot.store.job(code(card))
    assert record is not None
    await bot.store._open().execute("UPDATE jobs SET guild = 1, delivered = 1 WHERE code = ?", (code(card),))
    await all_told(bot.store)
    bot.results._kept.clear()
    refused = await private_message(grace, await grace.slash("art-deck", picture=code(card)))
    assert "somebody else's" in refused["content"]


async def test_forgotten_cards_say_so(playground: Playground, bot: NeuralBot, store: Store) -> None:
    ada = playground.person("ada")
    card = await done(await ada.slash("art", seed="Ada"))
    await all_told(store)
    await store.purge(days=-1)
    bot.results._kept.clear()
    for label in ("2", "Another", "Explain"):
        refused = await private_message(ada, await ada.click(card, label))
        assert "forgotten" in refused["content"]


def test_what_people_choose_from_is_what_the_network_knows() -> None:
    config = json.loads((cards.MODELS / "art" / "weights" / "counterfeiter" / "config.json").read_text())
    assert set(words.STYLES) == set(config["styles"])


def test_the_cashier_has_words_for_every_score() -> None:
    said = [words.verdict(score / 100) for score in range(101)]
    assert said[0] == "Wouldn't fool anyone"
    assert said[-1] == "Take my hundred dollars"
    assert len(set(said)) == len(words.VERDICTS)
