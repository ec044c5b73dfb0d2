"""Imports that every training and prediction needs, made once in the process that the others are forked from.

The concrete classes are named because transformers is lazy: importing the package alone leaves seconds of work to each
child process. Nothing here may start a thread, since threads do not survive a fork.
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

# mallopt(3) thresholds: the first is the largest that glibc accepts, the second how much freed memory it holds.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MMAP_BYTES, _TRIM_BYTES = 32 * 2**20, 256 * 2**20

# glibc holds up to 256 MB of freed memory, here and in forked processes. Activations are allocated and freed in every
# block; memory returned to the system would be zeroed again page by page, a twelfth of the time of a feature pass.
if mallopt := getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None:
    mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES)
# Compiles the weight renames of every architecture once. Otherwise each child process does it when it first loads a
# model, which takes two fifths of that loading.
get_checkpoint_conversion_mapping("dinov2")

__all__ = ["accelerate", "emotion", "scipy", "sklearn", "torch", "transformers"]
