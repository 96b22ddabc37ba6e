"""The fight of the networks: that both learn, that it can be interrupted, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from models.art import data
from models.art.calibration import fit_scale
from models.art.discriminator import AidedDiscriminator, PlainDiscriminator, load_discriminator, spectral_norm
from models.art.distance import kid, plain_vectors
from models.art.fight import Fight, Plan, moment_distance
from models.art.network import NO_STYLE, ArtConfig, ArtGenerator
from models.art.recipes import RECIPES, build
from models.art.train import CHANNELS, main, sheet

SMALL: dict[str, Any] = {"image_size": 32, "channels": [32, 32, 32, 16], "latent_size": 16, "style_size": 32}
JUDGES: dict[str, Any] = {"image_size": 32, "seen_size": 64, "width": 16}
CPU = torch.device("cpu")


def fight(recipe: str, styles: tuple[str, ...] = ("discs", "stripes"), **settings: float) -> Fight:
    torch.manual_seed(0)
    plan = Plan(recipe=recipe, average_pictures=200, **settings)  # type: ignore[arg-type]
    names = {"styles": list(styles)}
    sizes = SMALL if recipe != "dcgan" else {"image_size": 32, "latent_size": 16}
    return Fight(*build(recipe, sizes | names, JUDGES | names, CPU), RECIPES[recipe], plan, half=False)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_lets_both_sides_learn(recipe: str, shapes: Path) -> None:
    training, _ = data.split(data.read_paintings(shapes, 32))
    it = fight(recipe)
    before = {name: tensor.clone() for name, tensor in it.generator.named_parameters()}
    batches = data.Batches(training, 8, CPU, seed=0)
    paintings, styles = batches.next()
    first = it.round(paintings, styles + 1)
    for _ in range(8):
        last = it.round(paintings, styles + 1)
    assert torch.isfinite(last).all()
    assert last[2] - last[3] > first[2] - first[3], "the cashier tells them apart better than at first"
    # Whatever is outside of the styles in the batch cannot have moved; everything else must have.
    assert [
        name for name, tensor in it.generator.named_parameters() if torch.equal(tensor, before[name])
    ] == []


def test_a_fight_comes_nearer_to_the_paintings(shapes: Path) -> None:
    training, held_out = data.split(data.read_paintings(shapes, 32))
    it = fight("plain", learning_rate=1e-3)
    batches = data.Batches(training, 16, CPU, seed=0)
    latents = torch.randn(128, 16, generator=torch.Generator().manual_seed(1))
    styles = torch.arange(128) % 2 + 1

    def distance(style: int) -> float:
        painted = it.paint(latents, styles)[styles == style + 1]
        return kid(plain_vectors(painted), plain_vectors(held_out.pixels[held_out.style == style]))

    before = [distance(style) for style in (0, 1)]
    for _ in range(60):
        paintings, kinds = batches.next()
        it.round(paintings, kinds + 1)
    after = [distance(style) for style in (0, 1)]
    assert after[0] < 0.5 * before[0]
    assert after[1] < 0.5 * before[1]


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
    arguments += ["--image-size", "32", "--channels", "32", "32", "32", "16", "--seen-size", "64"]
    arguments += ["--width", "16", "--batch-size", "8", "--measured", "16"]
    main([*arguments, "--minutes", "0.03"])
    first = torch.load(tmp_path / "state.pt", weights_only=True)
    more = str(first["minutes"] + 0.02)
    main([*arguments, "--minutes", more])
    second = torch.load(tmp_path / "state.pt", weights_only=True)
    assert second["fight"]["step"] > first["fight"]["step"] > 0
    assert second["reports"][: len(first["reports"])] == first["reports"]
    with pytest.raises(ValueError, match="recipe plain"):
        main([*arguments, "--recipe", "dcgan", "--minutes", "0.1"])
    samples = sorted((tmp_path / "samples").iterdir())
    assert len(samples) == len(list((tmp_path / "replay").iterdir())) > 1
    with Image.open(samples[0]) as picture:
        assert picture.size == (8 * 32, 2 * 32)
    assert (tmp_path / "losses.png").stat().st_size > 1000
    generator = ArtGenerator.from_pretrained(tmp_path / "final" / "counterfeiter")
    assert generator.dtype == torch.float16
    assert generator.config.styles == ["discs", "stripes"]
    assert generator.mean_w[1].abs().max() > 0
    discriminator = load_discriminator(tmp_path / "final" / "cashier")
    assert isinstance(discriminator, PlainDiscriminator)
    assert discriminator.config.scale != [1.0, 0.0], "calibrated"


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    it = fight("aided")
    it.round(torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 1]))
    it.save_averaged(tmp_path)
    it.discriminator.eval()
    pictures, styles = torch.rand(3, 3, 32, 32), torch.tensor([0, 1, 2])
    again = AidedDiscriminator.from_pretrained(tmp_path / "cashier").eval()
    painter = ArtGenerator.from_pretrained(tmp_path / "counterfeiter").eval()
    with torch.inference_mode():
        assert torch.allclose(again(pictures, styles), it.discriminator(pictures, styles), atol=1e-4)
        latents = torch.randn(3, 16)
        assert torch.allclose(painter(latents, styles), it.averaged(latents, styles), atol=1e-5)


@pytest.mark.parametrize("size", [64, 128])
def test_what_is_shipped_fits_in_ten_megabytes(size: int) -> None:
    names = {"styles": [str(number) for number in range(8)]}
    generator, discriminator = build(
        "aided",
        {"image_size": size, "channels": CHANNELS[size]} | names,
        {"image_size": size, "seen_size": size} | names,
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
    assert torch.allclose(painter.truncate(w, styles, torch.zeros(2)), painter.mean_w[styles])
    assert not torch.allclose(painter.mean_w[1], painter.mean_w[2])
    half = painter.truncate(w, styles, torch.full((2,), 0.5))
    assert torch.allclose(half - painter.mean_w[styles], (w - painter.mean_w[styles]) / 2, atol=1e-6)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="end at 16 pixels"):
        ArtGenerator(ArtConfig(image_size=64, channels=[8, 8, 8]))


def test_a_sheet_is_read_like_a_page() -> None:
    pictures = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1).repeat(2, 2).repeat(2, 3).repeat(3, 4)
    assert sheet(pictures)[::2, ::2, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_spectral_norm_is_that_of_the_matrix() -> None:
    torch.manual_seed(0)
    convolution = spectral_norm(torch.nn.Conv2d(12, 20, 3))
    for _ in range(200):
        convolution(torch.zeros(1, 12, 3, 3))
    assert torch.linalg.matrix_norm(convolution.weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-2)
    before = convolution.weight.detach().clone()
    with torch.autocast("cpu", torch.bfloat16):
        assert convolution.weight.dtype == torch.float32
    convolution.eval()
    assert torch.allclose(convolution.weight, convolution.weight)
    assert torch.allclose(before, convolution.weight, atol=1e-3)


def test_half_precision_trains_too(shapes: Path) -> None:
    """On this CPU single precision is faster, so that only this test and GPUs take this way."""
    training, _ = data.split(data.read_paintings(shapes, 32))
    it = fight("aided")
    it.half = True
    paintings, styles = data.Batches(training, 8, CPU, seed=0).next()
    first = it.round(paintings, styles + 1)
    for _ in range(8):
        last = it.round(paintings, styles + 1)
    assert torch.isfinite(last).all()
    assert last[2] - last[3] > first[2] - first[3]
    assert it.paint(torch.randn(2, 16), torch.tensor([1, 2])).dtype == np.uint8


def test_moments_of_one_source_are_near_and_of_a_collapsed_one_far() -> None:
    torch.manual_seed(0)
    pattern = torch.randn(1, 3, 16, 16)
    real, same, repeated = (
        torch.randn(64, 3, 16, 16),
        torch.randn(64, 3, 16, 16),
        pattern.expand(64, -1, -1, -1),
    )
    near, far = moment_distance([same], [real]), moment_distance([repeated], [real])
    assert near < 0.1
    assert far > 10 * near
    assert moment_distance([2 + same], [real]) > 10 * near, "another mean"
