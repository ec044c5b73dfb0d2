"""An import is a whole set or nothing: what is kept of each picture, what is told, and what a folder may hold."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from helpers.sets import COPIES, Sets, encoded, image, of_a_phone, plain_files, put, shot, signalled, tree, zipped
from helpers.sets import import_steps as begun
from PIL import Image, ImageChops, ImageStat, PngImagePlugin

from emotion.cli import main
from emotion.core.errors import PictureError, RefusedError
from emotion.core.owners import share
from emotion.data.decoding import open_picture

FACES = Path(__file__).parents[2] / "assets" / "faces"
SECRET = b"Rosa's kitchen"


def test_a_zip_and_a_folder_of_the_same_pictures_give_the_same_set(sets: Sets):
    first = sets.bring(plain_files(), "--species", "Dog", name="first")
    second = sets.bring(zipped(plain_files()), "--species", "dog", name="second")
    assert first.contents == second.contents == sets.bring(first.folder, name="again").contents
    assert first.counts == second.counts == {"happy": 2, "sad": 2}
    told = [(made.told["source"], made.told["species"]) for made in (first, second)]
    assert told == [("folder", "dog"), ("zip", "dog")]


def with_metadata(kind: str, turn: int) -> bytes:
    """Return a picture that says where it was made, wherever its format has room for that."""
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    text.add_text("Comment", SECRET.decode(), zip=False)
    options: dict[str, Any] = {
        "JPEG": {"comment": SECRET, "xmp": SECRET, "icc_profile": b"a profile", "quality": 95},
        "PNG": {"pnginfo": text, "icc_profile": b"a profile"},
        "WEBP": {"xmp": SECRET, "quality": 80},
        "MPO": {"save_all": True, "append_images": [image(1)]},  # A phone's file of several pictures.
        "TIFF": {"compression": "tiff_lzw"},
        "GIF": {"comment": SECRET},
    }[kind]
    exif = {} if kind == "GIF" else {"exif": of_a_phone(turn, SECRET.decode())}
    return shot((kind, turn), kind, **options, **exif) + (SECRET if kind in ("JPEG", "PNG", "WEBP") else b"")


def apart(one: Path, other: Path) -> float:
    """Return by how much two pictures differ in the mean, of 255; all of it where they lie otherwise."""
    first, second = open_picture(one), open_picture(other)
    return max(ImageStat.Stat(ImageChops.difference(first, second)).mean) if first.size == second.size else 255


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO", "TIFF", "GIF"])
def test_places_and_names_are_gone_from_every_kind_and_each_stands_upright(sets: Sets, tmp_path: Path, kind: str):
    suffix = {"MPO": "jpg"}.get(kind, kind.lower())
    given = put(tmp_path / "photos", {f"happy/{turn}.{suffix}": with_metadata(kind, turn) for turn in range(1, 9)})
    made = sets.bring(given)
    assert made.counts == {"happy": 8}
    for original, kept in zip(sorted((given / "happy").iterdir()), made.files(), strict=True):
        assert SECRET in original.read_bytes()
        assert SECRET not in kept.read_bytes()
        assert kept.read_bytes().count(b"\xff\xd8\xff") <= 1
        assert apart(original, kept) < 3
        with Image.open(kept) as opened:
            assert set(opened.getexif()) <= {0x0112}
            assert not opened.getexif().get_ifd(0x8825)
            assert not {"xmp", "comment", "Comment"} & set(opened.info)


def test_a_small_clean_picture_of_any_make_keeps_its_pixels_and_is_named_by_what_it_is(sets: Sets, tmp_path: Path):
    grey = Image.effect_noise((30, 20), 90)
    files = {f"{mode}/1.gif": encoded(image(mode).convert(mode), "JPEG") for mode in ("L", "CMYK")}
    files |= {f"{mode}/1.jpg": encoded(image(mode).convert(mode), "PNG") for mode in ("RGB", "RGBA", "P")}
    files |= {"I-16/1.bmp": encoded(grey.convert("I;16")), "webp/1.png": shot(2, "WEBP", lossless=True)}
    moving = {"save_all": True, "append_images": [image("second")]}
    files |= {"moving/1.bmp": shot(1, **moving), "waving/1.bmp": shot(3, "WEBP", lossless=True, **moving)}
    made = sets.bring(put(tmp_path / "photos", files))
    assert made.counts == dict.fromkeys(made.counts, 1)
    assert set(made.counts) == {name.split("/")[0] for name in files}
    for label in made.counts:
        [original], [kept] = (tmp_path / "photos" / label).iterdir(), made.files(label)
        assert apart(original, kept) == 0
        with Image.open(kept) as opened:
            assert {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[opened.format] == kept.suffix
            # Of an animation the first frame is kept.
            assert getattr(opened, "n_frames", 1) == 1


def test_an_exact_copy_is_left_out_and_counted_even_where_only_its_metadata_differ(sets: Sets):
    again = {"a copy.png": shot(("happy", 0)), "from a phone.png": shot(("happy", 0), exif=of_a_phone(1))}
    made = sets.bring(plain_files() | {f"happy/{name}": content for name, content in again.items()})
    assert set(made.left_out) == {"happy/a copy.png", "happy/from a phone.png"}
    assert set(made.left_out.values()) == {"It is the same picture as happy/0.png."}
    assert (made.told["duplicates"], made.counts) == (2, {"happy": 2, "sad": 2})


def test_one_picture_under_two_labels_is_a_contradiction_and_in_neither(sets: Sets):
    made = sets.bring(plain_files() | {"sad/again.png": shot(("happy", 0))})
    assert made.told["contradictions"] == [{"originals": ["happy/0.png", "sad/again.png"], "labels": ["happy", "sad"]}]
    assert made.counts == {"happy": 1, "sad": 2}
    assert set(made.left_out) == {"happy/0.png", "sad/again.png"}
    # Under one name it is a copy.
    made = sets.bring(plain_files() | {"Joy/again.png": shot(("happy", 0))}, "--use-aliases", name="as meant")
    assert (made.told["contradictions"], made.told["duplicates"]) == ([], 1)
    assert made.counts == {"happy": 2, "sad": 2}


def test_near_duplicates_are_told_within_a_set_and_between_sets_and_kept(sets: Sets):
    faces = sorted((FACES / "human_eval" / "happy").iterdir())
    changes = zip(faces, cycle(COPIES.values()), strict=False)
    copies = [change(open_picture(face)).convert("RGB") for face, change in changes]
    first = {f"happy/{row}.webp": face.read_bytes() for row, face in enumerate(faces)}
    second = {f"sad/{row}.jpg": encoded(copy, "JPEG") for row, copy in enumerate(copies)}
    made, other = sets.bring(first, name="first"), sets.bring(second, name="second")
    pairs = list(zip(other.names(), made.names(), strict=True))
    assert (made.near, other.near) == ([], [(like, of, "first") for like, of in pairs])
    shutil.rmtree(sets.root)
    both = sets.bring(first | second, name="both")
    assert both.counts == {"happy": len(faces), "sad": len(faces)}
    assert {frozenset(each[:2]) for each in both.near} == {frozenset(pair) for pair in pairs}


def test_fault_a_visitor_learns_nothing_of_a_set_that_they_may_not_see(sets: Sets, folder: Path):
    hers = sets.within(folder, name="hers", owner="anna")
    assert sets.within(folder, name="his", owner="bert").near == []
    assert sets.within(folder, name="everybodys").near == []
    with pytest.raises(RefusedError, match=r"^hers.* is not yours"):
        share(hers.folder, "bert", shared=True)
    share(hers.folder, "anna", shared=True)
    seen = {of for *_, of in sets.within(folder, name="his too", owner="bert").near}
    assert {of.partition("-")[0] for of in seen} == {"hers", "his", "everybodys"}


SAFE = {
    "My dogs, 2024": "My-dogs-2024", "dog_eval": "dog_eval", "../../evil": "evil", "/etc/passwd": "etc-passwd",
    "...hidden": "hidden", "__x__": "x", "犬の写真": "犬の写真", "سعيد": "سعيد", "नमस्ते": "नमस्ते", "x" * 60: "x" * 60,
    "ﬁne ＣＡＴ": "fine-CAT", "a\nb\x1b[31m\u202ec": "a-b-31m-c",
}  # fmt: skip
NOT_KEPT = {
    **dict.fromkeys((" ", "../..", "😀"), "holds no letter and no digit"), "x" * 300: "has 300 characters: use at most",
    "ﷺ" * 10: "has 180 characters",
    **dict.fromkeys(("Dogs", "dogs", "DOGS!", "ｄｏｇｓ"), "There is a picture set 'Dogs' already"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAFE)
def test_a_name_of_any_script_is_made_into_a_safe_folder(sets: Sets, folder: Path, name: str):
    made = sets.bring(folder, name=name)
    assert made.folder == sets.root / SAFE[name]
    assert sets.show(name).told == sets.show(SAFE[name].upper()).told == made.told
    assert made.told["name"].isprintable()


@pytest.mark.parametrize("name", NOT_KEPT)
def test_a_name_that_cannot_be_kept_or_is_taken_for_some_file_system_is_refused(sets: Sets, folder: Path, name: str):
    sets.bring(folder, name="Dogs")
    assert NOT_KEPT[name] in sets.refused(folder, name=name)
    assert sets.names() == ["Dogs"]


def test_a_link_to_a_picture_is_read_and_pipes_sockets_and_links_to_folders_are_left_out(sets: Sets, folder: Path):
    elsewhere = put(folder.parent, {"elsewhere.png": shot("elsewhere")})
    (folder / "happy/link.png").symlink_to(elsewhere / "elsewhere.png")
    (folder / "happy/gone.png").symlink_to(elsewhere / "gone.png")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "happy/round").symlink_to(folder)
    for loop in ("loop", "happy/loop.png", "sad/metadata.csv"):
        (folder / loop).symlink_to(Path(loop).name)
    os.mkfifo(folder / "happy/pipe.png")
    Path(folder, *["d"] * 40).mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "sad/s.png"))
        made = sets.bring(folder)
    words = dict.fromkeys(("happy/gone.png", "loop", "happy/loop.png", "sad/metadata.csv"), "")
    words |= {"happy/gone.png": "leads nowhere", "happy/round": "link to a folder", "linked": "link to a folder"}
    words |= {"happy/pipe.png": "no plain file", "sad/s.png": "no plain file"}
    words |= {"/".join("d" * 33): "more than 32 folders deep"}
    assert set(made.left_out) == set(words)
    assert all(words[name] in reason for name, reason in made.left_out.items())
    assert made.counts == {"happy": 3, "sad": 2}


def test_two_imports_at_once_leave_each_other_alone_and_of_one_name_one_is_refused(sets: Sets, folder: Path):
    first, late = (begun(folder, sets.root, name=name) for name in ("first", "SECOND"))
    for steps in (first, late, late, first):
        next(steps)
    list(begun(folder, sets.root, name="second"))
    list(first)
    with pytest.raises(PictureError, match="There is a picture set 'second'"):
        list(late)
    assert sets.names() == ["first", "second"]
    assert [sets.show(name).counts for name in sets.names()] == [{"happy": 2, "sad": 2}] * 2


def test_an_import_that_is_killed_at_any_moment_leaves_no_half_set_and_the_next_one_cleans_up(sets: Sets):
    folder = put(Path("photos"), plain_files(1))
    list(begun(folder, Path("warm")))  # What is imported here once is not imported by each child.
    for at in range(1, 100):
        done = signalled(lambda: list(begun(folder, sets.root)) and 0, at=at)
        if done is None:
            break
        assert done == -signal.SIGKILL
        if names := sets.names():
            assert sets.show().counts == {"happy": 1, "sad": 1}
            shutil.rmtree(sets.root / names[0])
    assert 5 < at < 99
    shutil.rmtree(sets.root / "mine")
    sets.bring(folder, name="last")
    assert {path.name for path in sets.root.iterdir() if path.is_dir()} == {"last"}


@pytest.mark.parametrize("at", [1, 2, 4, 8])
def test_an_interrupted_import_is_exit_code_130_and_leaves_nothing(sets: Sets, folder: Path, at: int):
    words = ["pictures", "import", str(folder), "--name", "mine"]
    assert signalled(lambda: main(words), at=at, how=signal.SIGINT) == 130
    assert tree(sets.root) == set()


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("mount"), reason="only root can mount a small file system")
@pytest.mark.parametrize("room", ["size=4m,nr_inodes=6", "size=8k"])
def test_a_disk_without_room_holds_no_half_set(sets: Sets, folder: Path, room: str):
    sets.root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", room, "tmpfs", sets.root]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Nothing may be mounted here.")
    try:
        assert "(No space left on device): make room" in sets.refused(folder)
    finally:
        subprocess.run(["umount", sets.root], check=True)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pictures(sets: Sets):
    """Each picture has 28 KB as a file and as pixels; what is noted of it has about 2 KB."""
    code = "import sys; from emotion.cli import main; main(sys.argv[1:]); print(open('/proc/self/status').read())"
    environment, peaks = {**os.environ, "PYTHONPATH": str(FACES.parents[1])}, list[int]()
    for count in (100, 1300):
        noise = (Image.frombytes("RGB", (96, 96), random.Random(row).randbytes(96 * 96 * 3)) for row in range(count))
        files = ((f"{row % 4}/{row}.png", encoded(picture)) for row, picture in enumerate(noise))
        words = ["pictures", "import", sets.given(zipped(files)), "--name", f"{count} pictures"]
        said = subprocess.run([sys.executable, "-c", code, *words], env=environment, capture_output=True, check=True)
        [peak] = re.findall(rb"VmHWM:\s+(\d+)", said.stdout)
        peaks.append(int(peak))
    assert (peaks[1] - peaks[0]) / 1200 < 7, peaks
