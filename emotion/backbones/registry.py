"""Which backbones exist, whether they are here, and where their weights lie. Imports neither torch nor transformers."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from emotion.backbones import bundled, hub
from emotion.backbones.hub import is_hub_id
from emotion.core.errors import BackboneError
from emotion.core.files import hash_file

DEFAULT = "dinov2-small"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Entry:
    """A backbone that is offered by name; ``parameters`` counts weights without a head, ``use`` what it is good at."""

    name: str
    title: str
    parameters: int
    licence: str
    use: str


# Titles and licences as their pages on the Hub give them; the Hub's own files were not at hand.
REGISTRY: tuple[Entry, ...] = (
    Entry(DEFAULT, "DINOv2-small (bundled)", 22_056_576, "apache-2.0", f"quick and good; weights {bundled.PROVENANCE}"),
    Entry("facebook/dinov2-small", "DINOv2-small (Hub)", 22_056_576, "apache-2.0", "the Hub's own file"),
    Entry("facebook/dinov2-base", "DINOv2-base", 86_580_480, "apache-2.0", "finer features, four times the work"),
    Entry(
        "facebook/dinov2-with-registers-small", "DINOv2-small, registers", 22_058_112, "apache-2.0",
        "cleaner attention maps",
    ),
    Entry(
        "google/siglip2-base-patch16-224", "SigLIP 2 base", 92_884_224, "apache-2.0",
        "learnt from pictures with captions: knows animals and faces by name",
    ),
    Entry(
        "openai/clip-vit-base-patch16", "CLIP ViT-B/16", 85_799_424, "mit",
        "learnt from pictures with captions: drawings as well as photographs",
    ),
    Entry(
        "microsoft/beit-base-patch16-224-pt22k", "BEiT base, ImageNet-22k", 85_761_984, "apache-2.0",
        "learnt without labels: for training more than the head",
    ),
    Entry(
        "microsoft/swin-tiny-patch4-window7-224", "Swin-T, ImageNet-1k", 27_519_354, "apache-2.0",
        "small and quick to train whole",
    ),
    Entry("facebook/convnext-tiny-224", "ConvNeXt-T, ImageNet-1k", 27_820_128, "apache-2.0", "convolutions, any size"),
    Entry(
        "google/vit-base-patch16-224-in21k", "ViT-B/16, ImageNet-21k (the report's)", 85_798_656, "apache-2.0",
        "what the report fine-tuned",
    ),
    Entry("google/vit-base-patch16-224", "ViT-B/16, ImageNet-1k", 85_798_656, "apache-2.0", "knows the 1,000 classes"),
    Entry("WinKawaks/vit-small-patch16-224", "ViT-S/16, ImageNet-1k", 21_665_664, "apache-2.0", "a smaller ViT"),
    Entry(
        "facebook/deit-small-patch16-224", "DeiT-S/16, ImageNet-1k", 21_665_664, "apache-2.0",
        "trained on ImageNet-1k alone",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class BackboneSource:
    """Where a backbone's weights are: a folder in the Hub's layout, and what identifies them.

    ``source`` is ``bundled``, ``hub`` or ``folder``; ``revision`` the Hub's commit, else empty.
    """

    name: str
    source: str
    path: Path
    revision: str
    sha256: str

    def to_json(self) -> dict[str, str]:
        """Return what a run's ``config.json`` keeps of it."""
        return {name: str(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class BackboneRow:
    """A line of the list of backbones; ``megabytes`` are those of its weights in float32 (10^6 bytes)."""

    name: str
    title: str
    source: str
    parameters: int
    megabytes: float
    here: bool
    description: str
    licence: str


def models_folder() -> Path:
    """Return where the bundled backbone is put: ``$EMOTION_MODELS``, else ``models`` beside the package."""
    return Path(os.environ.get("EMOTION_MODELS") or Path(__file__).resolve().parents[2] / "models")


def list_backbones() -> list[BackboneRow]:
    """Return every backbone that is offered by name; looks at the disk only."""
    return [
        BackboneRow(
            name=entry.name,
            title=entry.title,
            source="bundled" if entry.name == DEFAULT else "hub",
            parameters=entry.parameters,
            megabytes=round(entry.parameters * 4 / 1e6, 1),
            here=_is_here(entry.name),
            description=entry.use,
            licence=entry.licence,
        )
        for entry in REGISTRY
    ]


def locate(name: str) -> BackboneSource:
    """Return where a backbone lies: one of the registry, a local folder, or any Hub id; fetched where it is not here.

    Weights are read as safetensors only, since a pickle runs its author's code when it is opened.

    Raises:
        BackboneError: it is unknown, cannot be fetched, or has no safetensors.
    """
    if name == DEFAULT:
        folder = models_folder() / DEFAULT
        bundled.install(folder)
        sha256 = hash_file(folder / WEIGHTS)
        if sha256 != bundled.WEIGHTS_SHA256:
            raise BackboneError(
                f"The weights in {folder} are not those that were checked (sha256 {sha256[:12]}… instead of "
                f"{bundled.WEIGHTS_SHA256[:12]}…): delete that folder, and they are fetched again."
            )
        return BackboneSource(name, "bundled", folder, "", sha256)
    if (folder := Path(name)).is_dir():
        _require_weights(folder, name)
        return BackboneSource(name, "folder", folder.absolute(), "", hash_file(folder / WEIGHTS))
    if not is_hub_id(name):
        raise BackboneError(
            f"There is no backbone {name!r}: choose one of `python -m emotion backbones`, a Hub id such as "
            "facebook/dinov2-small, or a folder with config.json and model.safetensors."
        )
    folder, revision = hub.fetch(name)
    _require_weights(folder, name)
    return BackboneSource(name, "hub", folder, revision, hash_file(folder / WEIGHTS))


def _is_here(name: str) -> bool:
    return bundled.is_complete(models_folder() / DEFAULT) if name == DEFAULT else hub.is_cached(name)


def _require_weights(folder: Path, name: str) -> None:
    if not (folder / "config.json").is_file():
        raise BackboneError(
            f"{name} has no config.json: give a folder in the Hub's layout, as save_pretrained writes it."
        )
    if not (folder / WEIGHTS).is_file():
        raise BackboneError(
            f"{name} has no {WEIGHTS}: save it as safetensors in one file; pickled weights are never opened."
        )
