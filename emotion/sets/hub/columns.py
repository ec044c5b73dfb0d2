"""Which columns of a data set can hold its pictures and its labels, found in what they are. Reads no file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from emotion.sets.naming import plain_text, shown

# A label has few values. With more than these, a column is told of and not offered.
MAX_LABELS = 200
# Where several columns would do, the one that is called like this goes first; none has to be.
_PICTURE_NAMES = ("image", "img", "picture", "photo", "face", "file")
_LABEL_NAMES = ("label", "labels", "emotion", "expression", "class", "mood", "category", "target")
_TEXTS = ("string", "large_string", "string_view")
_BINARIES = ("binary", "large_binary", "binary_view")
# How JPEG, PNG, WebP, BMP, GIF and TIFF begin; HEIC and AVIF say so after four bytes.
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"BM", b"GIF8", b"II*\0", b"MM\0*")


def is_image(feature: Any) -> bool:
    """Whether a column is declared as one of pictures."""
    import datasets

    return isinstance(feature, datasets.Image)


def is_class(feature: Any) -> bool:
    """Whether a column is declared as one of labels."""
    import datasets

    return isinstance(feature, datasets.ClassLabel)


def may_hold_pictures(feature: Any) -> bool:
    """Whether a column holds bytes, bare or as encoded pictures are stored; what they are is to be seen in one."""
    if isinstance(feature, dict):
        return len(bytes_field(feature)) > 0
    return _dtype(feature) in _BINARIES


def bytes_field(fields: Mapping[str, Any]) -> str:
    """Return the field of a column that holds encoded pictures; empty where there is no one such field."""
    found = [name for name, feature in fields.items() if _dtype(feature) in _BINARIES]
    return "bytes" if "bytes" in found else found[0] if len(found) == 1 else ""


def may_hold_labels(feature: Any) -> bool:
    """Whether a column holds texts, numbers or yes and no; how many different ones is to be counted."""
    dtype = _dtype(feature)
    return is_class(feature) or dtype in _TEXTS or dtype == "bool" or dtype.startswith(("int", "uint", "float"))


def looks_encoded(content: bytes) -> bool:
    """Whether these bytes begin as a picture file does."""
    return content.startswith(_BEGINNINGS) or content[4:8] == b"ftyp"


def label_text(value: Any, feature: Any) -> str:
    """Return what a label is called; empty where there is none.

    Numbers of declared classes become their names, other numbers their digits; whole ones have no decimals.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if is_class(feature) and isinstance(value, int):
        return str(feature.names[value]) if 0 <= value < len(feature.names) else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if plain_text(str(value)) else ""


def in_words(feature: Any) -> str:
    """Return what a column holds, for a person."""
    if is_image(feature):
        return "pictures"
    if is_class(feature):
        return f"{len(feature.names):,} labels"
    if isinstance(feature, dict):
        return f"fields {shown(', '.join(feature))}"
    return _dtype(feature) or ("something else" if feature is None else type(feature).__name__.lower())


def best_first_pictures(columns: Sequence[str], features: Mapping[str, Any]) -> tuple[str, ...]:
    """Return columns of pictures, those that are declared so first, then by their names, then as they stand."""
    return tuple(sorted(columns, key=lambda name: (not is_image(features[name]), _place(name, _PICTURE_NAMES))))


def best_first_labels(
    counts: Mapping[str, Mapping[str, int | None]], features: Mapping[str, Any]
) -> dict[str, Mapping[str, int | None]]:
    """Return columns of labels: declared ones first, those of which each value is another one last."""

    def key(name: str) -> tuple[bool, bool, bool, int]:
        counted = [count for count in counts[name].values() if count]
        told_apart = len(counts[name]) > 1
        repeats = not counted or sum(counted) > len(counted)
        return not is_class(features[name]), not told_apart, not repeats, _place(name, _LABEL_NAMES)

    return {name: counts[name] for name in sorted(counts, key=key)}


def _dtype(feature: Any) -> str:
    import datasets

    return str(feature.dtype) if isinstance(feature, datasets.Value) else ""


def _place(name: str, preferred: Sequence[str]) -> int:
    plain = name.casefold()
    return preferred.index(plain) if plain in preferred else len(preferred)
