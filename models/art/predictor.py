"""What the worker calls: seeds in, paintings out; walks between two; the cashier's verdict on any picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.art.data import Pixels, to_bytes, to_floats
from models.art.discriminator import ArtDiscriminator, load_discriminator
from models.art.finisher import ArtFinisher, finish
from models.art.latents import latent, normals, seed_number
from models.art.network import NO_STYLE, ArtGenerator
from models.art.upscale import as_loop, as_webp, enlarge
from models.predictor import InvalidInput, nbytes

WEIGHTS = Path(__file__).parent / "weights"
ANY = "any"
"""The style of a picture for which none was said."""
COUNTS = (1, 4, 9)
LEAST_CREATIVITY, MOST_CREATIVITY = 0.3, 1.2
MOST_SEED_LENGTH = 200
MOST_PICKS = 8
LEAST_FRAMES, MOST_FRAMES = 8, 96
LEAST_SIDE, MOST_SIDE = 64, 2048
MOST_MIX_SIDE = 512
MOST_MIX_BYTES = 8_000_000  # Discord takes 10 MiB a file where nobody pays for more
USUAL_CREATIVITY = 0.7
"""At which a picture is painted as the flow draws it."""
REACH = 0.4
"""How fast truncation follows creativity: with less than 0.8 strokes grow garish, for there is too little to paint."""
AT_ONCE = 1
"""Pictures painted in one go. Measured, eight at once take longer on a CPU than one after another; and one by one, a
picture is the same to the last bit whatever else was asked for at the same time."""
DETOUR = 0.6
"""How far a walk's way back lies from its way there, as a share of the distance to another picture."""


