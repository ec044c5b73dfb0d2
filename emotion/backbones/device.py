"""What a network computes in: the device's precision, and no word from transformers meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from transformers.utils import logging

Precision = Literal["float32", "bfloat16"]


def resolve_precision(asked: Literal["auto"] | Precision, device: torch.device) -> Precision:
    """Return the precision to compute in: bfloat16 for ``auto`` only where the device has instructions for it.

    A CPU without them is slower in bfloat16 than in float32.
    """
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return "bfloat16"
    return "float32"


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' reports and progress bars: of a fresh head and unused weights they would only alarm."""
    verbosity, progress_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if progress_bar:
            logging.enable_progress_bar()
