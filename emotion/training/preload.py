"""Imports what every training and prediction needs, once, in the process that the others are forked from.

The concrete classes are named because transformers is lazy: importing the package alone leaves seconds of
work to each child. Nothing here may start a thread, since threads do not survive a fork.
"""

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

import emotion.classifier
import emotion.training.session
from emotion.allocator import keep_freed_memory

keep_freed_memory()
# Renames of every architecture's weights, which the first loading of a model in each child would otherwise compile: two
# fifths of that loading.
get_checkpoint_conversion_mapping("dinov2")

__all__ = ["accelerate", "emotion", "scipy", "sklearn", "torch", "transformers"]
