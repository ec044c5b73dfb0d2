"""Imported picture sets: class folders, with ``metadata.jsonl`` and, written last, ``set.json``.

``metadata.jsonl`` has imagefolder's format: ``file_name`` and ``label`` in every row. Opens no picture.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from emotion.core.errors import PictureError
from emotion.core.files import as_json, hold, is_held
from emotion.core.labels import in_order
from emotion.data.folders import OLD_SET_FILE, ROWS_FILE, SET_FILE, Skipped, SourceKind
from emotion.data.names import alike, folder_name, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FILES = (SET_FILE, ROWS_FILE, OLD_SET_FILE)
SCHEMA, _OLD_SCHEMA = 2, 1
_FILE = re.compile(r"[^./\\][^/\\]*/[^./\\][^/\\]*")
# The dot hides these names from the list of sets. The holder of the lock may delete any that no process holds.
LOCK, BEGUN, GONE = ".sets-lock", ".begun-", ".deleted-set"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture of a set; empty hashes are unknown."""

    file: str  # within the set
    label: str
    sha256: str  # of the stored file
    width: int  # in pixels
    height: int
    original: str  # its relative name in the source
    fingerprint: str  # as in emotion.data.duplicates: 256 bits as hexadecimal digits
    source_sha256: str = ""  # of the original file
    pixels: str = ""  # SHA-256 of the upright picture

    def __post_init__(self) -> None:
        if not _FILE.fullmatch(self.file):
            raise ValueError(f"{self.file} leads out of its set")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The same picture under several labels; since it is unknown which is right, none is in the set."""

    originals: list[str]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Likeness:
    """A near-duplicate of another picture, mirrored or not."""

    file: str
    like: str
    set: str  # the folder of the set that holds ``like``; empty for the same set
    share: float  # of their fingerprints' bits that differ, 0 to 1


@dataclass(frozen=True)
class Manifest:
    """What is known of a set; its name and species are given by a person."""

    identity: str  # unique, whatever the names
    name: str
    species: str
    created: float  # Unix time
    source: SourceKind
    pictures: list[PictureRow] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: int = 0  # exact copies, which are also in ``skipped``
    contradictions: list[Contradiction] = field(default_factory=list)
    near_duplicates: list[Likeness] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # on how the source was read

    def counts(self) -> dict[str, int]:
        """Return the number of pictures of each class, in display order."""
        counts = Counter(row.label for row in self.pictures)
        return {label: counts[label] for label in in_order(set(counts))}

    def with_rows(self, rows: Mapping[str, PictureRow]) -> Manifest:
        """Return the set with these rows alone, given by the present names of their files."""
        near = [
            replace(each, file=rows[each.file].file, like=each.like if each.set else rows[each.like].file)
            for each in self.near_duplicates
            if each.file in rows and (each.set or each.like in rows)
        ]
        return replace(self, pictures=[*rows.values()], near_duplicates=near)

    def texts(self) -> dict[str, str]:
        """Return the content of a set's files by name, ``set.json`` last."""
        value = {"schema": SCHEMA, "classes": self.counts()} | asdict(replace(self, pictures=[]))
        del value["pictures"]
        # Built by hand, since asdict copies every value: a set may have fifty thousand rows.
        names = PictureRow.__slots__[1:]
        rows = ({"file_name": row.file} | {name: getattr(row, name) for name in names} for row in self.pictures)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return {ROWS_FILE: lines, SET_FILE: as_json(value)}


@dataclass(frozen=True)
class SavedSet:
    """An imported set, whose files are read once."""

    folder: Path

    @property
    def key(self) -> str:
        """The folder's name, unique among sets."""
        return self.folder.name

    @cached_property
    def manifest(self) -> Manifest:
        """The set's manifest. Raises PictureError where its files are missing or damaged."""
        try:
            return _read(self.folder.absolute(), tuple(_stamp(self.folder / name) for name in FILES))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise PictureError(
                f"{self.folder} is not a picture set that can be read: its {SET_FILE} or {ROWS_FILE} is missing, torn "
                "or of another version."
            ) from error


def sets_folder() -> Path:
    """Return the folder of imported sets: ``$EMOTION_SETS``, else ``sets`` in the working directory."""
    return Path(os.environ.get("EMOTION_SETS", "sets"))


