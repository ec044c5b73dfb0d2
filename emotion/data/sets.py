"""Imported picture sets: a folder of class folders each, with ``metadata.jsonl`` and, written last, ``set.json``.

``metadata.jsonl`` is as imagefolder reads it: ``file_name`` and ``label`` in every row. Opens no picture.
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
from typing import Any

from emotion.core import files as locks
from emotion.core.errors import PictureError
from emotion.core.files import as_json
from emotion.core.labels import in_order
from emotion.data.folders import OLD_SET_FILE, SET_FILE, Skipped, SourceKind
from emotion.data.names import alike, folder_name, shown

ROWS_FILE = "metadata.jsonl"
FILES = (SET_FILE, ROWS_FILE, OLD_SET_FILE)
SCHEMA, _OLD_SCHEMA = 2, 1
_FILE = re.compile(r"[^./\\][^/\\]*/[^./\\][^/\\]*")
# Their names begin with a dot, so that none is listed as a set. Whoever holds the lock may delete what nobody holds.
LOCK, BEGUN, GONE = ".sets-lock", ".begun-", ".deleted-set"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture of a set: ``file`` within the set, and ``original``, its relative name where it came from.

    ``width`` and ``height`` are in pixels; ``sha256`` is of the file as it lies here, ``source_sha256`` of the one that
    it came as, ``pixels`` of the upright picture, both empty where that is not known; ``fingerprint`` is the perceptual
    hash of ``emotion.data.duplicates``, 256 bits as hexadecimal digits.
    """

    file: str
    label: str
    sha256: str
    width: int
    height: int
    original: str
    fingerprint: str
    source_sha256: str = ""
    pixels: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PictureRow:
        """Return a row of a file. Raises ValueError, KeyError, TypeError where it is none, or leads out of its set."""
        file = value["file_name"]
        row = cls(file, **{name: value[name] for name in cls.__slots__ if name in value and name != "file"})
        if not _FILE.fullmatch(file) or not isinstance(row.label, str):
            raise ValueError(file)
        return row


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The same picture under several labels; since nobody can tell which is right, none of them is in the set."""

    originals: list[str]
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Likeness:
    """A picture that looks like another one, mirrored or not; ``share`` (0 to 1) of their fingerprints' bits differ.

    ``set`` is the folder of the set that ``like`` is in; empty for the same one.
    """

    file: str
    like: str
    set: str
    share: float


@dataclass(frozen=True)
class Manifest:
    """A set's name and species as a person gave them, when and what it was imported from (a Unix time), and its rows.

    ``identity`` is no other set's, whatever they are called. ``notes`` are sentences on how the source was read;
    ``duplicates`` counts exact copies, which are among ``skipped``. ``leftovers`` are files that a change brings or
    takes: where it is cut off, the next one deletes those of them that no row names.
    """

    identity: str
    name: str
    species: str
    created: float
    source: SourceKind
    pictures: list[PictureRow] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: int = 0
    contradictions: list[Contradiction] = field(default_factory=list)
    near_duplicates: list[Likeness] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return how many pictures each class has, in the order they are shown."""
        counted = Counter(row.label for row in self.pictures)
        return {label: counted[label] for label in in_order(set(counted))}

    @classmethod
    def from_json(cls, value: Any, rows: list[PictureRow]) -> Manifest:
        """Return what ``texts`` gave, or what was written before sets had an identity.
        Raises ValueError, KeyError, TypeError, AttributeError where it is torn, or of another schema.
        """
        if value["schema"] not in (SCHEMA, _OLD_SCHEMA):
            raise ValueError(f"schema {value['schema']}")
        created = float(value["created"])
        identity = value.get("identity") or hashlib.sha256(repr(created).encode()).hexdigest()[:32]
        return cls(
            str(identity), str(value["name"]), str(value["species"]), created, value["source"], rows,
            [Skipped(**each) for each in value["skipped"]], int(value["duplicates"]),
            [Contradiction(**each) for each in value["contradictions"]],
            [Likeness(**each) for each in value["near_duplicates"]],
            [*map(str, value["notes"])], [*map(str, value.get("leftovers", []))],
        )  # fmt: skip

    def texts(self) -> dict[str, str]:
        """Return what stands in a set's files, by their names, ``set.json`` last."""
        value = {"schema": SCHEMA, "classes": self.counts()} | asdict(replace(self, pictures=[]))
        del value["pictures"]
        # By hand, since asdict copies: a set may have fifty thousand rows.
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
        """The folder's name, which is unique among sets."""
        return self.folder.name

    @cached_property
    def manifest(self) -> Manifest:
        """What is known of it. Raises PictureError where its files are missing or torn."""
        try:
            return _read(self.folder.absolute(), tuple(_stamp(self.folder / name) for name in FILES))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise PictureError(
                f"{self.folder} is not a picture set that can be read: its {SET_FILE} or {ROWS_FILE} is missing, torn "
                "or of another version."
            ) from error