@dataclass(frozen=True, kw_only=True)
class ArtRequest:
    """Paint some pictures."""

    style: str
    """One of ``ArtPredictor.styles``, or ``ANY``."""
    seed: str
    """A number or any words."""
    creativity: float = 0.7
    """0.3 to 1.2: how far pictures may lie from the style's most usual one."""
    count: int = 4
    """1, 4 or 9."""
    neighbours_of: tuple[int, ...] = ()
    """Paint neighbours of a picture of this seed: its number; then the number of one of its neighbours, and so on."""
    variation: int = 0
    """Which pictures of those that the above allows: 0 the first ``count``, 1 the next ``count``, and so on."""
    side: int = 256
    """Of the pictures in pixels: what the counterfeiter paints is enlarged by the finisher, then plainly."""

    def __post_init__(self) -> None:
        if self.count not in COUNTS:
            raise ValueError(f"count must be 1, 4 or 9, not {self.count}")
        if len(self.neighbours_of) >= MOST_PICKS or min(self.neighbours_of, default=0) < 0:
            raise ValueError(
                f"neighbours_of must be fewer than {MOST_PICKS} numbers from 0, not {self.neighbours_of}"
            )
        if not 0 <= self.variation < 1_000_000:
            raise ValueError(f"variation must be from 0 to 999,999, not {self.variation}")
        if not LEAST_SIDE <= self.side <= MOST_SIDE:
            raise ValueError(f"side must be from {LEAST_SIDE} to {MOST_SIDE}, not {self.side}")

    @property
    def spots(self) -> list[Spot]:
        """Where the pictures lie."""
        first = self.variation * self.count
        return [
            Spot(
                style=self.style,
                seed=self.seed,
                picks=(*self.neighbours_of, first + number),
                creativity=self.creativity,
            )
            for number in range(self.count)
        ]


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where one picture lies among all that can be painted: all that is needed to paint it again."""

    style: str
    seed: str
    picks: tuple[int, ...] = (0,)
    """Which of the seed's pictures; then which of that one's neighbours, and so on."""
    creativity: float = 0.7


@dataclass(frozen=True, kw_only=True)
class Painting:
    """Painted pictures."""

    pictures: tuple[bytes, ...]
    """WebP files."""
    scores: tuple[float, ...]
    """How probable the cashier finds it that each is by a human painter, 0 to 1."""
    picks: tuple[tuple[int, ...], ...]
    """Of each picture: as ``Spot.picks``, or as ``ArtRequest.neighbours_of`` for more like it."""
    style: str
    seed: str


@dataclass(frozen=True, kw_only=True)
class MixRequest:
    """Walk from one picture to another and back on another way."""

    a: Spot
    b: Spot
    frames: int = 48
    side: int = 256

    def __post_init__(self) -> None:
        if not LEAST_FRAMES <= self.frames <= MOST_FRAMES:
            raise ValueError(f"frames must be from {LEAST_FRAMES} to {MOST_FRAMES}, not {self.frames}")
        if not LEAST_SIDE <= self.side <= MOST_MIX_SIDE:
            raise ValueError(f"side must be from {LEAST_SIDE} to {MOST_MIX_SIDE}, not {self.side}")


@dataclass(frozen=True, kw_only=True)
class Walk:
    """An animation that begins at ``a``, passes ``b`` half-way and ends where it began."""

    animation: bytes
    """An animated WebP of at most ``MOST_MIX_BYTES``."""


Request = ArtRequest | MixRequest
Answer = Painting | Walk


class ArtPredictor:
    """Paints with the counterfeiter, enlarges with the finisher and judges with the cashier."""

    def __init__(
        self,
        generator: ArtGenerator,
        discriminator: ArtDiscriminator,
        finisher: ArtFinisher,
        device: torch.device,
    ) -> None:
        self.device = device
        # Through their base class, since type checkers cannot see through transformers' own ``to``.
        networks: tuple[Any, ...] = (generator, discriminator, finisher)
        for network in networks:
            # Single precision whatever the weights came in: the same seed is to give the same picture everywhere.
            network.to(device).float().to(memory_format=torch.channels_last).eval()
        self.generator, self.discriminator, self.finisher = generator, discriminator, finisher
        self.styles: tuple[str, ...] = tuple(generator.config.styles)

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""
        return nbytes(self.generator) + nbytes(self.discriminator) + nbytes(self.finisher)

    @classmethod
    def load(cls, device: torch.device, folder: Path = WEIGHTS) -> Self:
        """Load the networks that ``models.art.train`` and ``models.art.finishing`` exported.

        Raises:
            OSError: the weights are missing or broken.
        """
        return cls(
            ArtGenerator.from_pretrained(folder / "counterfeiter", use_safetensors=True),
            load_discriminator(folder / "cashier"),
            ArtFinisher.from_pretrained(folder / "finisher", use_safetensors=True),
            device,
        )

    def predict(self, requests: Sequence[Request]) -> list[Answer | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput``."""
        answers: list[Answer | InvalidInput | None] = [self._refusal(request) for request in requests]
        orders = [
            (place, request)
            for place, request in enumerate(requests)
            if isinstance(request, ArtRequest) and answers[place] is None
        ]
        spots = [spot for _, request in orders for spot in request.spots]
        if spots:
            w, _ = self._locate(spots)
            pixels = iter(to_bytes(self._paint(w)))
            for place, order in orders:
                pictures = [self.enlarge(next(pixels), order.side) for _ in range(order.count)]
                answers[place] = Painting(
                    pictures=tuple(as_webp(picture) for picture in pictures),
                    scores=tuple(self.judge(pictures)),
                    picks=tuple(spot.picks for spot in order.spots),
                    style=order.style,
                    seed=order.seed,
                )
        done: list[Answer | InvalidInput] = []
        for answer, request in zip(answers, requests, strict=True):
            if answer is None:
                assert isinstance(request, MixRequest)
                answer = self._walk(request)
            done.append(answer)
        return done

    def enlarge(self, pixels: Pixels, side: int) -> Image.Image:
        """Return a picture [size, size, 3] with ``side`` pixels across: finished, then enlarged or reduced plainly."""
        return enlarge(finish(self.finisher, pixels), side)

    def _refusal(self, request: Request) -> InvalidInput | None:
        """Return why a request cannot be answered, if so."""
        try:
            spots = request.spots if isinstance(request, ArtRequest) else (request.a, request.b)
            for spot in spots:
                self._check(spot)
        except InvalidInput as refusal:
            return refusal
        return None

    def _check(self, spot: Spot) -> None:
        self._style(spot.style)
        if not spot.seed.strip():
            raise InvalidInput("Give a seed: a number or any words.")
        if len(spot.seed) > MOST_SEED_LENGTH:
            raise InvalidInput(f"A seed may have {MOST_SEED_LENGTH} characters at most.")
        if not LEAST_CREATIVITY <= spot.creativity <= MOST_CREATIVITY:
            raise InvalidInput(f"Creativity goes from {LEAST_CREATIVITY} to {MOST_CREATIVITY}.")
        if not 1 <= len(spot.picks) <= MOST_PICKS or min(spot.picks) < 0:
            raise InvalidInput("There is no such picture.")

    def _style(self, name: str) -> int:
        if name == ANY:
            return NO_STYLE
        if name not in self.styles:
            raise InvalidInput(f"There is no style {name}. There are: {', '.join(self.styles)}.")
        return self.styles.index(name) + 1

    @torch.inference_mode()
    def _locate(self, spots: Sequence[Spot]) -> tuple[Tensor, Tensor]:
        """Return the vectors [N, style_size] that steer the generator and the numbers of the styles [N]."""
        size = self.generator.config.latent_size
        latents = np.stack([latent(spot.seed, spot.picks, size) for spot in spots])
        styles = torch.tensor([self._style(spot.style) for spot in spots], device=self.device)
        psi = torch.tensor([truncation(spot.creativity) for spot in spots], device=self.device)
        parts = zip(
            torch.from_numpy(latents).to(self.device).split(AT_ONCE), styles.split(AT_ONCE), strict=True
        )
        w = torch.cat([self.generator.map(*part) for part in parts])
        return self.generator.truncate(w, styles, psi), styles

    @torch.inference_mode()
    def _paint(self, w: Tensor) -> Tensor:
        """Return pictures [N, 3, size, size] from -1 to 1, of vectors [N, style_size]."""
        return torch.cat([self.generator.paint(part) for part in w.split(AT_ONCE)])

    @torch.inference_mode()
    def judge(self, pictures: Sequence[Image.Image]) -> list[float]:
        """Return how probable the cashier finds it that a human painted each picture, 0 to 1.

        It sees them as people do, finished, but as small as those it has learned from; and it is told no style, so
        that a picture of ours that somebody has saved and uploaded is worth what it was worth here.
        """
        side = self.discriminator.config.image_size
        small = torch.from_numpy(np.stack([_square(picture, side) for picture in pictures])).to(self.device)
        styles = torch.full((AT_ONCE,), NO_STYLE, device=self.device)
        scores = [self.discriminator(to_floats(part), styles[: len(part)]) for part in small.split(AT_ONCE)]
        slope, offset = self.discriminator.config.scale
        probabilities: list[float] = torch.sigmoid(slope * torch.cat(scores) + offset).tolist()
        return probabilities

    def _walk(self, request: MixRequest) -> Walk:
        size = self.generator.config.latent_size
        (a, b), styles = self._locate([request.a, request.b])
        # A third picture, which depends on both, pulls the way back aside, so that it is not the way there.
        key = [seed_number(spot.seed) for spot in (request.a, request.b)]
        third = torch.from_numpy(normals([part & 0xFFFFFFFF for part in key], size)).to(self.device)
        with torch.inference_mode():
            aside = self.generator.truncate(
                self.generator.map(third[None], styles[:1]),
                styles[:1],
                torch.ones(1).to(self.device),
            )[0]
            middle = (a + b) / 2
            turn = torch.arange(request.frames, device=self.device)[:, None] * (2 * torch.pi / request.frames)
            w = middle + torch.cos(turn) * (a - b) / 2 + torch.sin(turn) * DETOUR * (aside - middle)
            # Between two codes there is less of everything than in either; strokes would grow garish.
            near = (1 + torch.cos(turn)) / 2  # [frames, 1]
            size = self.generator.config.latent_size
            length = near * a[:size].norm() + (1 - near) * b[:size].norm()
            w[:, :size] *= length / w[:, :size].norm(dim=1, keepdim=True)
        frames = [self.enlarge(pixels, request.side) for pixels in to_bytes(self._paint(w))]
        return Walk(animation=as_loop(frames, MOST_MIX_BYTES))


def truncation(creativity: float) -> float:
    """Return how far from its style's mean a picture lies, as a share of where the flow puts it: 0.84 to 1.2."""
    return 1 + REACH * (creativity - USUAL_CREATIVITY)


def _square(picture: Image.Image, side: int) -> Pixels:
    """Return the middle square of a picture, [side, side, 3]."""
    least = min(picture.size)
    left, top = (picture.width - least) // 2, (picture.height - least) // 2
    box = (left, top, left + least, top + least)
    return np.array(picture.resize((side, side), Image.Resampling.LANCZOS, box=box))
