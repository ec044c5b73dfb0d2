"""Which picture sets the page offers: drawn, brought here, and those under ``$EMOTION_PICTURES``. Opens no picture."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from emotion.core.errors import PictureError
from emotion.core.labels import SPECIES_COLOURS, species_of
from emotion.core.owners import may_see
from emotion.data import drawn
from emotion.data.folders import holds_pictures, list_folder
from emotion.data.sets import SavedSet, list_sets, sets_folder
from emotion.ui.visitor import current_visitor

_DRAWN_TITLES = {
    "human_train": "Drawn humans (train)",
    "human_eval": "Drawn humans",
    "dog_eval": "Drawn dogs",
    "cat_eval": "Drawn cats",
}


@dataclass(frozen=True)
class PictureSet:
    """A folder of class folders, its title on the page and the species its name begins with (else empty)."""

    key: str
    title: str
    folder: Path
    species: str
    is_drawn: bool
    is_saved: bool = False

    @property
    def is_for_training(self) -> bool:
        """Whether its name says that it is meant to be trained on."""
        return not self.is_saved and self.folder.name.endswith("_train")

    def pictures(self) -> dict[str, list[Path]]:
        """Return the picture files by class.

        Raises:
            PictureError: there are none.
        """
        return list_folder(self.folder).paths()


def list_picture_sets() -> list[PictureSet]:
    """Return every set that holds pictures: drawn ones first, humans before dogs before cats, then those brought here.

    Of the latter the visitor sees their own, and those that are shared.
    """
    sets = [_drawn(drawn.DRAWN_FOLDER / name) for name in _DRAWN_TITLES]
    extra = os.environ.get("EMOTION_PICTURES")
    if extra and Path(extra).is_dir():
        sets += [_given(path) for path in sorted(Path(extra).iterdir(), key=_species_first) if path.is_dir()]
    return [found for found in sets if holds_pictures(found.folder)] + saved_sets()


def saved_sets() -> list[PictureSet]:
    """Return the sets that were brought here and that the visitor may see, by name."""
    visitor = current_visitor()
    sets = []
    for found in list_sets(sets_folder()):
        with contextlib.suppress(PictureError):  # The Pictures tab says of a damaged one that it is.
            if may_see(found.folder, visitor):
                sets.append(_saved(found))
    return sets


def training_sets(sets: list[PictureSet]) -> list[PictureSet]:
    """Return the sets in the order they are offered to train on: those made for it first, then those brought here."""
    return sorted(sets, key=lambda found: (not found.is_for_training, not found.is_saved))


def evaluation_sets(sets: list[PictureSet]) -> list[PictureSet]:
    """Return the sets to compare on: every one that is not made for training."""
    return [found for found in sets if not found.is_for_training]


def find_set(key: str | None, *, sets: list[PictureSet]) -> PictureSet:
    """Return the set of a key.

    Raises:
        PictureError: there is none, for instance since its folder was moved.
    """
    for found in sets:
        if found.key == key:
            return found
    raise PictureError(NO_SETS if not sets else "That picture set is gone: choose another one.")


NO_SETS = "There are no picture sets: bring one in the Pictures tab, or name a folder of sets in EMOTION_PICTURES."


def set_title(folder: str | Path) -> str:
    """Return how a folder of pictures is called on the page."""
    path = Path(folder)
    if drawn.is_drawn(path):
        return _DRAWN_TITLES.get(path.name, path.name)
    if path.absolute().parent == sets_folder().absolute():
        with contextlib.suppress(PictureError):
            return SavedSet(path).manifest.name
    return f"{path.parent.name}/{path.name}".lstrip("/")


def names_by_species(sets: list[PictureSet]) -> dict[str, Path]:
    """Name each set by its species for a comparison, and by more where two sets share a species."""
    names: dict[str, Path] = {}
    for found in sets:
        is_alone = sum(other.species == found.species for other in sets) == 1
        origin = "drawn" if found.is_drawn else found.title if found.is_saved else found.folder.parent.name
        name = found.species if is_alone else f"{found.species} ({origin})"
        names[found.title if not found.species or name in names else name] = found.folder
    return names


def _drawn(folder: Path) -> PictureSet:
    return PictureSet(f"drawn/{folder.name}", _DRAWN_TITLES[folder.name], folder, species_of(folder.name), True)


def saved_key(found: SavedSet) -> str:
    """Return the key under which a set that was brought here is offered."""
    return f"saved/{found.key}"


def _saved(found: SavedSet) -> PictureSet:
    manifest = found.manifest
    return PictureSet(
        saved_key(found), manifest.name, found.folder.absolute(), manifest.species or species_of(manifest.name),
        is_drawn=False, is_saved=True,
    )  # fmt: skip


def _given(folder: Path) -> PictureSet:
    folder = folder.absolute()
    return PictureSet(
        f"given/{folder.name}", set_title(folder), folder, species_of(folder.name), drawn.is_drawn(folder)
    )


def _species_first(path: Path) -> tuple[int, str]:
    order = list(SPECIES_COLOURS)
    species = species_of(path.name)
    return (order.index(species) if species else len(order), path.name)
