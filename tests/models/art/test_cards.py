"""What cards show: grids, decks, verdicts and games, all by one pair of networks."""

from __future__ import annotations

import gc
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.art import studio
from models.art.cashier import SIDE, Appraisal, Appraiser, VerdictRequest, draw_verdict
from models.art.frames import GAP, GOLD, grid
from models.art.lineup import Dealer, Lineup, LineupRequest
from models.art.predictor import ANY, ArtRequest, MixRequest, Spot, Walk
from models.art.prints import DECK, SCENE, WALLPAPERS, Form, Print, Printer, PrintRequest, decks, wallpaper
from models.art.studio import Canvas, Painter, Sharing, Walker
from models.predictor import InvalidInput
from tests.models.art.standins import write_weights

CPU = torch.device("cpu")
SPOT = Spot(style="discs", seed="ada", picks=(1, 2))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def painter(weights: Path) -> Painter:
    return Painter.load(CPU, weights)


def pixels(file: bytes) -> np.ndarray:
    with Image.open(BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def painting_file(side: int = 200) -> bytes:
    """A picture that looks like no forgery here: sharp black and white squares, wider than high."""
    squares = np.indices((side, 2 * side)).sum(axis=0) // 10 % 2 * 255
    file = BytesIO()
    Image.fromarray(squares.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def canvas(painter: Painter, **request: object) -> Canvas:
    [answer] = painter.predict([ArtRequest(**{"style": "discs", "seed": "ada", "side": 64} | request)])  # type: ignore[arg-type]
    assert isinstance(answer, Canvas)
    return answer


def test_predictors_share_one_pair_of_networks_while_one_of_them_lives(weights: Path) -> None:
    first, second = Walker.load(CPU, weights), Printer.load(CPU, weights)
    assert first.networks is second.networks
    assert second.nbytes == 0, "counted once"
    key = (str(CPU), weights)
    del first
    assert studio._loaded[key] is second.networks
    fresh = write_weights(weights / "again")
    alone: Sharing = Walker.load(CPU, fresh)
    assert alone.nbytes > 100_000
    del alone
    gc.collect()
    assert (str(CPU), fresh) not in studio._loaded


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 2), (9, 3)])
def test_a_card_shows_its_pictures_side_by_side(painter: Painter, count: int, columns: int) -> None:
    card = canvas(painter, count=count)
    side = 64 if count == 1 else columns * (64 + GAP) + GAP
    assert pixels(card.picture).shape == (side, side, 3)
    assert len(card.scores) == len(card.picks) == count


def test_a_picture_of_a_grid_is_the_one_that_its_picks_lead_to(painter: Painter) -> None:
    card = canvas(painter, count=4)
    alone = canvas(painter, count=1, variation=card.picks[3][0])
    left = top = GAP + 64 + GAP
    shown = pixels(card.picture)[top : top + 64, left : left + 64]
    apart = np.abs(shown - pixels(alone.picture))
    # Below the badge with the number; both are compressed.
    assert apart[54:].mean() < 6


def test_a_frame_and_words_leave_the_pictures_where_they_are() -> None:
    pictures = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue", "white")]
    framed = np.asarray(grid(pictures, framed=1, words=["a", "b", "c", "d"]))
    assert tuple(framed[GAP + 60, GAP + 60]) == (255, 0, 0)
    assert tuple(framed[GAP + 60, 2 * GAP + 64 - 5]) == GOLD
    assert framed.shape[0] > framed.shape[1], "a line for the words"


def test_refusals_come_through(painter: Painter, weights: Path) -> None:
    [answer] = painter.predict([ArtRequest(style="cubist", seed="ada")])
    assert isinstance(answer, InvalidInput)
    bad = Spot(style="cubist", seed="ada")
    refusals = [
        *Walker.load(CPU, weights).predict([MixRequest(a=bad, b=SPOT)]),
        *Printer.load(CPU, weights).predict([PrintRequest(spot=bad)]),
        *Appraiser.load(CPU, weights).predict([VerdictRequest(spot=bad), VerdictRequest(image=b"words")]),
        *Dealer.load(CPU, weights).predict(
            [LineupRequest(seed="1", style="cubist"), LineupRequest(seed="1", real=b"words")]
        ),
    ]
    assert len(refusals) == 6
    assert all(isinstance(refusal, InvalidInput) for refusal in refusals)


def test_a_walk_comes_through(weights: Path) -> None:
    request = MixRequest(a=SPOT, b=Spot(style="stripes", seed="grace"), frames=8, side=64)
    [walk] = Walker.load(CPU, weights).predict([request])
    assert isinstance(walk, Walk)


