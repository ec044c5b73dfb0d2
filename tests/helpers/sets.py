"""Picture sets as tests bring, see and change them. The one place that knows which functions of the package do it."""

import io
import os
import random
import shutil
import signal
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance, ImageOps

from emotion.core.progress import result_of
from emotion.data.editing import delete_pictures, describe_set, pack, relabel_pictures
from emotion.data.folders import list_folder
from emotion.data.importing import Bring, FromFiles, FromPath
from emotion.data.limits import Limits
from emotion.data.sets import find_set
from helpers.command import Emotion

WRITING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}


# What makes another file of a picture that is still the same to anybody who looks.
COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda face: face.resize((112, 112)),
    "grey": lambda face: face.convert("L"),
    "mirrored": ImageOps.mirror,
    "brighter": lambda face: ImageEnhance.Brightness(face).enhance(1.15),
}


def image(seed: object, *, width: int = 40, height: int = 36) -> Image.Image:
    """Return a picture that is no near-duplicate of one with another seed."""
    pattern = Image.frombytes("RGB", (8, 8), random.Random(repr(seed)).randbytes(192))
    return pattern.resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return a picture as the bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def shot(seed: object, kind: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of a picture that is like no other."""
    return encoded(image(seed), kind, **options)


def claiming(width: int, height: int) -> bytes:
    """Return a small PNG whose header claims many pixels."""
    content = bytearray(shot(1))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def jpeg_claiming(width: int, height: int, *, scans: int = 1) -> bytes:
    """Return a small baseline JPEG that claims a size and has so many scans."""
    content = bytearray(encoded(Image.new("RGB", (16, 16)), "JPEG", quality=50))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    scan = content.index(b"\xff\xda")
    return bytes(content[:scan]) + bytes(content[scan:-2]) * scans + b"\xff\xd9"


def of_a_phone(turn: int, maker: str = "a phone") -> Image.Exif:
    """Return what a phone writes beside a picture that lies turned: its maker, and the place."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = turn, maker
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.5)
    return exif


def plain_files(count: int = 2) -> dict[str, bytes]:
    """Return ``count`` pictures of each of two classes, by name."""
    return {f"{label}/{number}.png": shot((label, number)) for label in ("happy", "sad") for number in range(count)}


def shots(*names: str) -> dict[str, bytes]:
    """Return a picture of its own for each name."""
    return {f"{name}.png": shot(name) for name in names}


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files under a folder and return the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


Files = Mapping[str, bytes] | Iterable[tuple[str, bytes]]


