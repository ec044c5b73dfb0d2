"""Which sets the visitor may see and change, and how much they may bring. Opens no picture."""

from __future__ import annotations

from emotion.core.errors import PictureError, RefusedError
from emotion.core.owners import may_change, may_see, owner_of, require_change
from emotion.data.limits import Limits
from emotion.data.names import alike
from emotion.data.sets import SavedSet, list_sets, sets_folder
from emotion.server.limits import public_limits
from emotion.ui.visitor import current_visitor

NEW = ""
NEW_TITLE = "A new set"
GONE = "That picture set is gone: choose another one, or bring a new one."


def visible_sets() -> list[SavedSet]:
    """Return the sets that the visitor may see, by name; damaged ones too."""
    visitor = current_visitor()
    return [found for found in list_sets(sets_folder()) if may_see(found.folder, visitor)]


def seen_set(key: str | None) -> SavedSet:
    """Return a set that the visitor may see, by the key that a page sent; a path is no key.

    Raises:
        PictureError: there is none.
    """
    for found in visible_sets():
        if found.key == key:
            return found
    raise PictureError(GONE)


def own_set(key: str | None) -> SavedSet:
    """Return a set that the visitor may change.

    Raises:
        PictureError: there is none.
        RefusedError: it is somebody else's.
    """
    found = seen_set(key)
    require_change(found.folder, current_visitor())
    return found


def is_own(found: SavedSet) -> bool:
    """Whether the visitor may change a set."""
    return may_change(found.folder, current_visitor())


def choices() -> list[tuple[str, str]]:
    """Return the sets as a list offers them, a new one first."""
    return [(NEW_TITLE, NEW), *((title(found), found.key) for found in visible_sets())]


def title(found: SavedSet) -> str:
    """Return how a set is called in a list."""
    try:
        manifest = found.manifest
    except PictureError:
        return f"{found.key} (damaged)"
    return f"{manifest.name} · {len(manifest.pictures):,}"


def free_name(first: str = "My pictures") -> str:
    """Return a name that no set has yet, for pictures that are given before a name is."""
    there = {alike(title(found).partition(" · ")[0]) for found in visible_sets()}
    numbers = range(1, len(there) + 2)
    names = (first if number == 1 else f"{first} {number}" for number in numbers)
    return next(name for name in names if alike(name) not in there)


def import_limits() -> Limits:
    """Return how much one set may hold here."""
    public = public_limits()
    return public.of_import() if public else Limits()


def refuse_another(*, new: bool) -> None:
    """Let pass whoever may have one set more.

    Raises:
        RefusedError: a visitor of a public server has as many as they may.
    """
    public, visitor = public_limits(), current_visitor()
    if public is None or not new:
        return
    mine = [found for found in list_sets(sets_folder()) if owner_of(found.folder).owner == visitor]
    if len(mine) >= public.sets:
        raise RefusedError(
            f"You have {len(mine)} picture sets, the limit of this public server: delete one, or add to one of them."
        )
