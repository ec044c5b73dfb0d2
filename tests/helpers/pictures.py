"""Pictures whose class a machine sees at a glance, tiny models, and zips."""

import io
import random
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

EMOTIONS = ("happy", "sad", "angry", "tired")
COLOURS = {"happy": (230, 190, 40), "sad": (40, 70, 190), "angry": (200, 40, 30), "tired": (120, 110, 120)}
_FAINT = [200 + level // 5 for level in range(256)]


def picture(label: str, seed: str, *, size: tuple[int, int] = (40, 36)) -> Image.Image:
    """Return a noisy picture in the colour of its class; another seed is no near-duplicate."""
    rng = random.Random(seed)
    colour = tuple(min(255, max(0, part + rng.randint(-40, 40))) for part in COLOURS.get(label, (90, 160, 90)))
    pattern = Image.frombytes("L", (8, 8), rng.randbytes(64)).resize(size, Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", size, colour), Image.new("RGB", size, "white"), pattern.point(_FAINT))


def write_pictures(folder: Path, *, count: int = 12, classes: Sequence[str] = EMOTIONS) -> Path:
    """Write ``count`` pictures a class into class folders and return the folder."""
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            picture(label, f"{folder.name}/{label}/{number}").save(folder / label / f"{label}_{number:03}.png")
    return folder


def picture_bytes(label: str = "happy", seed: str = "one") -> bytes:
    """Return the bytes of a picture file."""
    file = io.BytesIO()
    picture(label, seed).save(file, "PNG")
    return file.getvalue()


def zip_bytes(entries: Mapping[str, bytes]) -> bytes:
    """Return a zip of names and bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return file.getvalue()


def write_zip(path: Path, entries: Mapping[str, bytes] | Path) -> Path:
    """Write a zip of names and bytes, or of all files of a folder, and return its path."""
    if isinstance(entries, Path):
        root = entries
        entries = {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}
    path.write_bytes(zip_bytes(entries))
    return path


def write_tiny_vit(folder: Path, **more: object) -> Path:
    """Write a ViT of the report's architecture, random, width 32, two blocks, 32 px, in the Hub's layout."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = ViTConfig(**{**sizes, "image_size": 32, "patch_size": 8, **more})
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_tiny_dinov2(folder: Path) -> Path:
    """Write a DINOv2 like the bundled one, random, width 32, seven blocks for Thorough's six, 28 px."""
    import torch
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 7, "num_attention_heads": 2, "mlp_ratio": 2}
    Dinov2Model(Dinov2Config(**sizes, image_size=28, patch_size=14)).save_pretrained(folder)
    BitImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
    return folder
