"""An import is a whole set or nothing: what is kept of each picture, what is told, and what a folder may hold."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageEnhance, ImageOps, PngImagePlugin
from zips import encoded, image, imported, make_zip, picture, plain_files, reasons, tree

from emotion.errors import ConfigError, PictureError
from emotion.pictures.decoding import open_picture
from emotion.pictures.drawn import DRAWN_FOLDER
from emotion.pictures.folders import hash_file, list_pictures
from emotion.sets import importing, saved
from emotion.sets.importing import import_set
from emotion.sets.limits import Limits
from emotion.sets.saved import delete_set, find_set, list_sets

ROOT = Path(__file__).parents[2]
SECRET = b"Rosa's kitchen"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "sets"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes with two pictures each."""
    for name, content in plain_files().items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "photos"


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def refused(source: Path, root: Path, **options: object) -> str:
    before = tree(root.parent)
    with pytest.raises(PictureError) as caught:
        imported(source, root, **options)
    assert tree(root.parent) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_zip_and_a_folder_of_the_same_pictures_give_the_same_set(folder: Path, root: Path, tmp_path: Path) -> None:
    made = make_zip(tmp_path / "photos.zip", plain_files())
    first = imported(folder, root, name="first", species="Dog")
    second = imported(made, root, name="second", species="dog")
    assert first.manifest.pictures == second.manifest.pictures
    assert (first.manifest.source, second.manifest.source) == ("folder", "zip")
    assert first.manifest.species == second.manifest.species == "dog"
    assert {label: len(paths) for label, paths in list_pictures(first.folder).items()} == {"happy": 2, "sad": 2}
    for row in first.manifest.pictures:
        assert hash_file(first.folder / row.file) == row.sha256
        assert (first.folder / row.file).read_bytes() == (folder / row.original).read_bytes()
        assert (row.width, row.height) == (40, 36)


def exif_of_a_phone(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, SECRET.decode()
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.5)
    return exif


def with_metadata(kind: str, orientation: int) -> bytes:
    exif, profile = exif_of_a_phone(orientation), b"a profile of colours"
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        text.add_text("Comment", SECRET.decode(), zip=False)
        return picture(kind, kind, exif=exif, pnginfo=text, icc_profile=profile)
    if kind == "JPEG":
        return picture(kind, kind, exif=exif, comment=SECRET, xmp=SECRET, icc_profile=profile) + SECRET
    if kind == "WEBP":
        return picture(kind, kind, exif=exif, xmp=SECRET, icc_profile=profile, quality=80) + SECRET
    if kind == "TIFF":
        return picture(kind, kind, exif=exif, compression="tiff_lzw")
    return picture(kind, kind, comment=SECRET) if kind == "GIF" else picture(kind, kind)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_places_and_names_go_and_the_pixels_stay_and_stand_upright(
    tmp_path: Path, root: Path, kind: str, orientation: int
) -> None:
    content = with_metadata(kind, orientation)
    assert SECRET in content or kind == "BMP"
    original = put(tmp_path / "photos", f"happy/1.{kind.lower()}", content)
    found = imported(tmp_path / "photos", root)
    [row] = found.manifest.pictures
    kept = found.folder / row.file
    assert SECRET not in kept.read_bytes()
    upright, again = open_picture(original), open_picture(kept)
    assert (row.width, row.height) == upright.size == again.size
    assert ImageChops.difference(upright, again).getbbox() is None
    with Image.open(kept) as opened:
        assert set(opened.getexif()) <= {0x0112}
        assert not opened.getexif().get_ifd(0x8825)
        assert ("icc_profile" in opened.info) is (kind in ("JPEG", "PNG") or (kind == "WEBP" and orientation == 1))


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 1}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpegs_of_every_make_keep_their_coded_pixels(
    tmp_path: Path, root: Path, mode: str, options: dict[str, object]
) -> None:
    content = encoded(image(mode).convert(mode), "JPEG", exif=exif_of_a_phone(1), **options)
    original = put(tmp_path / "photos", "happy/1.jpg", content)
    found = imported(tmp_path / "photos", root)
    kept = (found.folder / found.manifest.pictures[0].file).read_bytes()
    assert SECRET not in kept
    # From the first quantisation table on, all is as it was.
    assert kept[kept.index(b"\xff\xdb") :] == content[content.index(b"\xff\xdb") :]
    assert (
        ImageChops.difference(open_picture(original), open_picture(found.folder / "happy/0001.jpg")).getbbox() is None
    )


