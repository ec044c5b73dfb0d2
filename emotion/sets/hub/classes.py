"""Which class each label of a data set is: its own name, or the one that a person gives it. Touches no data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from emotion.errors import PictureError
from emotion.sets.naming import MAX_NAME, alike, class_label, plain_text, shown

_NAMED = 12


def find_classes(
    found: Sequence[str], calls: Mapping[str, str], title: str, *, known: Collection[str] | None
) -> dict[str, str]:
    """Return the class of each label that is found, empty for what is left out.

    ``calls`` are other names for labels, ``{theirs: ours}``; ``known`` are all labels that there are, None where that
    is not known yet.

    Raises:
        PictureError: there is no such label, it cannot be the name of a class, two would be one class without
            anybody's wish, or none is left.
    """
    for theirs in calls:
        if known is not None and theirs not in known:
            raise PictureError(f"{title} has no label {shown(theirs)!r}: it has {in_short(known)}.")
    calling = {}
    meant: dict[str, str] = {}
    for theirs in found:
        ours = plain_text(calls.get(theirs, theirs))
        calling[theirs] = label = _class(ours) if ours else ""
        # Those that differ only in how they are written are one class, as folders are.
        if label and alike(meant.setdefault(alike(label), ours)) != alike(ours):
            raise PictureError(
                f"The labels {shown(meant[alike(label)])!r} and {shown(ours)!r} would both be the class {label!r}: map "
                "one of them to another name."
            )
    if found and not any(calling.values()):
        raise PictureError(f"All labels of {title} are mapped to nothing: map one to a name.")
    return calling


def _class(label: str) -> str:
    try:
        return class_label(label)
    except PictureError as error:
        raise PictureError(
            f"The label {shown(label)!r} cannot be the name of a class: map it to a plain one of at most {MAX_NAME} "
            "letters, or to nothing."
        ) from error


def in_short(names: Iterable[str]) -> str:
    """Return names as a sentence can hold them."""
    told = [shown(name) for name in names]
    return ", ".join(told[:_NAMED]) + (f" and {len(told) - _NAMED:,} more" if len(told) > _NAMED else "")
