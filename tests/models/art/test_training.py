"""The fight of the networks: that both learn, that it can be interrupted, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from models.art import data
from models.art.calibration import fit_scale
from models.art.discriminator import ArtDiscriminator, load_discriminator
from models.art.distance import kid, plain_vectors
from models.art.fight import Fight, Plan, steepness
from models.art.network import NO_STYLE, ArtConfig, ArtGenerator
from models.art.recipes import RECIPES, build
from models.art.train import CHANNELS, main, prepare, sheet
from tests.models.art.conftest import SMALL, STYLES

JUDGES: dict[str, Any] = {"image_size": 32, "width": 16}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def paintings(shapes: Path) -> tuple[data.Paintings, data.Paintings]:
    return data.split(data.read_paintings(shapes, 32))


@pytest.fixture
def fight(
    paintings: tuple[data.Paintings, data.Paintings], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Fight]:
    """Make fights; the sketches are fitted once for all of them."""
    kept = tmp_path_factory.getbasetemp() / "prepared.pt"

    def make(recipe: str, **settings: float) -> Fight:
        torch.manual_seed(0)
        plan = Plan(recipe=recipe, average_pictures=200, flow_steps=600, **settings)  # type: ignore[arg-type]
        names = {"styles": list(STYLES)}
        sizes = SMALL if recipe != "dcgan" else {"image_size": 32, "latent_size": 16}
        generator, discriminator = build(recipe, sizes | names, JUDGES | names, CPU)
        encoder = prepare(generator, *paintings, plan, kept) if recipe != "dcgan" else None
        torch.manual_seed(1)  # the same whether the sketches were fitted now or before
        return Fight(generator, discriminator, RECIPES[recipe], plan, encoder, half=False)

    return make


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_lets_both_sides_learn(
    recipe: str, paintings: tuple[data.Paintings, data.Paintings], fight: Callable[..., Fight]
) -> None:
    it = fight(recipe)
    before = {name: tensor.clone() for name, tensor in it.generator.named_parameters()}
    pictures, styles = data.Batches(paintings[0], 8, CPU, seed=0).next()
    first = it.round(pictures, styles + 1)
    for _ in range(30):
        last = it.round(pictures, styles + 1)
    assert torch.isfinite(last).all()
    assert last[2] - last[3] > first[2] - first[3], "the cashier tells them apart better than at first"
    for name, tensor in it.generator.named_parameters():
        frozen = name.startswith(("flow.", "sketch."))
        assert torch.equal(tensor, before[name]) == frozen, name


def test_a_painter_comes_nearer_to_the_paintings_than_its_sketches(
    paintings: tuple[data.Paintings, data.Paintings], fight: Callable[..., Fight]
) -> None:
    training, held_out = paintings
    it = fight("anchored", learning_rate=2e-3)
    batches = data.Batches(training, 16, CPU, seed=0)
    latents = torch.randn(128, 16, generator=torch.Generator().manual_seed(1))
    styles = torch.arange(128) % 2 + 1

    def distance(style: int) -> float:
        painted = it.paint(latents, styles)[styles == style + 1]
        return kid(plain_vectors(painted), plain_vectors(held_out.pixels[held_out.style == style]))

    before = [distance(style) for style in (0, 1)]
    redrawing = []
    for _ in range(100):
        pictures, kinds = batches.next()
        redrawing.append(float(it.round(pictures, kinds + 1)[4]))
    after = [distance(style) for style in (0, 1)]
    assert np.mean(redrawing[-5:]) < 0.85 * np.mean(redrawing[:5])
    assert after[0] < before[0], "smooth discs: there was little to add to the sketch"
    assert after[1] < 0.6 * before[1], "the edges of stripes, which no sketch shows"


def test_the_penalty_flattens_the_cashier(
    paintings: tuple[data.Paintings, data.Paintings], fight: Callable[..., Fight]
) -> None:
    pictures, styles = data.Batches(paintings[0], 8, CPU, seed=0).next()
    steep = {}
    for penalty in (0.0, 100.0):
        it = fight("anchored", penalty=penalty)
        for _ in range(20):
            it.round(pictures, styles + 1)
        steep[penalty] = float(steepness(it.discriminator, pictures, styles + 1).detach())
    assert steep[100.0] < 0.5 * steep[0.0]


def test_the_scale_turns_scores_into_probabilities() -> None:
    draw = torch.Generator().manual_seed(0)
    real, fake = 1 + torch.randn(4000, generator=draw), -1 + torch.randn(4000, generator=draw)
    slope, offset = fit_scale(real, fake)  # of two normal distributions it is known: 2 and 0
    assert slope == pytest.approx(2, abs=0.15)
    assert offset == pytest.approx(0, abs=0.1)
    slope, offset = fit_scale(real + 10, real + 9)
    assert torch.isfinite(torch.tensor([slope, offset])).all()
    slope, offset = fit_scale(torch.tensor([5.0, 6.0]), torch.tensor([-5.0, -6.0]))
    assert 0 < slope < 100, "sides that never meet do not make it certain of everything"


def test_training_resumes_and_keeps_the_best(shapes: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(shapes), "--out", str(tmp_path), "--threads", "1", "--device", "cpu"]
    arguments += ["--image-size", "32", "--channels", "32", "32", "32", "16", "--flow-steps", "200"]
    arguments += ["--width", "16", "--batch-size", "8", "--measured", "16"]
    # A clock that ticks whenever it is read: as many steps are taken on a slow machine as on a fast one.
    main([*arguments, "--minutes", "0.12"], clock=count(step=0.5).__next__)
    first = torch.load(tmp_path / "state.pt", weights_only=True)
    more = str(first["minutes"] + 0.1)
    main([*arguments, "--minutes", more], clock=count(step=0.5).__next__)
    second = torch.load(tmp_path / "state.pt", weights_only=True)
    assert second["fight"]["step"] > first["fight"]["step"] > 0
    assert second["reports"][: len(first["reports"])] == first["reports"]
    with pytest.raises(ValueError, match="recipe anchored"):
        main([*arguments, "--recipe", "dcgan", "--minutes", "1"])
    samples = sorted((tmp_path / "samples").iterdir())
    assert len(samples) == len(list((tmp_path / "replay").iterdir())) > 1
    with Image.open(samples[0]) as picture:
        assert picture.size == (8 * 32, 2 * 32)
    assert (tmp_path / "losses.png").stat().st_size > 1000
    generator = ArtGenerator.from_pretrained(tmp_path / "final" / "counterfeiter")
    assert generator.dtype == torch.float16
    assert generator.config.styles == ["discs", "stripes"]
    assert generator.mean_code[1].abs().max() > 0
    discriminator = load_discriminator(tmp_path / "final" / "cashier")
    assert isinstance(discriminator, ArtDiscriminator)
    assert discriminator.config.scale != [1.0, 0.0], "calibrated"


def test_what_is_saved_comes_back(fight: Callable[..., Fight], tmp_path: Path) -> None:
    it = fight("anchored")
    it.round(torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 1]))
    it.save_averaged(tmp_path)
    it.discriminator.eval()
    pictures, styles = torch.rand(3, 3, 32, 32), torch.tensor([0, 1, 2])
    again = ArtDiscriminator.from_pretrained(tmp_path / "cashier").eval()
    painter = ArtGenerator.from_pretrained(tmp_path / "counterfeiter").eval()
    with torch.inference_mode():
        assert torch.allclose(again(pictures, styles), it.discriminator(pictures, styles), atol=1e-4)
        latents = torch.randn(3, 16)
        assert torch.allclose(painter(latents, styles), it.averaged(latents, styles), atol=1e-5)


@pytest.mark.parametrize("size", [64, 128])
def test_what_is_shipped_fits_in_ten_megabytes(size: int) -> None:
    names = {"styles": [str(number) for number in range(8)]}
    generator, discriminator = build(
        "anchored",
        {"image_size": size, "channels": CHANNELS[size]} | names,
        {"image_size": size} | names,
        CPU,
    )
    shipped = sum(2 * t.numel() for n in (generator, discriminator) for t in n.state_dict().values())
    assert shipped < 10e6


def test_a_picture_does_not_depend_on_its_company() -> None:
    torch.manual_seed(0)
    painter = ArtGenerator(ArtConfig(**SMALL, styles=["a", "b"])).eval()
    latents, styles = torch.randn(5, 16), torch.tensor([NO_STYLE, 1, 2, 1, 1])
    with torch.inference_mode():
        together = painter(latents, styles)
        for number in range(5):
            alone = painter(latents[number : number + 1], styles[number : number + 1])
            assert (together[number] - alone[0]).abs().max() < 1e-4
    assert (together[3] - together[4]).abs().mean() > 1e-3


def test_truncation_ends_at_the_style_s_mean() -> None:
    torch.manual_seed(0)
    painter = ArtGenerator(ArtConfig(**SMALL, styles=["a", "b"]))
    painter.measure_means(512)
    styles = torch.tensor([1, 2])
    w = painter.map(torch.randn(2, 16), styles)
    assert torch.allclose(painter.truncate(w, styles, torch.ones(2)), w, atol=1e-6)
    mean = painter.truncate(w, styles, torch.zeros(2))
    assert torch.allclose(mean, painter.join(painter.mean_code[styles], styles), atol=1e-6)
    assert not torch.allclose(mean[0], mean[1])
    half = painter.truncate(w, styles, torch.full((2,), 0.5))
    assert torch.allclose(half - mean, (w - mean) / 2, atol=1e-6)


def test_folding_the_norms_changes_no_picture() -> None:
    torch.manual_seed(0)
    painter = ArtGenerator(ArtConfig(**SMALL, styles=["a", "b"])).eval()
    for module in painter.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 200)
            module.running_var.uniform_(1e3, 1e5)
    latents, styles = torch.randn(4, 16), torch.tensor([0, 1, 2, 1])
    with torch.inference_mode():
        before = painter(latents, styles)
    painter.fold()
    with torch.inference_mode():
        assert torch.allclose(painter(latents, styles), before, atol=1e-4)
        assert torch.allclose(painter.half().float()(latents, styles), before, atol=0.02), (
            "also in half precision"
        )


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="end at 16 pixels"):
        ArtGenerator(ArtConfig(image_size=64, channels=[8, 8, 8]))


def test_a_sheet_is_read_like_a_page() -> None:
    pictures = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1).repeat(2, 2).repeat(2, 3).repeat(3, 4)
    assert sheet(pictures)[::2, ::2, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_half_precision_trains_too(
    paintings: tuple[data.Paintings, data.Paintings], fight: Callable[..., Fight]
) -> None:
    """On this CPU single precision is faster, so that only this test and GPUs take this way."""
    it = fight("anchored")
    it.half = True
    pictures, styles = data.Batches(paintings[0], 8, CPU, seed=0).next()
    first = it.round(pictures, styles + 1)
    for _ in range(30):
        last = it.round(pictures, styles + 1)
    assert torch.isfinite(last).all()
    assert last[2] - last[3] > first[2] - first[3]
    assert it.paint(torch.randn(2, 16), torch.tensor([1, 2])).dtype == np.uint8