def zipped(files: Files, *, method: int = zipfile.ZIP_DEFLATED, kinds: Mapping[str, int] | None = None) -> bytes:
    """Return a zip with these files in this order under exactly these names; ``kinds`` are their modes in Unix."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as made:
        warnings.simplefilter("ignore")  # Of one name that is there twice, which is wanted here.
        for name, content in files.items() if isinstance(files, Mapping) else files:
            entry = zipfile.ZipInfo("x")
            entry.filename = name  # Python's own would take a zero byte and what follows it away.
            entry.create_system, entry.external_attr = 3, (kinds or {}).get(name, 0o100644) << 16
            made.writestr(entry, content, method)
    return buffer.getvalue()


def odd_zip(path: Path, files: Files) -> Path:
    """Write such a zip."""
    path.write_bytes(zipped(files))
    return path


def tree(*folders: Path) -> set[str]:
    """Return everything under folders, but for the folder of sets, its lock and the folder where scratch may lie."""
    found = {str(path.relative_to(folder)) for folder in folders for path in folder.rglob("*")}
    return found - {"sets", "sets/.sets-lock", ".sets-lock", "scratch"}


def listed(folder: Path) -> dict[str, int]:
    """Return how many pictures of each class a training finds in a folder."""
    return {label: len(names) for label, names in list_folder(folder).files.items()}


def import_steps(source: Path, root: Path, *, name: str = "mine", **limits: Any) -> Generator[Any, None, Any]:
    """Begin an import within limits; each step says what it is doing."""
    return Bring(FromPath(source), name=name, root=root, limits=Limits(**limits)).steps()


@dataclass(frozen=True)
class Made:
    """A set, by what ``pictures show --json`` says of it."""

    told: dict[str, Any]

    @property
    def folder(self) -> Path:
        return Path(self.told["set"])

    @property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.told["classes"]
        # Whatever is said of a set, its folder holds: no picture more, none less, and none twice under one name.
        assert {path.name: len(list(path.iterdir())) for path in self.folder.iterdir() if path.is_dir()} == counts
        return counts

    @property
    def left_out(self) -> dict[str, str]:
        return {each["original"]: each["reason"] for each in self.told["skipped_files"]}

    @property
    def near(self) -> list[tuple[str, str, str]]:
        return [(each["file"], each["like"], each["set"]) for each in self.told["near"]]

    @property
    def contents(self) -> list[bytes]:
        return [path.read_bytes() for path in self.files()]

    def files(self, label: str = "*") -> list[Path]:
        return sorted(self.folder.glob(f"{label}/*"))

    def names(self, label: str = "*") -> list[str]:
        return [str(path.relative_to(self.folder)) for path in self.files(label)]


class Sets:
    """The sets of a test, in ``place/sets``, brought by the command line."""

    def __init__(self, emotion: Emotion, place: Path, elsewhere: Path) -> None:
        self.emotion, self.root, self.elsewhere = emotion, place / "sets", elsewhere
        self.watched = (place, elsewhere)

    def given(self, source: object) -> object:
        """Return where a source lies: files by their names are put into a folder first, bytes into a zip."""
        if isinstance(source, Mapping):
            shutil.rmtree(self.elsewhere / "given", ignore_errors=True)
            return put(self.elsewhere / "given", source)
        if isinstance(source, bytes):
            return put(self.elsewhere, {"given.zip": source}) / "given.zip"
        return source

    def bring(self, source: object, *options: object, name: str = "mine") -> Made:
        """Import a zip, a folder or a Parquet file, or what is given of one."""
        said = self.emotion("pictures", "import", "--name", name, self.given(source), *options, "--json")
        assert said.code == 0, said.err
        return Made(said.json)

    def refused(self, source: object, *options: object, name: str = "mine") -> str:
        """Import what has to be refused: return the one sentence, after a look that nothing was written anywhere."""
        source = self.given(source)
        before = tree(*self.watched)
        said = self.emotion("pictures", "import", "--name", name, source, *options, "--json")
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1), said
        assert tree(*self.watched) == before
        return said.err.strip()

    def within(self, source: object, *, name: str = "mine", owner: str | None = None, **limits: Any) -> Made:
        """Import within limits of one's own, as a server does for a visitor."""
        path = Path(str(self.given(source)))
        job = Bring(FromPath(path), name=name, root=self.root, limits=Limits(**limits), owner=owner)
        return self.show(result_of(job.carry_out()).key)

    def show(self, name: str = "mine") -> Made:
        return Made(self.emotion("pictures", "show", name, "--json").json)

    def names(self) -> list[str]:
        return [each["name"] for each in self.emotion("pictures", "list", "--json").json["sets"]]

    def add(self, label: str, files: Mapping[str, bytes], *, name: str = "mine", **limits: Any) -> Any:
        """Add files to a class as a page does: under names of their own that lie elsewhere."""
        folder = self.elsewhere / "uploads"
        put(folder, {f"upload-{number}": content for number, content in enumerate(files.values())})
        given = [(folder / f"upload-{number}", each) for number, each in enumerate(files)]
        job = Bring(FromFiles(given, label), into=name, root=self.root, limits=Limits(**limits))
        return result_of(job.carry_out())

    def relabel(self, files: list[str], label: str) -> int:
        return relabel_pictures(find_set("mine", root=self.root), dict.fromkeys(files, label))

    def delete_pictures(self, files: list[str]) -> int:
        return delete_pictures(find_set("mine", root=self.root), files)

    def describe(self, new: str, species: str, *, name: str = "mine") -> None:
        describe_set(find_set(name, root=self.root), name=new, species=species)

    def pack(self, to: Path, *, name: str = "mine") -> Path:
        return pack(find_set(name, root=self.root), to)


def signalled(action: Callable[[], object], *, at: int, how: signal.Signals = signal.SIGKILL) -> int | None:
    """Do something in a child that signals itself just before its ``at``-th change of a file or folder.

    Return its exit code, the signal as a negative number, or None where it was done before.
    """
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return None if code == 99 else code
    left = at

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in WRITING or (event == "open" and isinstance(arguments[2], int) and arguments[2] & 3):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), how)

    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.addaudithook(watch)
        code = int(action() or 0)
    finally:
        os._exit(99 if left > 0 else code)
