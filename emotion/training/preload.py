"""Imports what every training and prediction needs, once, in the process that the others are forked from.

The concrete classes are named because transformers is lazy: importing the package alone leaves seconds of
work to each child. Nothing here may start a thread, since threads do not survive a fork.
"""

from __future__ import annotations

import ctypes
import sys

import accelerate
import scipy.stats
import sklearn.model_selection
import torch
import transformers.models.auto.image_processing_auto
import transformers.models.auto.modeling_auto
import transformers.models.bit.image_processing_pil_bit
import transformers.models.dinov2.modeling_dinov2
import transformers.models.vit.image_processing_pil_vit
import transformers.models.vit.modeling_vit
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

import emotion.inference.classifier
import emotion.training.session

# mallopt(3): the first is the greatest that glibc takes, the second what stays at hand of freed memory.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MMAP_BYTES, _TRIM_BYTES = 32 * 2**20, 256 * 2**20


def keep_freed_memory() -> bool:
    """Let glibc keep up to 256 MB that are freed, for this process and those forked from it; return whether it does.

    A batch's activations come and go in every block. Given back to the system each time, they are zeroed page by page
    when the next block asks for them: a twelfth of a look at the pictures. Without glibc nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES) and mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES))


keep_freed_memory()
# Renames of every architecture's weights, which the first loading of a model in each child would otherwise compile: two
# fifths of that loading.
get_checkpoint_conversion_mapping("dinov2")

__all__ = ["accelerate", "emotion", "scipy", "sklearn", "torch", "transformers"]
