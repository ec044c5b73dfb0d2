"""An import is a whole set or nothing: what is kept of each picture, what is told, and what a folder may hold."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.sets import COPIES, Sets, encoded, image, odd_zip, of_a_phone, plain_files, put, shot, signalled, tree
from helpers.sets import import_steps as begun
from PIL import Image, ImageChops, ImageStat, PngImagePlugin

from emotion.cli import main
from emotion.core.errors import PictureError
from emotion.data.decoding import open_picture

ROOT = Path(__file__).parents[2]
FACES = ROOT / "assets" / "faces"
SECRET = b"Rosa's kitchen"


def test_a_zip_and_a_folder_of_the_same_pictures_give_the_same_set(sets: Sets, folder: Path, tmp_path: Path):
    first = sets.bring(folder, "--species", "Dog", name="first")
    second = sets.bring(odd_zip(tmp_path / "photos.zip", plain_files()), "--species", "dog", name="second")
    again = sets.bring(first.folder, name="again")
    assert first.contents == second.contents == again.contents
    assert first.counts == second.counts == {"happy": 2, "sad": 2}
    assert [made.told["source"] for made in (first, second)] == ["folder", "zip"]
    assert [made.told["species"] for made in (first, second)] == ["dog", "dog"]


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


def test_an_exact_copy_is_left_out_and_counted_even_where_only_its_metadata_differ(sets: Sets, folder: Path):
    put(folder, {"happy/a copy.png": (folder / "happy/0.png").read_bytes()})
    put(folder, {"happy/from a phone.png": shot(("happy", 0), exif=of_a_phone(1))})
    made = sets.bring(folder)
    assert set(made.left_out) == {"happy/a copy.png", "happy/from a phone.png"}
    assert set(made.left_out.values()) == {"It is the same picture as happy/0.png."}
    assert (made.told["duplicates"], made.counts) == (2, {"happy": 2, "sad": 2})


def test_one_picture_under_two_labels_is_a_contradiction_and_in_neither(sets: Sets, folder: Path):
    put(folder, {"sad/again.png": (folder / "happy/0.png").read_bytes()})
    made = sets.bring(folder)
    assert made.told["contradictions"] == [{"originals": ["happy/0.png", "sad/again.png"], "labels": ["happy", "sad"]}]
    assert made.counts == {"happy": 1, "sad": 2}
    assert set(made.left_out) == {"happy/0.png", "sad/again.png"}
    # Under one name it is a copy.
    (folder / "sad/again.png").unlink()
    put(folder, {"Joy/again.png": (folder / "happy/0.png").read_bytes()})
    made = sets.bring(folder, "--use-aliases", name="as meant")
    assert (made.told["contradictions"], made.told["duplicates"]) == ([], 1)
    assert made.counts == {"happy": 2, "sad": 2}


def test_near_duplicates_are_told_within_a_set_and_between_sets_and_kept(sets: Sets, tmp_path: Path):
    faces = sorted((FACES / "human_eval" / "happy").iterdir())[: len(COPIES)]
    copies = [change(open_picture(face)).convert("RGB") for face, change in zip(faces, COPIES.values(), strict=True)]
    first = put(tmp_path / "first", {f"happy/{row}.webp": face.read_bytes() for row, face in enumerate(faces)})
    second = put(tmp_path / "second", {f"sad/{row}.jpg": encoded(copy, "JPEG") for row, copy in enumerate(copies)})
    made, other = sets.bring(first, name="first"), sets.bring(second, name="second")
    pairs = list(zip(other.names(), made.names(), strict=True))
    assert (made.near, other.near) == ([], [(like, of, "first") for like, of in pairs])
    shutil.copytree(first, second, dirs_exist_ok=True)
    shutil.rmtree(sets.root)
    both = sets.bring(second, name="both")
    assert both.counts == {"happy": len(faces), "sad": len(faces)}
    assert {frozenset(each[:2]) for each in both.near} == {frozenset(pair) for pair in pairs}


def test_a_visitor_learns_nothing_of_a_set_that_they_may_not_see(sets: Sets, folder: Path):
    from emotion.core.owners import share

    hers = sets.within(folder, name="hers", owner="anna")
    assert {of for *_, of in sets.within(folder, name="his", owner="bert").near} == set()
    share(hers.folder, "anna", shared=True)
    seen = {of for *_, of in sets.within(folder, name="his too", owner="bert").near}
    assert {of.rpartition("-")[0] for of in seen} == {"hers", "his"}


SAFE = {
    "My dogs, 2024": "My-dogs-2024", "dog_eval": "dog_eval", "../../evil": "evil", "/etc/passwd": "etc-passwd",
    "...hidden": "hidden", "__x__": "x", "犬の写真": "犬の写真", "سعيد": "سعيد", "नमस्ते": "नमस्ते", "x" * 60: "x" * 60,
    "ﬁne ＣＡＴ": "fine-CAT", "a\nb\x1b[31m\u202ec": "a-b-31m-c",
    "CON": "CON_", ".nul": "nul_", "ＣＯＭ¹": "COM1_",
}  # fmt: skip
NOT_KEPT = {
    **dict.fromkeys((" ", "../..", "😀"), "holds no letter and no digit"), "x" * 300: "has 300 characters: use at most",
    "ﷺ" * 10: "has 180 characters",
}  # fmt: skip


@pytest.mark.parametrize("name", SAFE)
def test_a_name_of_any_script_is_made_into_a_safe_folder(sets: Sets, folder: Path, name: str):
    made = sets.bring(folder, name=name)
    assert made.folder == sets.root / SAFE[name]
    assert sets.show(name).told == sets.show(SAFE[name].upper()).told == made.told
    assert made.told["name"].isprintable()


@pytest.mark.parametrize("name", NOT_KEPT)
def test_a_name_that_cannot_be_kept_is_refused_in_one_sentence(sets: Sets, folder: Path, name: str):
    assert NOT_KEPT[name] in sets.refused(folder, name=name)


def test_a_name_that_is_taken_for_some_file_system_is_refused(sets: Sets, folder: Path):
    sets.bring(folder, name="Dogs")
    for again in ("Dogs", "dogs", "DOGS!", "ｄｏｇｓ"):
        assert "There is a picture set 'Dogs' already" in sets.refused(folder, name=again)
    assert "The species has 41 characters" in sets.refused(folder, "--species", "x" * 41, name="cats")
    assert sets.names() == ["Dogs"]


def test_a_link_to_a_picture_is_read_and_pipes_sockets_and_links_to_folders_are_left_out(
    sets: Sets, folder: Path, tmp_path: Path
):
    put(tmp_path, {"elsewhere.png": shot("elsewhere")})
    (folder / "happy/link.png").symlink_to(tmp_path / "elsewhere.png")
    (folder / "happy/gone.png").symlink_to(tmp_path / "gone.png")
    (folder / "linked").symlink_to(tmp_path)
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


@pytest.mark.parametrize("becomes", ["gone", "a piece of a picture"])
def test_a_folder_that_changes_is_a_whole_set_or_a_sentence(sets: Sets, folder: Path, becomes: str):
    changed = folder / "sad/1.png"
    content = changed.read_bytes()
    for after in range(2, 7):  # From the listing on.
        steps = begun(folder, sets.root)
        list(islice(steps, after))
        changed.unlink()
        {
            "gone": lambda: None,
            "a piece of a picture": lambda: changed.write_bytes(shot("another")[:300]),
        }[becomes]()
        try:
            list(steps)
        except PictureError as refused:
            assert "\n" not in str(refused)  # noqa: PT017  # at some steps it is refused, at others left out
            assert tree(sets.root) == set()
        else:
            made = sets.show()
            assert len(made.left_out) == 4 - sum(made.counts.values())
            shutil.rmtree(made.folder)
        changed.unlink(missing_ok=True)
        changed.write_bytes(content)


def test_an_import_that_is_stopped_at_any_step_leaves_nothing_and_the_next_one_is_free(sets: Sets, folder: Path):
    for after in range(7):
        steps = begun(folder, sets.root)
        list(islice(steps, after))
        steps.close()
        assert tree(sets.root) == set()
    assert sets.bring(folder).counts == {"happy": 2, "sad": 2}


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


def test_an_import_that_is_killed_at_any_moment_leaves_no_half_set_and_the_next_one_cleans_up(
    sets: Sets, tmp_path: Path
):
    folder = put(tmp_path / "photos", plain_files(1))
    list(begun(folder, tmp_path / "warm"))  # What is imported here once is not imported by each child.
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
@pytest.mark.parametrize(
    ("room", "sentence"),
    [("size=4m,nr_inodes=6", "(No space left on device): make room"), ("size=8k", "are free: make room")],
)
def test_a_disk_without_room_holds_no_half_set(emotion: Emotion, folder: Path, room: str, sentence: str):
    disk = folder.parent / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", room, "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("Nothing may be mounted here.")
    try:
        said = emotion("pictures", "import", folder, "--name", "mine", "--sets", disk / "sets")
        assert (said.code, said.out, said.err.count("\n"), tree(disk)) == (1, "", 1, set())
        assert sentence in said.err
    finally:
        subprocess.run(["umount", disk], check=True)


MEASURED = """
import re, sys
from emotion.cli import main
assert main(["pictures", "import", sys.argv[1], "--name", "many", "--sets", sys.argv[2]]) == 0
# Its own peak: that of getrusage begins with the peak of whoever started it.
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pictures(tmp_path: Path):
    """Each picture has 28 KB as a file and as pixels; what is noted of it has about 2 KB."""
    peaks = []
    for count in (100, 1300):
        noise = (Image.frombytes("RGB", (96, 96), random.Random(row).randbytes(96 * 96 * 3)) for row in range(count))
        files = ((f"{row % 4}/{row}.png", encoded(picture)) for row, picture in enumerate(noise))
        words = [sys.executable, "-c", MEASURED, odd_zip(tmp_path / f"{count}.zip", files), tmp_path / str(count)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]))
    assert (peaks[1] - peaks[0]) / 1200 < 7, peaks
