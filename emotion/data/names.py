"""Names: valid on every file system and in any script, recognised as pictures, and shortened for display."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import islice
from pathlib import PurePosixPath

from emotion.core.errors import PictureError

# A file name may have 255 bytes, a letter up to four.
MAX_NAME = _SHOWN = 60
# The names of a set's own files.
_TAKEN = {"set.json", "metadata.jsonl", "manifest.json", "suspects.json", "owner.json"}
_ILLEGAL = str.maketrans(dict.fromkeys('<>:"/\\|?*', "-"))
# Files of systems, network storage and photo programs; a leading dot or two underscores hide a name as well.
_SYSTEM = re.compile(
    r"\.|__|@eadir$|@recycle|#recycle|#snapshot|~snapshot|\$recycle\.bin$|recycler$|recycled$|lost\+found$"
    r"|system volume information$|thumbs\.db$|ehthumbs|desktop\.ini$|icon\r$|~\$",
    re.IGNORECASE,
)
PARQUET = ".parquet"
# Common suffixes of the formats that can be read.
PICTURE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo", ".png", ".apng", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff",
    ".avif", ".heic", ".heif", ".hif",
})  # fmt: skip
HIDDEN = "It is hidden, or belongs to a system."
NO_PICTURE = "It is not a picture by its name."
_AGAINST = {
    **dict.fromkeys(PICTURE_SUFFIXES, ""),
    **dict.fromkeys(
        (".jxl", ".jp2", ".svg", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".eps", ".pdf"),
        "It is of a kind that is not read: save it as .jpg or .png.",
    ),
    **dict.fromkeys(
        (".zip", ".cbz", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz"),
        "It is an archive within: unpack it first.",
    ),
    PARQUET: "It is a table of pictures: import it first, with `pictures import` or in the Pictures tab.",
}


def reason_against(name: str) -> str:
    """Return why a file is left out because of its name; empty where it may be a picture."""
    return HIDDEN if is_system(name) else _AGAINST.get(PurePosixPath(name).suffix.lower(), NO_PICTURE)


def is_system(name: str) -> bool:
    """Whether a file or folder is hidden, or belongs to an operating system, by its name."""
    return _SYSTEM.match(name) is not None


def plain_text(name: str) -> str:
    """Return a name in Unicode form NFC, on one line, without control or text-direction characters."""
    return " ".join("".join(each for each in unicodedata.normalize("NFC", name) if not _is_control(each)).split())


def folder_name(name: str) -> str:
    """Return the folder of a set with this name: letters and digits of any script, and ``-`` for all between them.
    Raises PictureError where no letter or digit is left, or it is too long.
    """
    letters = unicodedata.normalize("NFKC", name)
    is_kept = (each.isalnum() or each in "_-" or unicodedata.category(each)[0] == "M" for each in letters)
    kept = "".join(each if keep else " " for each, keep in zip(letters, is_kept, strict=True))
    folder = "-".join(kept.split()).strip("-_")
    if not any(letter.isalnum() for letter in folder):
        raise PictureError(f"The name {shown(name)!r} holds no letter and no digit: choose one that does.")
    if (length := max(len(name), len(folder))) > MAX_NAME:
        raise PictureError(f"The name has {length} characters: use at most {MAX_NAME}.")
    return folder


def class_label(name: str) -> str:
    """Return the class of a folder with this name, which is also its folder in a set, on any file system.
    Raises PictureError where nothing is left of the name.
    """
    label = plain_text(kept_text(name)).translate(_ILLEGAL)[:MAX_NAME].strip(" .")
    if not label:
        raise PictureError(f"The class {shown(name)!r} has no name that can be kept: give it another one.")
    return f"_{label.lstrip('_')}" if is_system(label) or label.casefold() in _TAKEN else label


def alike(name: str) -> str:
    """Return a key that is equal for names a file system may confuse: those that differ in case or Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def kept_text(name: str) -> str:
    """Return a name that JSON can hold: bytes that are not valid text are replaced."""
    return name.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def shown(name: str) -> str:
    """Return a name that is safe and short enough for display."""
    text = "".join("?" if _is_control(letter) else letter for letter in name)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 + 1 :]}"


def in_short(names: Collection[str]) -> str:
    """Return the first names as a list for a sentence, and the number of the others."""
    return ", ".join(map(shown, islice(names, 12))) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")


def refuse_other(wanted: str, offered: Collection[str], problem: str) -> None:
    """Raise ``PictureError`` where ``wanted`` is not in ``offered``."""
    if wanted and wanted not in offered:
        raise PictureError(f"{problem} {shown(wanted)!r}: choose one of {in_short(offered)}.")


def _is_control(letter: str) -> bool:
    # C: control, format, surrogate, private and unassigned; Zl and Zp separate lines. Two joiners are part of words in
    # several scripts.
    return letter not in "\u200c\u200d" and unicodedata.category(letter).startswith(("C", "Zl", "Zp"))
