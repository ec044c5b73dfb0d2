"""The picture sets that a visitor sees, may change and may import: drawn, imported, and in ``$EMOTION_PICTURES``."""

import contextlib
import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from emotion.core.errors import PictureError, RefusedError
from emotion.core.labels import SPECIES_COLOURS, species_in, species_of
from emotion.core.owners import may_see, owner_of, require_change
from emotion.data.drawn import DRAWN_FOLDER, is_drawn
from emotion.data.folders import holds_pictures, list_folder
from emotion.data.importing import Bring, Way
from emotion.data.limits import Limits
from emotion.data.names import alike
from emotion.data.sets import SavedSet, list_sets, sets_folder
from emotion.server.limits import public_limits
from emotion.ui.visitor import current_visitor

NO_SETS = "There are no picture sets: bring one in the Pictures tab, or name a folder of sets in EMOTION_PICTURES."
GONE = "That picture set is gone: choose another one, or bring a new one."
_DRAWN_TITLES = {
    "human_train": "Drawn humans (train)",
    "human_eval": "Drawn humans",
    "dog_eval": "Drawn dogs",
    "cat_eval": "Drawn cats",
}


@dataclass(frozen=True)
class PictureSet:
    """A folder of class folders, with its title on the page and its species (empty if unknown)."""

    key: str
    title: str
    folder: Path
    species: str
    is_drawn: bool
    is_saved: bool = False

    @property
    def is_for_training(self) -> bool:
        """Whether it is meant for training, by its folder's name."""
        return not self.is_saved and self.folder.name.endswith("_train")

    def pictures(self) -> dict[str, list[Path]]:
        """Return the picture files by class. Raises PictureError if there are none."""
        return list_folder(self.folder).paths()


def list_picture_sets() -> list[PictureSet]:
    """Return every set that holds pictures: drawn ones first, humans before dogs before cats, then imported ones.

    Of the imported ones, the visitor sees their own and the shared ones.
    """
    sets = [_by_name("drawn", DRAWN_FOLDER / name) for name in _DRAWN_TITLES]
    given = os.environ.get("EMOTION_PICTURES")
    if given and Path(given).is_dir():
        found = [_by_name("given", path.absolute()) for path in sorted(Path(given).iterdir()) if path.is_dir()]
        sets += sorted(found, key=lambda each: [*SPECIES_COLOURS, ""].index(each.species))
    sets = [each for each in sets if holds_pictures(each.folder)]
    for saved in visible_sets():
        with contextlib.suppress(PictureError):  # The Pictures tab reports a damaged one.
            name, species = saved.manifest.name, saved.manifest.species
            folder = saved.folder.absolute()
            sets.append(PictureSet(saved_key(saved), name, folder, species or species_of(name), False, is_saved=True))
    return sets


def training_sets(sets: list[PictureSet]) -> list[PictureSet]:
    """Return the sets in the order offered for training: those made for it first, then the imported ones."""
    return sorted(sets, key=lambda found: (not found.is_for_training, not found.is_saved))


def evaluation_sets(sets: list[PictureSet]) -> list[PictureSet]:
    """Return the sets to compare on: all that are not made for training."""
    return [found for found in sets if not found.is_for_training]


def find_set(key: str | None, *, sets: list[PictureSet]) -> PictureSet:
    """Return the set with a key. Raises PictureError if there is none, for instance because its folder was moved."""
    for found in sets:
        if found.key == key:
            return found
    raise PictureError(GONE if sets else NO_SETS)


def set_title(folder: str | Path) -> str:
    """Return the title of a folder of pictures on the page."""
    path = Path(folder)
    if is_drawn(path):
        return _DRAWN_TITLES.get(path.name, path.name)
    if path.absolute().parent == sets_folder().absolute():
        with contextlib.suppress(PictureError):
            return SavedSet(path).manifest.name
    return f"{path.parent.name}/{path.name}".lstrip("/")


def names_by_species(sets: list[PictureSet]) -> dict[str, Path]:
    """Return a comparison's sets by name: the species, with the origin added if two sets share a species."""
    names: dict[str, Path] = {}
    for found in sets:
        is_alone = sum(other.species == found.species for other in sets) == 1
        origin = "drawn" if found.is_drawn else found.title if found.is_saved else found.folder.parent.name
        name = found.species if is_alone else f"{found.species} ({origin})"
        names[found.title if not found.species or name in names else name] = found.folder
    return names


def visible_sets() -> list[SavedSet]:
    """Return the imported sets that the visitor may see, by name, including damaged ones."""
    visitor = current_visitor()
    return [found for found in list_sets(sets_folder()) if may_see(found.folder, visitor)]


def seen_set(key: str | None) -> SavedSet:
    """Return an imported set that the visitor may see, by the key that a page sent, which is never a path.
    Raises PictureError where there is none.
    """
    for found in visible_sets():
        if found.key == key:
            return found
    raise PictureError(GONE)


def own_set(key: str | None) -> SavedSet:
    """Return a set that the visitor may change.
    Raises PictureError where there is none, RefusedError where it belongs to another visitor.
    """
    found = seen_set(key)
    require_change(found.folder, current_visitor())
    return found


def saved_key(found: SavedSet) -> str:
    """Return the key under which an imported set is offered."""
    return f"saved/{found.key}"


def title_of(found: SavedSet) -> str:
    """Return the title of an imported set in a list."""
    try:
        return f"{found.manifest.name} · {len(found.manifest.pictures):,}"
    except PictureError:
        return f"{found.key} (damaged)"


def free_name(first: str = "My pictures") -> str:
    """Return an unused name, for pictures that arrive before a name is given."""
    there = {alike(set_title(found.folder)) for found in visible_sets()}
    names = (first if number == 1 else f"{first} {number}" for number in count(1))
    return next(name for name in names if alike(name) not in there)


def import_limits() -> Limits:
    """Return the limits of one imported set on this server."""
    public = public_limits()
    return public.of_import() if public else Limits()


def import_job(way: Way, key: str, name: str, species: str, *, use_aliases: bool = False) -> Bring:
    """Return the job that imports pictures into the visitor's set ``key``, or into a new one if that is empty.
    Raises PictureError where there is no such set; RefusedError where it belongs to another visitor, or the visitor has
    as many sets as this public server allows.
    """
    public, visitor = public_limits(), current_visitor()
    into = own_set(key).key if key else ""
    if public and not into:
        mine = [found for found in list_sets(sets_folder()) if owner_of(found.folder).owner == visitor]
        if len(mine) >= public.sets:
            there = f"You have {len(mine)} picture sets, the limit of this public server"
            raise RefusedError(f"{there}: delete one, or add to one of them.")
    return Bring(
        way, into=into, name=name, species=str(species or species_in(name)), use_aliases=use_aliases,
        root=sets_folder(), limits=import_limits(), owner=visitor,
    )  # fmt: skip


def _by_name(origin: str, folder: Path) -> PictureSet:
    """Return a set that is known by its folder's name alone."""
    title, species = set_title(folder), species_of(folder.name)
    return PictureSet(f"{origin}/{folder.name}", title, folder, species, is_drawn(folder))
