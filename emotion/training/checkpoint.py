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
    """Write ``state`` as the weights of ``model`` into ``folder``, which is replaced in one rename.

    The folder loads in ``transformers.pipeline("image-classification", model=folder)``.
    """
    beside = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with quiet():
            model.save_pretrained(beside, state_dict=dict(state))
            processor.save_pretrained(beside)
        (beside / "README.md").write_text(card, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