def test_a_clean_picture_is_kept_byte_for_byte_and_named_by_what_it_is(tmp_path: Path, root: Path) -> None:
    contents = {kind: picture(kind, kind) for kind in ("JPEG", "PNG", "WEBP")}
    for kind, content in contents.items():
        put(tmp_path / "photos", f"happy/{kind}.bmp", content)
    found = imported(tmp_path / "photos", root)
    assert [row.file for row in found.manifest.pictures] == ["happy/0001.jpg", "happy/0002.png", "happy/0003.webp"]
    for row, content in zip(found.manifest.pictures, contents.values(), strict=True):
        assert (found.folder / row.file).read_bytes() == content


def test_of_an_animation_the_first_frame_is_kept(tmp_path: Path, root: Path) -> None:
    frames = [image("first", width=32, height=32), image("second", width=32, height=32)]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        put(tmp_path / "photos", f"{kind}/1.{kind.lower()}", content)
    found = imported(tmp_path / "photos", root)
    assert set(found.manifest.counts()) <= {"GIF", "WEBP", "PNG"}
    for row in found.manifest.pictures:
        with Image.open(found.folder / row.file) as opened:
            assert getattr(opened, "n_frames", 1) == 1
        before = open_picture(tmp_path / "photos" / row.original)
        assert ImageChops.difference(before, open_picture(found.folder / row.file)).getbbox() is None


def test_a_picture_in_a_picture_goes_with_what_follows_its_end(tmp_path: Path, root: Path) -> None:
    """As in phones' files of several pictures (MPO), each with a place of its own."""
    content = encoded(image(1), "MPO", save_all=True, append_images=[image(2)], exif=exif_of_a_phone(1))
    put(tmp_path / "photos", "happy/1.jpg", content)
    found = imported(tmp_path / "photos", root)
    kept = found.folder / found.manifest.pictures[0].file
    assert kept.read_bytes().count(b"\xff\xd8\xff") == 1
    assert kept.suffix == ".jpg"


def test_an_exact_copy_is_left_out_and_counted_even_where_only_its_metadata_differ(folder: Path, root: Path) -> None:
    put(folder, "happy/a copy.png", (folder / "happy/0.png").read_bytes())
    put(folder, "happy/from a phone.png", picture(("happy", 0), exif=exif_of_a_phone(1)))
    found = imported(folder, root)
    assert reasons(found) == {
        "happy/a copy.png": "It is the same picture as happy/0.png.",
        "happy/from a phone.png": "It is the same picture as happy/0.png.",
    }
    assert (found.manifest.duplicates, found.manifest.counts()) == (2, {"happy": 2, "sad": 2})


def test_one_picture_under_two_labels_is_a_contradiction_and_in_neither(folder: Path, root: Path) -> None:
    put(folder, "sad/again.png", (folder / "happy/0.png").read_bytes())
    found = imported(folder, root)
    [contradiction] = found.manifest.contradictions
    assert (contradiction.originals, contradiction.labels) == (["happy/0.png", "sad/again.png"], ["happy", "sad"])
    assert found.manifest.counts() == {"happy": 1, "sad": 2}
    assert set(reasons(found).values()) == {"It stands under several labels: happy, sad."}


def test_under_one_name_a_contradiction_is_a_copy(folder: Path, root: Path) -> None:
    put(folder, "Joy/again.png", (folder / "happy/0.png").read_bytes())
    found = imported(folder, root, use_aliases=True)
    assert (found.manifest.contradictions, found.manifest.duplicates) == ([], 1)
    assert found.manifest.counts() == {"happy": 2, "sad": 2}


def test_other_names_of_the_emotions_are_kept_unless_asked_for(folder: Path, root: Path) -> None:
    (folder / "happy").rename(folder / "Joy")
    assert imported(folder, root, name="as named").manifest.counts() == {"sad": 2, "Joy": 2}
    assert imported(folder, root, name="as meant", use_aliases=True).manifest.counts() == {"happy": 2, "sad": 2}


