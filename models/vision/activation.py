"""Where in a picture an image classification network finds what speaks for a class.

EfficientNet averages its last feature map over all places and weighs the averages, one weight a channel and
class. Averaging and weighing can change places, so each place has its own share in the class's logit. That
share is the class activation map (Zhou et al., https://arxiv.org/abs/1512.04150): one small matrix product,
and up to a constant factor the same as Grad-CAM (Selvaraju et al., https://arxiv.org/abs/1610.02391).
Networks with another head get Grad-CAM itself, at the price of a second pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel


HALF_PRECISION = {"cuda": torch.float16}
"""Kinds of devices on which half precision is faster, and which; elsewhere everything is in single precision."""


def forward(network: PreTrainedModel, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Classify pictures, and keep the last feature map on the way; on a GPU in half precision.

    Args:
        network: any image classification network of the transformers library.
        pixels: prepared pictures, (B, 3, H, W).

    Returns:
        The logits (B, classes) and the last feature map (B, C, h, w), both in single precision; ``None`` in
        place of the map for a network without one, such as a vision transformer.
    """
    outputs: list[Any] = []
    hook = network.base_model.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    kind = pixels.device.type
    try:
        with torch.autocast(kind, HALF_PRECISION.get(kind), enabled=kind in HALF_PRECISION):
            logits = network(pixel_values=pixels).logits
    finally:
        hook.remove()
    features = getattr(outputs[0], "last_hidden_state", None)
    return logits.float(), features.float() if features is not None and features.dim() == 4 else None


def activation_maps(
    network: PreTrainedModel, pixels: Tensor, logits: Tensor, features: Tensor, classes: Tensor
) -> Tensor | None:
    """Return what each place of one picture adds to the logits of some classes.

    Args:
        network: the network that ``forward`` was given.
        pixels: the prepared picture, (3, H, W).
        logits: what ``forward`` returned for it, (classes,).
        features: what ``forward`` returned for it, (C, h, w).
        classes: the indices of the classes in question, (K,).

    Returns:
        What speaks for each class, and zero where something speaks against it, (K, h, w); or ``None`` if the
        logits do not come from this feature map.
    """
    head = getattr(network, "classifier", None)
    if isinstance(head, nn.Linear) and head.in_features == features.size(0):
        averages = features.mean(dim=(1, 2))  # (C,)
        rounding = 1e-1 if pixels.device.type in HALF_PRECISION else 1e-3
        if torch.allclose(head(averages), logits, rtol=rounding, atol=rounding):
            return class_activation_maps(features, head.weight[classes])
    return _gradient_maps(network, pixels, classes)


def class_activation_maps(features: Tensor, weights: Tensor) -> Tensor:
    """Weigh a feature map (C, h, w) with some classes' rows of the classifier (K, C): (K, h, w)."""
    return torch.einsum("chw,kc->khw", features, weights).relu()


def _gradient_maps(network: PreTrainedModel, pixels: Tensor, classes: Tensor) -> Tensor | None:
    with torch.enable_grad():
        logits, features = forward(network, pixels[None])
        assert features is not None, "activation_maps is only called with a feature map"
        maps = []
        for index in classes.tolist():
            (gradient,) = torch.autograd.grad(
                logits[0, index], features, retain_graph=True, allow_unused=True
            )
            if gradient is None:
                return None
            weights = gradient.mean(dim=(2, 3))  # (1, C)
            maps.append(class_activation_maps(features[0].detach(), weights)[0])
    return torch.stack(maps)