def list_sets(root: Path) -> list[SavedSet]:
    """Return the sets under ``root`` by name, including damaged ones, but no interrupted import."""
    return [SavedSet(folder) for folder in sorted(root.glob("[!.]*")) if _is_set(folder)]


def find_set(name: str, *, root: Path) -> SavedSet:
    """Return the set with that name or folder, in any case. Raises PictureError where there is none."""
    names = {alike(name)}
    with contextlib.suppress(PictureError):
        names.add(alike(folder_name(name)))
    for found in list_sets(root):
        if alike(found.key) in names:
            return found
    raise PictureError(f"There is no picture set {shown(name)!r} in {root}: `pictures list` names those there are.")


def identity_of(folder: Path) -> str:
    """Return the identity of the imported set in a folder; empty for any other folder."""
    with contextlib.suppress(PictureError):
        return SavedSet(folder).manifest.identity if _is_set(folder) else ""
    return ""


def delete_set(found: SavedSet) -> None:
    """Delete a set and its pictures for good; the source of the import stays.
    Raises PictureError where another import or deletion is running, or the folder cannot be moved.
    """
    gone = found.folder.parent / GONE
    with alone(gone.parent), written("The set"):
        found.folder.rename(gone)  # First, so that a half-deleted set is never visible.
        shutil.rmtree(gone, ignore_errors=True)


@contextlib.contextmanager
def written(what: str) -> Iterator[None]:
    """Raise ``PictureError`` where the block cannot write: the disk is full, or somebody else's."""
    try:
        yield
    except BlockingIOError as error:
        raise PictureError(f"Another import is writing to {what}: try again when it is done.") from error
    except OSError as error:
        raise PictureError(
            f"{what} cannot be written ({error.strerror}): make room, or see to its folder's permissions."
        ) from error


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Lock the folder of sets for this process, creating it if needed, and delete what killed processes left in it.
    Raises PictureError where another process holds the lock for long, or the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with written(str(root)):
            root.mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold(root / LOCK, patience_seconds=PATIENCE_SECONDS))
        for left in (root / GONE, *root.glob(f"{BEGUN}*")):
            if not is_held(left / LOCK):
                shutil.rmtree(left, ignore_errors=True)
        yield


@contextlib.contextmanager
def workspace(root: Path) -> Iterator[Path]:
    """Give a temporary folder next to the sets. It is deleted at the end, or by the next import after a crash.
    Raises PictureError as ``alone``; OSError where the folder is full.
    """
    beside = root / f"{BEGUN}{secrets.token_hex(6)}"
    with contextlib.ExitStack() as stack:
        with alone(root):
            stack.callback(shutil.rmtree, beside, ignore_errors=True)
            beside.mkdir()
            stack.enter_context(hold(beside / LOCK))
        yield beside


def _is_set(folder: Path) -> bool:
    return (folder / SET_FILE).is_file() or (folder / OLD_SET_FILE).is_file()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    with contextlib.suppress(FileNotFoundError):
        stat = path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
    return None


# A page reads its sets at every click, and 50,000 rows take half a second.
@lru_cache(maxsize=16)
def _read(folder: Path, stamps: tuple[tuple[int, int, int] | None, ...]) -> Manifest:
    if stamps[0] is None:  # A set from before sets had an identity.
        value = json.loads((folder / OLD_SET_FILE).read_text(encoding="utf-8"))
        value["identity"] = hashlib.sha256(repr(float(value["created"])).encode()).hexdigest()[:32]
    else:
        value = json.loads((folder / SET_FILE).read_text(encoding="utf-8-sig"))
        with (folder / ROWS_FILE).open(encoding="utf-8-sig") as lines:
            rows = [json.loads(line) for line in lines if line.strip()]
        value["pictures"] = [row | {"file": row["file_name"]} for row in rows]
    if value["schema"] not in (SCHEMA, _OLD_SCHEMA):
        raise ValueError(f"schema {value['schema']}")
    return _adapter().validate_python(value)


@lru_cache
def _adapter() -> TypeAdapter[Manifest]:
    from pydantic import TypeAdapter  # Slow to import.

    return TypeAdapter(Manifest)