@pytest.mark.parametrize(
    "change",
    [
        lambda face: face.resize((112, 112)),
        lambda face: face.convert("L"),
        ImageOps.mirror,
        lambda face: ImageEnhance.Brightness(face).enhance(1.15),
    ],
    ids=["half the size", "grey", "mirrored", "brighter"],
)
def test_near_duplicates_are_told_within_a_set_and_between_sets_and_kept(root: Path, tmp_path: Path, change) -> None:
    faces = list_pictures(DRAWN_FOLDER / "human_eval")["happy"][:6]
    for number, face in enumerate(faces):
        put(tmp_path / "first", f"happy/{number}.webp", face.read_bytes())
        changed = encoded(change(open_picture(face)).convert("RGB"), "JPEG", quality=80)
        put(tmp_path / "second", f"sad/{number}.jpg", changed)
    first = imported(tmp_path / "first", root, name="first")
    assert first.manifest.near_duplicates == []
    second = imported(tmp_path / "second", root, name="second")
    assert [(each.file, each.like, each.set) for each in second.manifest.near_duplicates] == [
        (f"sad/{number:04}.jpg", f"happy/{number:04}.webp", "first") for number in range(1, 7)
    ]
    delete_set(first)
    delete_set(second)
    both = tmp_path / "both"
    shutil.copytree(tmp_path / "first", both)
    shutil.copytree(tmp_path / "second", both, dirs_exist_ok=True)
    found = imported(both, root, name="both")
    assert found.manifest.counts() == {"happy": 6, "sad": 6}
    assert [(each.file, each.like, each.set) for each in found.manifest.near_duplicates] == [
        (f"sad/{number:04}.jpg", f"happy/{number:04}.webp", "") for number in range(1, 7)
    ]


def test_a_damaged_set_beside_it_stops_no_import(folder: Path, root: Path) -> None:
    imported(folder, root, name="first")
    (root / "first" / "manifest.json").write_text('{"schema": 1, "pictures": [{"fingerprint": "zz"}]}')
    assert imported(folder, root, name="second").manifest.near_duplicates == []


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("My dogs, 2024", "My-dogs-2024"),
        ("dog_eval", "dog_eval"),
        ("../../evil", "evil"),
        ("/etc/passwd", "etc-passwd"),
        ("...hidden", "hidden"),
        ("__x__", "x"),
        ("犬の写真", "犬の写真"),
        ("سعيد", "سعيد"),
        ("नमस्ते", "नमस्ते"),
        ("ﬁne ＣＡＴ", "fine-CAT"),
        ("a\nb\x1b[31m\u202ec", "a-b-31m-c"),
        ("x" * 60, "x" * 60),
        ("😀 dogs", "dogs"),
    ],
)
def test_a_name_of_any_script_is_made_into_a_safe_folder(folder: Path, root: Path, name: str, made: str) -> None:
    found = imported(folder, root, name=name)
    assert found.folder == root / made
    assert find_set(name, root=root) == find_set(made.upper(), root=root) == found
    assert found.manifest.name.isprintable()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "The name '' holds no letter and no digit: choose one that does."),
        ("../..", "The name '../..' holds no letter and no digit: choose one that does."),
        ("😀", "The name '😀' holds no letter and no digit: choose one that does."),
        ("x" * 300, "The name has 300 characters: use at most 60."),
        ("ﷺ" * 10, "The name has 180 characters: use at most 60."),
        ("CON", "Windows keeps the name 'CON' for a device: choose another one."),
        (".nul", "Windows keeps the name '.nul' for a device: choose another one."),
        ("ＣＯＭ¹", "Windows keeps the name 'ＣＯＭ¹' for a device: choose another one."),
    ],
)
def test_a_name_that_cannot_be_kept_is_one_sentence(folder: Path, root: Path, name: str, sentence: str) -> None:
    assert refused(folder, root, name=name) == sentence


@pytest.mark.parametrize("again", ["Dogs", "dogs", "DOGS!", "ｄｏｇｓ"])
def test_a_name_that_is_taken_for_some_file_system_is_refused(folder: Path, root: Path, again: str) -> None:
    first = imported(folder, root, name="Dogs")
    assert refused(folder, root, name=again) == (
        "There is a picture set 'Dogs' already: choose another name, or delete that one."
    )
    assert list_sets(root) == [first]


def test_a_species_that_is_too_long_is_one_sentence(folder: Path, root: Path) -> None:
    assert "The species has 41 characters" in refused(folder, root, species="x" * 41)


