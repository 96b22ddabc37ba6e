"""What the worker is promised: the same picture for the same request, alone or in company, and plain refusals."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.art.discriminator import ArtDiscriminator, DiscriminatorConfig, load_discriminator
from models.art.finisher import ArtFinisher, FinisherConfig
from models.art.network import ArtConfig, ArtGenerator
from models.art.predictor import (
    ANY,
    MOST_MIX_BYTES,
    ArtPredictor,
    ArtRequest,
    MixRequest,
    Painting,
    Spot,
    Walk,
)
from models.art.upscale import as_loop, enlarge
from models.predictor import InvalidInput
from tests.models.art.conftest import SMALL

STYLES = ["discs", "stripes"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks that have learned nothing, as they are shipped: what they paint is no matter here."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    generator = ArtGenerator(ArtConfig(**SMALL, styles=STYLES))
    generator.measure_means(256)
    judges = ArtDiscriminator(DiscriminatorConfig(image_size=32, width=16, styles=STYLES))
    judges.config.scale = [2.0, 0.5]
    generator.half().save_pretrained(folder / "counterfeiter")
    judges.half().save_pretrained(folder / "cashier")
    ArtFinisher(FinisherConfig(channels=8, layers=1)).half().save_pretrained(folder / "finisher")
    return folder


@pytest.fixture(scope="module")
def predictor(weights: Path) -> ArtPredictor:
    return ArtPredictor.load(torch.device("cpu"), weights)


def pixels(file: bytes) -> np.ndarray:
    with Image.open(BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def painting(predictor: ArtPredictor, **request: object) -> Painting:
    [answer] = predictor.predict([ArtRequest(**{"style": "discs", "seed": "7", "count": 1} | request)])  # type: ignore[arg-type]
    assert isinstance(answer, Painting)
    return answer


def test_the_same_request_gives_the_same_answer_alone_or_in_company(predictor: ArtPredictor) -> None:
    requests = [
        ArtRequest(style=style, seed=seed, count=count, creativity=creativity)
        for style, seed, count, creativity in (
            ("discs", "7", 4, 0.7),
            ("stripes", "a name", 9, 1.2),
            (ANY, "7", 1, 0.3),
        )
    ]
    together = predictor.predict(requests)
    for request, in_company in zip(requests, together, strict=True):
        [alone] = predictor.predict([request])
        assert isinstance(alone, Painting)
        assert isinstance(in_company, Painting)
        assert len(alone.pictures) == len(alone.scores) == len(alone.picks) == request.count
        assert alone == in_company, "to the last bit on one machine"


def test_machines_may_round_otherwise_but_nobody_sees_it(weights: Path, predictor: ArtPredictor) -> None:
    """What another processor rounds in another way stands here for what another machine would do."""
    other = ArtPredictor.load(torch.device("cpu"), weights)
    other.generator.double()
    spots = ArtRequest(style="discs", seed="your name", count=9).spots
    with torch.inference_mode():
        w, _ = predictor._locate(spots)
        here, there = predictor.generator.paint(w), other.generator.paint(w.double())
    assert (here - there).abs().max() < 1 / 127.5, "less than one step of a colour"


def test_another_seed_style_creativity_or_variation_is_another_picture(predictor: ArtPredictor) -> None:
    first = pixels(painting(predictor).pictures[0])
    for change in ({"seed": "8"}, {"style": "stripes"}, {"creativity": 1.2}, {"variation": 1}):
        assert np.abs(pixels(painting(predictor, **change).pictures[0]) - first).mean() > 1
    words = painting(predictor, seed=" Your  NAME")
    assert np.array_equal(
        pixels(words.pictures[0]), pixels(painting(predictor, seed="your name").pictures[0])
    )


def test_picks_lead_back_to_every_picture(predictor: ArtPredictor) -> None:
    four = painting(predictor, count=4, variation=2)
    assert four.picks == ((8,), (9,), (10,), (11,))
    again = painting(predictor, variation=10)
    assert np.abs(pixels(again.pictures[0]) - pixels(four.pictures[2])).mean() < 0.5
    neighbours = painting(predictor, count=4, neighbours_of=four.picks[2])
    assert neighbours.picks == ((10, 0), (10, 1), (10, 2), (10, 3))
    here = pixels(four.pictures[2])
    near = [np.abs(pixels(one) - here).mean() for one in neighbours.pictures]
    far = [
        np.abs(pixels(one) - here).mean() for one in (four.pictures[0], four.pictures[1], four.pictures[3])
    ]
    assert 0 < np.mean(near) < 0.8 * np.mean(far)


def test_a_picture_is_as_large_as_asked_for(predictor: ArtPredictor) -> None:
    small, large = (pixels(painting(predictor, side=side).pictures[0]) for side in (64, 500))
    assert large.shape == (500, 500, 3)
    shrunk = np.asarray(Image.fromarray(large.astype(np.uint8)).resize((64, 64), Image.Resampling.LANCZOS))
    assert np.abs(shrunk - small).mean() < 8, "the same picture"


def test_the_cashier_s_score_is_a_probability(predictor: ArtPredictor) -> None:
    scores = painting(predictor, count=9).scores
    assert all(0 < score < 1 for score in scores)
    assert len(set(scores)) == 9
    wide = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 90, 3), np.uint8))
    [alone] = predictor.judge([wide])
    assert 0 < alone < 1
    assert predictor.judge([wide.crop((20, 0, 70, 50))] * 40) == pytest.approx([alone] * 40, abs=2e-3)


def test_a_walk_passes_both_pictures_and_closes(predictor: ArtPredictor) -> None:
    a, b = Spot(style="discs", seed="7"), Spot(style="stripes", seed="9", picks=(3,), creativity=1.0)
    [walk] = predictor.predict([MixRequest(a=a, b=b, frames=24, side=64)])
    assert isinstance(walk, Walk)
    assert len(walk.animation) <= MOST_MIX_BYTES
    with Image.open(BytesIO(walk.animation)) as animation:
        assert getattr(animation, "n_frames", 1) == 24
        assert animation.info["loop"] == 0
        frames = []
        for number in range(24):
            animation.seek(number)
            frames.append(np.asarray(animation.convert("RGB")).astype(int))
    first = pixels(painting(predictor, side=64).pictures[0])
    middle = pixels(
        painting(predictor, style="stripes", seed="9", variation=3, creativity=1.0, side=64).pictures[0]
    )
    # The animation is compressed harder than a picture.
    assert np.abs(frames[0] - first).mean() < 5
    assert np.abs(frames[12] - middle).mean() < 5
    steps = [np.abs(frames[k] - frames[k - 1]).mean() for k in range(24)]  # the first is from the last frame
    whole = np.abs(first - middle).mean()
    assert max(steps) < 0.5 * whole, "no jump anywhere, the loop's end included"
    assert np.abs(frames[6] - frames[18]).mean() > 1, "the way back is another one"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"style": "cubist"}, "There is no style cubist"),
        ({"seed": "  "}, "Give a seed"),
        ({"seed": "x" * 201}, "200 characters"),
        ({"creativity": 0.1}, "from 0.3 to 1.2"),
        ({"creativity": float("nan")}, "from 0.3 to 1.2"),
    ],
)
def test_what_cannot_be_painted_is_refused_and_harms_no_other(
    predictor: ArtPredictor, change: dict[str, object], words: str
) -> None:
    good = ArtRequest(style="discs", seed="7", count=1)
    bad = ArtRequest(**{"style": "discs", "seed": "7", "count": 1} | change)  # type: ignore[arg-type]
    spot = Spot(style="discs", seed="7", picks=())
    refusal, answer, no_picture = predictor.predict([bad, good, MixRequest(a=spot, b=spot)])
    assert isinstance(refusal, InvalidInput)
    assert words in str(refusal)
    assert isinstance(answer, Painting)
    assert isinstance(no_picture, InvalidInput)


@pytest.mark.parametrize(
    "change", [{"count": 2}, {"side": 10_000}, {"variation": -1}, {"neighbours_of": (-1,)}]
)
def test_requests_that_no_card_can_make_are_errors(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        ArtRequest(**{"style": "discs", "seed": "7"} | change)  # type: ignore[arg-type]


def test_missing_weights_are_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="counterfeiter"):
        ArtPredictor.load(torch.device("cpu"), tmp_path)
    DiscriminatorConfig(architectures=["Somebody"]).save_pretrained(tmp_path)
    with pytest.raises(OSError, match="Somebody"):
        load_discriminator(tmp_path)


def test_weights_are_counted(predictor: ArtPredictor) -> None:
    networks = (predictor.generator, predictor.discriminator, predictor.finisher)
    assert predictor.nbytes >= sum(4 * network.num_parameters() for network in networks), "single precision"


def test_an_animation_that_cannot_fit_is_an_error() -> None:
    draw = np.random.default_rng(0)
    noise = [Image.fromarray(draw.integers(0, 256, (64, 64, 3), np.uint8)) for _ in range(3)]
    assert len(as_loop(noise, 20_000)) <= 20_000
    with pytest.raises(ValueError, match="do not fit"):
        as_loop(noise, 100)


def test_enlarging_makes_no_new_colours_of_a_plain_picture() -> None:
    plain = np.full((32, 32, 3), 77, np.uint8)
    assert np.asarray(enlarge(plain, 300)).shape == (300, 300, 3)
    assert (np.asarray(enlarge(plain, 300)) == 77).all()
    assert (np.asarray(enlarge(plain, 20)) == np.full((20, 20, 3), 77)).all(), "or smaller"
