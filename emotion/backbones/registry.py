"""Which backbones exist, whether they are installed, and where. Imports neither torch nor transformers."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from emotion.backbones import bundled, hub
from emotion.core.errors import BackboneError
from emotion.core.files import hash_file

DEFAULT = "dinov2-small"
WEIGHTS = "model.safetensors"

# Name, title, parameters without a head, licence and strengths, from the models' pages on the Hub.
REGISTRY: tuple[tuple[str, str, int, str, str], ...] = (
    (DEFAULT, "DINOv2-small (bundled)", 22_056_576, "apache-2.0", f"quick and good; weights {bundled.PROVENANCE}"),
    ("facebook/dinov2-small", "DINOv2-small (Hub)", 22_056_576, "apache-2.0", "the Hub's own file"),
    ("facebook/dinov2-base", "DINOv2-base", 86_580_480, "apache-2.0", "finer features, four times the work"),
    ("facebook/dinov2-with-registers-small", "DINOv2-small, registers", 22_058_112, "apache-2.0",
     "cleaner attention maps"),
    ("google/siglip2-base-patch16-224", "SigLIP 2 base", 92_884_224, "apache-2.0",
     "learnt from pictures with captions: knows animals and faces by name"),
    ("openai/clip-vit-base-patch16", "CLIP ViT-B/16", 85_799_424, "mit",
     "learnt from pictures with captions: drawings as well as photographs"),
    ("microsoft/beit-base-patch16-224-pt22k", "BEiT base, ImageNet-22k", 85_761_984, "apache-2.0",
     "learnt without labels: for training more than the head"),
    ("microsoft/swin-tiny-patch4-window7-224", "Swin-T, ImageNet-1k", 27_519_354, "apache-2.0",
     "small and quick to train whole"),
    ("facebook/convnext-tiny-224", "ConvNeXt-T, ImageNet-1k", 27_820_128, "apache-2.0", "convolutions, any size"),
    ("google/vit-base-patch16-224-in21k", "ViT-B/16, ImageNet-21k (the report's)", 85_798_656, "apache-2.0",
     "what the report fine-tuned"),
    ("google/vit-base-patch16-224", "ViT-B/16, ImageNet-1k", 85_798_656, "apache-2.0", "knows the 1,000 classes"),
    ("WinKawaks/vit-small-patch16-224", "ViT-S/16, ImageNet-1k", 21_665_664, "apache-2.0", "a smaller ViT"),
    ("facebook/deit-small-patch16-224", "DeiT-S/16, ImageNet-1k", 21_665_664, "apache-2.0",
     "trained on ImageNet-1k alone"),
)  # fmt: skip


@dataclass(frozen=True)
class BackboneSource:
    """Where a backbone's weights are: a folder in the Hub's layout, and what identifies them.

    ``source`` is ``bundled``, ``hub`` or ``folder``; ``revision`` is the Hub's commit, else empty.
    """

    name: str
    source: str
    path: Path
    revision: str
    sha256: str

    def to_json(self) -> dict[str, str]:
        """Return the values for a run's ``config.json``."""
        return {name: str(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class BackboneRow:
    """A row of the list of backbones; ``megabytes`` is the size of its float32 weights (10^6 bytes)."""

    name: str
    title: str
    source: str
    parameters: int
    megabytes: float
    here: bool
    description: str
    licence: str


def models_folder() -> Path:
    """Return the folder of the bundled backbone: ``$EMOTION_MODELS``, else ``models`` next to the package."""
    return Path(os.environ.get("EMOTION_MODELS") or Path(__file__).resolve().parents[2] / "models")


def list_backbones() -> list[BackboneRow]:
    """Return every backbone offered by name; reads the disk only."""
    rows = []
    for name, title, parameters, licence, use in REGISTRY:
        source = "bundled" if name == DEFAULT else "hub"
        here = hub.is_cached(name) if source == "hub" else bundled.is_complete(models_folder() / DEFAULT)
        rows.append(BackboneRow(name, title, source, parameters, round(parameters * 4 / 1e6, 1), here, use, licence))
    return rows


def locate(name: str) -> BackboneSource:
    """Return where a backbone is: one of the registry, a local folder, or any Hub id, downloaded if needed.

    Only safetensors are accepted, since opening a pickle runs its author's code.
    Raises BackboneError where it is unknown, cannot be fetched, or has no safetensors.
    """
    if name == DEFAULT:
        source, folder = "bundled", models_folder() / DEFAULT
        bundled.install(folder)
    elif Path(name).is_dir():
        source, folder = "folder", Path(name).absolute()
    elif hub.is_hub_id(name):
        source, folder = "hub", hub.fetch(name)
    else:
        raise BackboneError(
            f"There is no backbone {name!r}: choose one of `python -m emotion backbones`, a Hub id such as "
            "facebook/dinov2-small, or a folder with config.json and model.safetensors."
        )
    for file in ("config.json", WEIGHTS):
        if not (folder / file).is_file():
            raise BackboneError(
                f"{name} has no {file}: choose a model as save_pretrained writes it, with its weights in one file of "
                "safetensors; pickled weights are never opened."
            )
    sha256 = hash_file(folder / WEIGHTS)
    if source == "bundled" and sha256 != bundled.WEIGHTS_SHA256:
        raise BackboneError(
            f"The weights in {folder} are not those that were checked (sha256 {sha256[:12]}… instead of "
            f"{bundled.WEIGHTS_SHA256[:12]}…): delete that folder, and they are fetched again."
        )
    # The Hub's client names the folder after the commit.
    return BackboneSource(name, source, folder, folder.name if source == "hub" else "", sha256)