def sets_folder() -> Path:
    """Return where imported sets are kept: ``$EMOTION_SETS``, else ``sets`` in the working directory."""
    return Path(os.environ.get("EMOTION_SETS", "sets"))


def folders_in(root: Path) -> list[Path]:
    """Return the folders under ``root`` by name, but for those of an import that was cut off."""
    try:
        return sorted(path for path in root.iterdir() if not path.name.startswith(".") and path.is_dir())
    except OSError:
        return []


def list_sets(root: Path) -> list[SavedSet]:
    """Return the sets under ``root`` by name, those that are damaged too."""
    return [SavedSet(folder) for folder in folders_in(root) if _is_set(folder)]


def find_set(name: str, *, root: Path) -> SavedSet:
    """Return the set of that name, or of that folder, in any case. Raises PictureError where there is none."""
    names = {alike(name)}
    with contextlib.suppress(PictureError):
        names.add(alike(folder_name(name)))
    for found in list_sets(root):
        if alike(found.key) in names:
            return found
    raise PictureError(f"There is no picture set {shown(name)!r} in {root}: `pictures list` names those there are.")


def identity_of(folder: Path) -> str:
    """Return the identity of the imported set that lies in a folder; empty for any other folder."""
    with contextlib.suppress(PictureError):
        return SavedSet(folder).manifest.identity if _is_set(folder) else ""
    return ""


def delete_set(found: SavedSet) -> None:
    """Delete a set and its pictures for good; what it was imported from stays where it is.
    Raises PictureError where another import or deletion goes on, or the folder cannot be moved.
    """
    gone = found.folder.parent / GONE
    with alone(gone.parent):
        try:
            found.folder.rename(gone)  # First, so that nobody sees half a set.
        except OSError as error:
            raise PictureError(
                f"{found.key} cannot be deleted ({error.strerror}): see to its folder's permissions."
            ) from error
        shutil.rmtree(gone, ignore_errors=True)


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the folder of sets for this process, and delete what killed ones left in it. It is made where it lacks.
    Raises PictureError where another process holds it for long, or it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            root.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.hold(root / LOCK, patience_seconds=PATIENCE_SECONDS))
            (root / LOCK).touch()  # Where an import that was refused has just taken the folder away again.
        except BlockingIOError as error:
            raise PictureError(f"Another import is writing to {root}: try again when it is done.") from error
        except OSError as error:
            raise PictureError(
                f"{root} cannot be written ({error.strerror}): choose another folder for sets, or free it."
            ) from error
        for left in (root / GONE, *root.glob(f"{BEGUN}*")):
            if not locks.is_held(left / LOCK):
                shutil.rmtree(left, ignore_errors=True)
        yield


@contextlib.contextmanager
def workspace(root: Path) -> Iterator[Path]:
    """Give a folder beside the sets to prepare one in. It goes at the end, or with the next import after a crash.

    The folder of sets goes too where it was made for this and nothing has come into it.
    Raises PictureError as ``alone``.
    """
    beside, is_new = root / f"{BEGUN}{secrets.token_hex(6)}", not root.exists()
    with contextlib.ExitStack() as stack:
        with alone(root):
            stack.callback(_leave, beside, is_new=is_new)
            try:
                beside.mkdir()
                stack.enter_context(locks.hold(beside / LOCK))
            except OSError as error:
                raise PictureError(f"{root} cannot be written ({error.strerror}): make room there.") from error
        yield beside


def _leave(beside: Path, *, is_new: bool) -> None:
    root = beside.parent
    shutil.rmtree(beside, ignore_errors=True)
    if is_new:
        with contextlib.suppress(OSError), locks.hold(root / LOCK):
            if [path.name for path in root.iterdir()] == [LOCK]:
                (root / LOCK).unlink()
                root.rmdir()


def _is_set(folder: Path) -> bool:
    return (folder / SET_FILE).is_file() or (folder / OLD_SET_FILE).is_file()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    with contextlib.suppress(FileNotFoundError):
        stat = path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
    return None


# A page asks for its sets at every click, and 50,000 rows take half a second to read.
@lru_cache(maxsize=16)
def _read(folder: Path, stamps: tuple[tuple[int, int, int] | None, ...]) -> Manifest:
    if stamps[0] is None:
        value = json.loads((folder / OLD_SET_FILE).read_text(encoding="utf-8"))
        rows = [row | {"file_name": row["file"]} for row in value["pictures"]]
    else:
        value = json.loads((folder / SET_FILE).read_text(encoding="utf-8-sig"))
        with (folder / ROWS_FILE).open(encoding="utf-8-sig") as lines:
            rows = [json.loads(line) for line in lines if line.strip()]
    return Manifest.from_json(value, [*map(PictureRow.from_json, rows)])