@pytest.mark.parametrize("form", ["deck", "desktop", "phone"])
def test_a_picture_is_printed_in_the_size_that_is_promised(weights: Path, form: Form) -> None:
    [answer] = Printer.load(CPU, weights).predict([PrintRequest(spot=SPOT, form=form)])
    assert isinstance(answer, Print)
    with Image.open(BytesIO(answer.picture)) as picture:
        assert picture.size == (SCENE if form == "deck" else WALLPAPERS[form])
        assert picture.format == "JPEG"
    assert len(answer.picture) < 8_000_000, "Discord takes 10 MiB"


def test_a_deck_shows_the_picture_and_stands_free() -> None:
    scene = np.asarray(decks(Image.new("RGB", (256, 256), (250, 30, 30)))).astype(int)
    red = (scene[:, :, 0] > 120) & (scene[:, :, 1] < 80)
    width, length = DECK
    assert 0.75 * 2 * width * length < red.sum() < 2 * width * length, "round at its ends, behind its wheels"
    for edge in (red[0], red[-1], red[:, 0], red[:, -1]):
        assert not edge.any()


def test_a_wallpaper_has_threads_but_the_picture_s_colour() -> None:
    painted = np.asarray(wallpaper(Image.new("RGB", (64, 64), (90, 120, 150)), (320, 180))).astype(float)
    assert np.abs(painted.mean(axis=(0, 1)) - (90, 120, 150)).max() < 1
    assert 3 < painted.std(axis=(0, 1)).min() < 8


def test_the_cashier_judges_uploads_and_our_own(weights: Path, painter: Painter) -> None:
    appraiser = Appraiser.load(CPU, weights)
    answers = appraiser.predict(
        [VerdictRequest(image=painting_file()), VerdictRequest(spot=Spot(style="discs", seed="ada"))]
    )
    for answer in answers:
        assert isinstance(answer, Appraisal)
        assert 0 < answer.score < 1
        assert pixels(answer.picture).shape[1] == 1000
    ours = answers[1]
    assert isinstance(ours, Appraisal)
    saved = painter.predict([ArtRequest(style="discs", seed="ada", count=1, side=512)])[0]
    assert isinstance(saved, Canvas)
    [uploaded] = appraiser.predict([VerdictRequest(image=saved.picture)])
    assert isinstance(uploaded, Appraisal)
    assert ours.score == pytest.approx(uploaded.score, abs=0.02), "whether told by its code or uploaded"


def test_the_scale_s_mark_moves_with_the_score() -> None:
    seen = Image.new("RGB", (SIDE, SIDE))
    marks = []
    for score in (0.0, 0.3, 1.0):
        drawn = np.asarray(draw_verdict(seen, score)).astype(int)
        bar = drawn[-100:-70]
        marks.append(np.flatnonzero((bar.min(axis=2) > 230).any(axis=0)).mean())
    assert marks == sorted(marks)
    assert marks[0] < 80
    assert marks[2] > 920


def test_a_painting_is_hidden_among_forgeries(weights: Path) -> None:
    dealer = Dealer.load(CPU, weights)
    places = set()
    for seed in range(6):
        [lineup] = dealer.predict([LineupRequest(seed=str(seed), style="discs", real=painting_file())])
        assert isinstance(lineup, Lineup)
        assert lineup.human
        places.add(lineup.answer)
        left, top = (GAP + place * (SIDE + GAP) for place in (lineup.answer % 2, lineup.answer // 2))
        shown = pixels(lineup.picture)[top : top + SIDE, left : left + SIDE]
        # Not as sharp as it came: made small, and large again, as forgeries are.
        small = np.asarray(Image.open(BytesIO(painting_file())).convert("RGB").crop((100, 0, 300, 200)))
        reduced = np.array(Image.fromarray(small).resize((32, 32), Image.Resampling.LANCZOS))
        assert np.abs(shown - np.asarray(dealer.networks.enlarge(reduced, SIDE)).astype(int))[60:].mean() < 8
        assert lineup.picture != lineup.solution
    assert len(places) > 1, "not always in the same place"


def test_without_a_painting_the_cashier_s_favourite_is_the_answer(weights: Path) -> None:
    [lineup] = Dealer.load(CPU, weights).predict([LineupRequest(seed="1", style=ANY)])
    assert isinstance(lineup, Lineup)
    assert not lineup.human
    assert lineup.scores[lineup.answer] == max(lineup.scores)