def test_links_pipes_and_sockets_in_a_folder_are_left_out_and_nothing_waits(folder: Path, root: Path) -> None:
    secret = put(root.parent, "secret.png", picture("secret"))
    (folder / "happy/link.png").symlink_to(secret)
    (folder / "linked").symlink_to(root.parent)
    (folder / "happy/round").symlink_to(folder)
    os.mkfifo(folder / "happy/pipe.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "sad/s.png"))
        found = imported(folder, root)
    assert reasons(found) == {
        "happy/link.png": "It is a link to another file.",
        "happy/pipe.png": "It is no plain file.",
        "happy/round": "It is a link to another file.",
        "linked": "It is a link to another file.",
        "sad/s.png": "It is no plain file.",
    }
    assert len(found.manifest.pictures) == 4


def test_a_pipe_is_no_source(root: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    assert refused(tmp_path / "pipe.zip", root).startswith("There is no zip and no folder")
    assert refused(tmp_path / "nowhere", root).startswith("There is no zip and no folder")


def test_folders_a_hundred_deep_are_not_looked_into(folder: Path, root: Path) -> None:
    deep = folder
    for _ in range(100):
        deep = deep / "d"
    deep.mkdir(parents=True)
    found = imported(folder, root)
    assert list(reasons(found).values()) == ["It lies more than 32 folders deep, the limit."]


def test_names_that_are_no_text_are_kept_readable(folder: Path, root: Path) -> None:
    (folder / "happy").rename(os.fsdecode(os.fsencode(folder) + b"/fr\xf6hlich"))
    found = imported(folder, root)
    assert set(found.manifest.counts()) == {"sad", "fr���hlich"}
    assert list_sets(root)[0].manifest == found.manifest


@pytest.mark.parametrize("limits", [{"files": 3}, {"pictures": 3}, {"bytes": 100}])
def test_a_folder_beyond_a_limit_is_refused(folder: Path, root: Path, limits: dict[str, int]) -> None:
    assert "the limit is" in refused(folder, root, limits=Limits(**limits))


@pytest.mark.parametrize("limits", [{"files": 0}, {"ratio": -1.0}, {"pixels": 10**9}])
def test_a_limit_that_is_none_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="The limit"):
        Limits(**limits)


def test_a_file_that_is_gone_since_it_was_listed_is_left_out(folder: Path, root: Path) -> None:
    steps = import_set(folder, name="mine", root=root)
    next(steps)
    (folder / "sad/1.png").unlink()
    (folder / "sad/0.png").unlink()
    os.mkfifo(folder / "sad/0.png")
    list(steps)
    [found] = list_sets(root)
    assert reasons(found) == {
        "sad/0.png": "It is no plain file.",
        "sad/1.png": "It cannot be read (No such file or directory).",
    }


def test_a_file_that_is_swapped_for_a_link_since_it_was_listed_is_not_followed(folder: Path, root: Path) -> None:
    secret = put(root.parent, "secret.png", (folder / "sad/1.png").read_bytes())
    steps = import_set(folder, name="mine", root=root)
    next(steps)
    (folder / "sad/1.png").unlink()
    (folder / "sad/1.png").symlink_to(secret)
    list(steps)
    [found] = list_sets(root)
    assert list(reasons(found)) == ["sad/1.png"]


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_folder_that_changes_between_the_looks_is_refused_whole(folder: Path, root: Path, is_gone: bool) -> None:
    steps = import_set(folder, name="mine", root=root)
    while not next(steps).doing.startswith("writing"):
        pass
    changed = folder / "sad/1.png"
    changed.unlink() if is_gone else changed.write_bytes(picture("another")[: changed.stat().st_size])
    with pytest.raises(PictureError, match=r"photos changed while it was read \(sad/1.png\)"):
        list(steps)
    assert tree(root) == {".sets-lock"}


@pytest.mark.parametrize("when", ["checking", "comparing", "writing"])
def test_to_close_an_import_leaves_nothing_and_the_next_one_is_free(folder: Path, root: Path, when: str) -> None:
    steps = import_set(folder, name="mine", root=root)
    while not next(steps).doing.startswith(when):
        pass
    steps.close()
    assert tree(root) <= {".sets-lock"}
    assert len(imported(folder, root).manifest.pictures) == 4


def test_nothing_is_written_before_all_is_checked(folder: Path, root: Path) -> None:
    for step in import_set(folder, name="mine", root=root):
        if step.doing.startswith(("checking", "comparing")):
            assert not root.exists()
    assert root.exists()


def test_progress_counts_up_to_its_total(folder: Path, root: Path) -> None:
    steps = [(step.doing, step.done, step.total) for step in import_set(folder, name="mine", root=root)]
    assert steps == [
        *[("checking 4 pictures", number, 4) for number in range(4)],
        ("comparing the pictures with one another", 0, 0),
        *[("writing 4 pictures", number, 4) for number in range(4)],
    ]


def test_of_two_imports_at_once_under_one_name_one_is_refused(folder: Path, root: Path) -> None:
    first = import_set(folder, name="mine", root=root)
    while not next(first).doing.startswith("comparing"):
        pass
    imported(folder, root, name="Mine")
    with pytest.raises(PictureError, match="There is a picture set 'Mine'"):
        list(first)
    assert [each.key for each in list_sets(root)] == ["Mine"]


def test_while_one_import_writes_another_waits_and_then_says_so(
    folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "PATIENCE_SECONDS", 0.1)
    first = import_set(folder, name="first", root=root)
    while not next(first).doing.startswith("writing"):
        pass
    with pytest.raises(PictureError, match="Another import is writing"):
        imported(folder, root, name="second")
    monkeypatch.setattr(saved, "PATIENCE_SECONDS", 20.0)
    waiting = threading.Thread(target=lambda: imported(folder, root, name="second"))
    waiting.start()
    list(first)
    waiting.join()
    assert [each.key for each in list_sets(root)] == ["first", "second"]


KILLED = """
import os, signal, sys
from pathlib import Path
from emotion.sets.importing import import_set
for step in import_set(Path(sys.argv[1]), name="killed", root=Path(sys.argv[2])):
    if step.doing.startswith("writing") and step.done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_in_the_middle_leaves_no_half_set_and_the_next_import_cleans_up(folder: Path, root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, folder, root], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    left = tree(root)
    assert {path for path in left if path.endswith(".png")}, "the kill came too early to prove anything"
    assert list_sets(root) == []
    assert {Path(path).parts[0] for path in left} == {".sets-lock", ".begun-set"}
    found = imported(folder, root, name="killed")
    assert list_sets(root) == [found]
    assert {path.name for path in root.iterdir()} == {".sets-lock", "killed"}


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for many bytes and few files."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=6", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("A small file system can only be mounted by root, on Linux.")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_is_one_sentence_and_leaves_no_half_set(folder: Path, tiny_disk: Path) -> None:
    root = tiny_disk / "sets"
    with pytest.raises(PictureError, match=r"cannot be written to .* \(No space left on device\): make room"):
        imported(folder, root)
    assert tree(root) == {".sets-lock"}


def test_a_set_that_finds_no_room_is_refused_before_it_is_written(
    folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert "where 1.0 KB are free: make room." in refused(folder, root)


def test_a_file_in_place_of_the_sets_folder_is_one_sentence(folder: Path, root: Path) -> None:
    root.write_text("")
    assert "cannot be written" in refused(folder, root)


def test_a_deleted_set_is_gone_and_what_is_no_set_is_left_alone(folder: Path, root: Path) -> None:
    found = imported(folder, root)
    put(root, "precious/letter.txt", b"")
    delete_set(find_set("mine", root=root))
    assert {path.name for path in root.iterdir()} == {".sets-lock", "precious"}
    assert not found.folder.exists()
    for name in ("mine", "precious", "../photos", "", "..", ".sets-lock"):
        with pytest.raises(PictureError, match="There is no picture set"):
            find_set(name, root=root)
    assert len(tree(folder)) == 6


MEASURED = """
import resource, sys
from pathlib import Path
from emotion.sets.importing import import_set
for step in import_set(Path(sys.argv[1]), name="many", root=Path(sys.argv[2])):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize(("few", "many"), [(100, 1300), pytest.param(300, 6000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_pictures(tmp_path: Path, few: int, many: int) -> None:
    """Each picture has 28 KB as a file and as pixels; what is noted of it has about 2 KB."""
    peaks = {}
    for count in (few, many):
        files = ((f"{number % 4}/{number}.png", encoded(noise(number), "PNG")) for number in range(count))
        source = make_zip(tmp_path / f"{count}.zip", files)
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, source, tmp_path / str(count)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        peaks[count] = int(done.stdout)
        [found] = list_sets(tmp_path / str(count))
        assert len(found.manifest.pictures) == count
    kilobytes_each = (peaks[many] - peaks[few]) / (many - few)
    assert kilobytes_each < 7, peaks


def noise(number: int) -> Image.Image:
    return Image.frombytes("RGB", (96, 96), random.Random(number).randbytes(96 * 96 * 3))


def test_the_import_needs_neither_torch_nor_gradio() -> None:
    code = (
        "import sys; import emotion.sets.importing\n"
        "assert not {'torch', 'transformers', 'gradio', 'datasets', 'plotly'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_import_of_an_imported_set_is_the_same_again(folder: Path, root: Path) -> None:
    first = imported(folder, root, name="first")
    second = imported(first.folder, root, name="second")
    rows = [(row.file, row.sha256) for row in first.manifest.pictures]
    assert rows == [(row.file, row.sha256) for row in second.manifest.pictures]
    assert all(row.file == row.original for row in second.manifest.pictures)
    assert time.time() - second.manifest.created < 60
    assert importing.sets_folder().name
