"""A checkpoint as one ONNX file: pixels in, logits out. Reads the folder of the checkpoint alone."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import PreTrainedModel

from emotion.backbones.network import load_checkpoint
from emotion.core.errors import BackboneError, RunError

INPUT, OUTPUT = "pixel_values", "logits"
OPSET = 18


class _Logits(nn.Module):
    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        logits: Tensor = self.model(pixel_values=pixel_values).logits
        return logits


def write_onnx(checkpoint: Path, to: Path) -> None:
    """Write the model of a checkpoint folder as float32 ONNX.

    ``pixel_values`` is (N, 3, H, W), as the checkpoint's own processor makes it, ``logits`` (N, C) in the order of the
    checkpoint's ``id2label``; N is free.

    Raises:
        RunError: the checkpoint cannot be read.
        OSError: the file cannot be written.
    """
    try:
        network = load_checkpoint(checkpoint)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, BackboneError) as error:
        raise RunError("The checkpoint cannot be read: train it again.") from error
    side = network.image_size
    with warnings.catch_warnings(), torch.inference_mode():
        # The exporter that writes one plain file says that there is a newer one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Logits(network.model),
            (torch.zeros(2, 3, side, side),),
            str(to),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
