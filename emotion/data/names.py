"""Names that every file system can hold, in any script: of sets, of their classes, and on the screen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import islice

from emotion.core.errors import PictureError

# A file name may have 255 bytes; a letter has up to four.
MAX_NAME = 60
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_ILLEGAL = str.maketrans(dict.fromkeys('<>:"/\\|?*', "-"))
_SHOWN = 60
# Of systems, of network storage and of photo programs; what begins with a dot or two underlines is hidden as well.
_SYSTEM = re.compile(
    r"\.|__|@eadir$|@recycle|#recycle|#snapshot|~snapshot|\$recycle\.bin$|recycler$|recycled$|lost\+found$"
    r"|system volume information$|thumbs\.db$|ehthumbs|desktop\.ini$|icon\r$|~\$",
    re.IGNORECASE,
)
# Files that stand in a set's folder, beside those of its classes.
_TAKEN = {"set.json", "metadata.jsonl", "manifest.json", "suspects.json", "owner.json"}


def plain_text(name: str) -> str:
    """Return a name in Unicode's normal form C, in one line, without control characters or what turns its direction."""
    return " ".join("".join(each for each in unicodedata.normalize("NFC", name) if not _is_control(each)).split())


def folder_name(name: str) -> str:
    """Return the folder that a set of this name lies in.

    Letters, digits and marks of any script stay, ``_`` and ``-`` too; each run of anything else becomes one ``-``, and
    none stands at an end. So no name leads out of the sets folder, and none is hidden.
    Raises PictureError where no letter or digit is left, it is too long, or it is a device's name on Windows.
    """
    letters = unicodedata.normalize("NFKC", name)
    is_kept = (each.isalnum() or each in "_-" or unicodedata.category(each)[0] == "M" for each in letters)
    kept = "".join(each if keep else " " for each, keep in zip(letters, is_kept, strict=True))
    folder = "-".join(kept.split()).strip("-_")
    if not any(letter.isalnum() for letter in folder):
        raise PictureError(f"The name {shown(name)!r} holds no letter and no digit: choose one that does.")
    if (length := max(len(name), len(folder))) > MAX_NAME:
        raise PictureError(f"The name has {length} characters: use at most {MAX_NAME}.")
    if folder.casefold() in _DEVICES:
        raise PictureError(f"Windows keeps the name {shown(name)!r} for a device: choose another one.")
    return folder


def class_label(folder: str) -> str:
    """Return the class that a class folder of this name is of, which is the name of its folder in a set as well.

    What a file system somewhere refuses becomes ``-``; blanks and dots at the ends fall away.
    Raises PictureError where nothing is left, it is too long, or it is a device's name on Windows.
    """
    label = plain_text(folder).translate(_ILLEGAL).strip(" .")
    if label.startswith("__"):
        label = label.lstrip("_")  # Such folders count as hidden.
    if is_system(label) or label.casefold() in _TAKEN:
        label = f"{label.lstrip('@#~$_.')}-"
    called = f"The class folder {shown(folder)!r}"
    if not label:
        raise PictureError(f"{called} has no name that can be kept: rename it.")
    if len(label) > MAX_NAME:
        raise PictureError(f"{called} has a name of {len(label)} characters: use at most {MAX_NAME}.")
    if label.split(".")[0].strip().casefold() in _DEVICES:
        raise PictureError(f"{called} has a name that Windows keeps for a device: rename it.")
    return label


def alike(name: str) -> str:
    """Return what two names share that a file system may take for the same: those that differ in case, or in form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def shown(name: str) -> str:
    """Return a name as it is safe and short enough to print."""
    text = "".join("?" if _is_control(letter) else letter for letter in name)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 + 1 :]}"


def refuse_other(wanted: str, offered: Collection[str], problem: str) -> None:
    """Raise ``PictureError`` where something is wanted that is not offered."""
    if wanted and wanted not in offered:
        raise PictureError(f"{problem} {shown(wanted)!r}: choose one of {in_short(offered)}.")


def in_short(names: Collection[str]) -> str:
    """Return names as a sentence can hold them."""
    return ", ".join(map(shown, islice(names, 12))) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")


def kept_text(name: str) -> str:
    """Return a name as JSON can hold it: bytes that are no text in it are replaced."""
    return name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def is_system(name: str) -> bool:
    """Whether a file or a folder is hidden, or belongs to a system by its name."""
    return _SYSTEM.match(name) is not None


def _is_control(letter: str) -> bool:
    # C: control, format, surrogate, private and unassigned; Zl and Zp part lines. Two joiners hold words of several
    # scripts together.
    return letter not in "\u200c\u200d" and unicodedata.category(letter).startswith(("C", "Zl", "Zp"))
