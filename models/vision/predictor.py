"""What the worker calls: photographs in, class names with heat maps out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn
from transformers import AutoImageProcessor, AutoModelForImageClassification

from models.predictor import InvalidInput, nbytes
from models.vision.activation import activation_maps, forward
from models.vision.convert import WEIGHTS, build_network
from models.vision.heat_map import HeatMapPainter, seen_region
from models.vision.images import open_picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL import Image
    from torch import Tensor
    from transformers import PreTrainedModel

SURE_BY_DEFAULT = {"probability": 0.5, "prominence": 0.0}
"""When the answer of a network whose configuration has no ``sure_from`` counts as sure."""


@dataclass(frozen=True, kw_only=True)
class ClassifyRequest:
    """Recognise what a photograph shows."""

    image: bytes
    """The uploaded file as it came."""
    top: int = 5
    """How many classes to name, 1 to 10."""

    def __post_init__(self) -> None:
        if not 1 <= self.top <= 10:
            raise ValueError(f"top must be from 1 to 10, not {self.top}")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One class that the photograph may show."""

    label: str
    confidence: float
    """Probability, 0 to 1."""
    heat_map: bytes
    """A JPEG of the photograph, with the places that speak for this class glowing."""


@dataclass(frozen=True, kw_only=True)
class Classification:
    """What the network sees in a photograph."""

    predictions: tuple[Prediction, ...]
    """Most confident first."""
    sure: bool
    """Whether the best class is probable enough to be named without reserve."""


@dataclass(frozen=True)
class _Opened:
    """What stays of an uploaded picture: small, so that a batch never holds two decoded pictures at once."""

    top: int
    pixels: Tensor
    """Prepared for the network, (3, H, W)."""
    painter: HeatMapPainter


class VisionPredictor:
    """Recognises photographs with an image classification network of the transformers library."""

    def __init__(self, network: PreTrainedModel, processor: Any, device: torch.device) -> None:
        self.device = device
        self.model = network
        # Through its base class, since type checkers cannot see through transformers' own ``to``.
        module: nn.Module = network
        module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        module.eval()
        self.processor = processor
        self.labels: dict[int, str] = dict(network.config.id2label)  # type: ignore[arg-type]

    @property
    def nbytes(self) -> int:
        """Bytes that the weights take on the device."""
        return nbytes(self.model)

    @classmethod
    def load(cls, device: torch.device, checkpoint: str | None = None) -> Self:
        """Load EfficientNet-Lite2, or another network for image classification.

        Args:
            device: where the network is to run.
            checkpoint: a folder or a name on the Hugging Face hub. Its labels are then those that are named.

        Raises:
            OSError: the weights are missing or broken.
        """
        if checkpoint is None:
            return cls(build_network(), _load_processor(WEIGHTS), device)
        try:
            # Safetensors and built-in architectures only: a checkpoint must not be able to run code.
            network = AutoModelForImageClassification.from_pretrained(
                checkpoint, use_safetensors=True, trust_remote_code=False
            )
            return cls(network, _load_processor(checkpoint), device)
        except ValueError as error:  # what transformers raises for a configuration that it cannot use
            raise OSError(f"The checkpoint {checkpoint} cannot be used: {error}") from error

    def predict(self, requests: Sequence[ClassifyRequest]) -> list[Classification | InvalidInput]:
        """Answer every request, in order. One that cannot be used yields an ``InvalidInput``."""
        opened = [self._open(request) for request in requests]
        answers = iter(self._classify([item for item in opened if not isinstance(item, InvalidInput)]))
        return [item if isinstance(item, InvalidInput) else next(answers) for item in opened]

    @torch.inference_mode()
    def logits(self, images: Sequence[Image.Image]) -> Tensor:
        """Return the network's scores before softmax for upright RGB pictures, (B, classes)."""
        logits, _ = forward(self.model, self._batch([self._pixels(image) for image in images]))
        return logits

    def sure(self, logits: Tensor) -> Tensor:
        """Return which answers can be named without reserve, (B,) of bool, from the logits (B, classes).

        The best class must be probable, and its logit must stand out from all others by enough of their
        standard deviations. That second rule is what noise and drawings fail: they excite many classes at
        once, so that one can win with a high probability without standing out. The model card justifies both
        figures.
        """
        rule = getattr(self.model.config, "sure_from", SURE_BY_DEFAULT)
        best = logits.amax(dim=1)
        probability = (best - logits.logsumexp(dim=1)).exp()
        prominence = (best - logits.mean(dim=1)) / logits.std(dim=1)
        enough: Tensor = (probability >= rule["probability"]) & (prominence >= rule["prominence"])
        return enough

    def _open(self, request: ClassifyRequest) -> _Opened | InvalidInput:
        try:
            picture = open_picture(request.image)
        except InvalidInput as refusal:
            return refusal
        return _Opened(
            top=request.top,
            pixels=self._pixels(picture),
            painter=HeatMapPainter(picture, seen_region(picture.size, self.processor)),
        )

    def _pixels(self, picture: Image.Image) -> Tensor:
        pixels: Tensor = self.processor(picture, return_tensors="pt")["pixel_values"][0]
        return pixels  # (3, H, W)

    def _batch(self, pixels: list[Tensor]) -> Tensor:
        # On a CPU this order of memory is much faster for convolutions.
        return (
            torch.stack(pixels).to(self.device).contiguous(memory_format=torch.channels_last)
        )  # (B, 3, H, W)

    def _classify(self, opened: list[_Opened]) -> list[Classification]:
        if not opened:
            return []
        with torch.inference_mode():
            logits, features = forward(self.model, self._batch([item.pixels for item in opened]))
        return [
            self._describe(item, logits[index], None if features is None else features[index])
            for index, item in enumerate(opened)
        ]

    @torch.no_grad()
    def _describe(self, opened: _Opened, logits: Tensor, features: Tensor | None) -> Classification:
        """Name the best classes of one picture, from its logits (classes,) and feature map (C, h, w)."""
        probabilities = logits.float().softmax(dim=0)
        confidences, classes = probabilities.topk(min(opened.top, len(probabilities)))
        maps = None
        if features is not None:
            maps = activation_maps(self.model, opened.pixels.to(self.device), logits, features, classes)
        heat_maps = (
            [opened.painter.plain()] * len(classes)
            if maps is None
            else [opened.painter.paint(activation) for activation in maps.float().cpu().numpy()]
        )
        return Classification(
            predictions=tuple(
                # Single precision may round a probability to just over 1.
                Prediction(label=self.labels[index], confidence=min(confidence, 1.0), heat_map=heat_map)
                for index, confidence, heat_map in zip(
                    classes.tolist(), confidences.tolist(), heat_maps, strict=True
                )
            ),
            sure=bool(self.sure(logits[None])[0]),
        )


def _load_processor(checkpoint: Path | str) -> Any:
    # The other backend would need torchvision.
    return AutoImageProcessor.from_pretrained(checkpoint, backend="pil", trust_remote_code=False)
