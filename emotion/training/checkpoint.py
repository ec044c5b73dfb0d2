"""Write the checkpoint: the plain model that is judged, its processor and its card, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from transformers import BaseImageProcessor, PreTrainedModel

from emotion.backbones.quiet import quiet


def save_checkpoint(
    model: PreTrainedModel, processor: BaseImageProcessor, *, state: Mapping[str, Tensor], card: str, folder: Path
) -> None:
    """Write ``state`` as the weights of ``model`` into ``folder``, which loads at any moment if it did before.

    It loads in ``transformers.pipeline("image-classification", model=folder)``. Where there is one of the same run
    already, each file takes the old one's place, the weights last.
    """
    beside = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with quiet():
            model.save_pretrained(beside, state_dict=dict(state))
            processor.save_pretrained(beside)
        (beside / "README.md").write_text(card, encoding="utf-8")
        for file in beside.iterdir():
            # safetensors keeps its files from everybody else on the machine.
            file.chmod((beside / "README.md").stat().st_mode)
        if not folder.exists():
            beside.rename(folder)
            return
        for file in sorted(beside.iterdir(), key=lambda file: file.suffix == ".safetensors"):
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
