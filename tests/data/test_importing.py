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
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.sets import Sets, encoded, image, import_steps, odd_zip, plain_files, put, shot, signalled, tree
from PIL import Image, ImageChops, ImageEnhance, ImageOps, ImageStat, PngImagePlugin

from emotion.cli import main
from emotion.errors import PictureError
from emotion.pictures.decoding import open_picture

ROOT = Path(__file__).parents[2]
FACES = ROOT / "assets" / "faces"
SECRET = b"Rosa's kitchen"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes with two pictures each."""
    return put(tmp_path / "photos", plain_files())


def test_a_zip_and_a_folder_of_the_same_pictures_give_the_same_set(sets: Sets, folder: Path, tmp_path: Path) -> None:
    zipped = odd_zip(tmp_path / "photos.zip", plain_files())
    first = sets.bring(folder, "--species", "Dog", name="first")
    second = sets.bring(zipped, "--species", "dog", name="second")
    assert [path.read_bytes() for path in first.files()] == [path.read_bytes() for path in second.files()]
    assert first.counts == second.counts == {"happy": 2, "sad": 2}
    assert (first.told["source"], second.told["source"]) == ("folder", "zip")
    assert first.told["species"] == second.told["species"] == "dog"
    again = sets.bring(first.folder, name="again")
    assert [path.read_bytes() for path in again.files()] == [path.read_bytes() for path in first.files()]


def of_a_phone(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, SECRET.decode()
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.5)
    return exif


def with_metadata(kind: str, orientation: int) -> bytes:
    """Return a picture that says where it was made, wherever its format has room for that."""
    exif = of_a_phone(orientation)
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        text.add_text("Comment", SECRET.decode(), zip=False)
        return shot(kind, kind, exif=exif, pnginfo=text, icc_profile=b"a profile")
    if kind == "JPEG":
        return shot(kind, kind, exif=exif, comment=SECRET, xmp=SECRET, icc_profile=b"a profile", quality=95) + SECRET
    if kind == "WEBP":
        return shot(kind, kind, exif=exif, xmp=SECRET, quality=80) + SECRET
    if kind == "MPO":  # A phone's file of several pictures, each with a place of its own.
        return encoded(image(1), "MPO", save_all=True, append_images=[image(2)], exif=exif)
    if kind == "TIFF":
        return shot(kind, kind, exif=exif, compression="tiff_lzw")
    return shot(kind, kind, comment=SECRET)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO", "TIFF", "GIF"])
def test_places_and_names_are_gone_from_every_kind_and_each_stands_upright(
    sets: Sets, tmp_path: Path, kind: str
) -> None:
    names = {f"happy/{turn}.{kind.lower().replace('mpo', 'jpg')}": with_metadata(kind, turn) for turn in range(1, 9)}
    assert all(SECRET in content for content in names.values())
    made = sets.bring(put(tmp_path / "photos", names))
    assert made.counts["happy"] + made.told["duplicates"] == 8
    kept = [(path.read_bytes(), path) for path in made.files("happy")]
    assert not any(SECRET in content or content.count(b"\xff\xd8\xff") > 1 for content, _ in kept)
    for _, path in kept:
        with Image.open(path) as opened:
            assert set(opened.getexif()) <= {0x0112}
            assert not opened.getexif().get_ifd(0x8825)
            assert not {"xmp", "comment", "Comment"} & set(opened.info)
    given = [open_picture(tmp_path / "photos" / name) for name in sorted(names)]
    for _, path in kept:
        upright = open_picture(path)
        same_size = [each for each in given if each.size == upright.size]
        apart = [max(ImageStat.Stat(ImageChops.difference(each, upright)).mean) for each in same_size]
        assert min(apart) < 3


@pytest.mark.parametrize("mode", ["L", "CMYK", "I;16", "RGBA", "P"])
def test_a_small_clean_picture_of_any_make_keeps_its_pixels(sets: Sets, tmp_path: Path, mode: str) -> None:
    kind = {"L": "JPEG", "CMYK": "JPEG", "I;16": "PNG"}.get(mode, "PNG")
    picture = Image.effect_noise((30, 20), 90).convert("L" if mode == "I;16" else mode if mode == "L" else "RGB")
    put(tmp_path / "photos", {f"happy/1.{kind.lower()}": encoded(picture.convert(mode), kind)})
    made = sets.bring(tmp_path / "photos")
    before = open_picture(tmp_path / "photos" / "happy" / f"1.{kind.lower()}")
    assert ImageChops.difference(before, open_picture(made.files()[0])).getbbox() is None


def test_a_picture_is_named_by_what_it_is_and_of_an_animation_the_first_frame_is_kept(
    sets: Sets, tmp_path: Path
) -> None:
    frames = [image("first"), image("second")]
    moving = {
        f"{kind.lower()}/1.bmp": encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        for kind, options in (("WEBP", {"lossless": True}), ("PNG", {}), ("GIF", {}))
    }
    made = sets.bring(put(tmp_path / "photos", {**moving, "jpeg/1.png": shot(1, "JPEG")}))
    assert len(made.files("jpeg")) == 1
    assert made.files("jpeg")[0].suffix == ".jpg"
    assert "happy" not in made.counts
    for path in [file for label in made.counts if label != "jpeg" for file in made.files(label)]:
        with Image.open(path) as opened:
            assert getattr(opened, "n_frames", 1) == 1
            assert opened.format == {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG"}[path.suffix]
        assert max(ImageStat.Stat(ImageChops.difference(open_picture(path), frames[0])).mean) < 12
    assert made.told["pictures"] + made.told["skipped"] == 4


def test_an_exact_copy_is_left_out_and_counted_even_where_only_its_metadata_differ(sets: Sets, folder: Path) -> None:
    put(folder, {"happy/a copy.png": (folder / "happy/0.png").read_bytes()})
    put(folder, {"happy/from a phone.png": shot(("happy", 0), exif=of_a_phone(1))})
    made = sets.bring(folder)
    assert made.left_out == dict.fromkeys(
        ("happy/a copy.png", "happy/from a phone.png"), "It is the same picture as happy/0.png."
    )
    assert (made.told["duplicates"], made.counts) == (2, {"happy": 2, "sad": 2})


def test_one_picture_under_two_labels_is_a_contradiction_and_in_neither(sets: Sets, folder: Path) -> None:
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


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda face: face.resize((112, 112)),
    "grey": lambda face: face.convert("L"),
    "mirrored": ImageOps.mirror,
    "brighter": lambda face: ImageEnhance.Brightness(face).enhance(1.15),
}


@pytest.mark.parametrize("change", CHANGES)
def test_near_duplicates_are_told_within_a_set_and_between_sets_and_kept(
    sets: Sets, tmp_path: Path, change: str
) -> None:
    faces = sorted((FACES / "human_eval" / "happy").iterdir())[:6]
    first = put(tmp_path / "first", {f"happy/{number}.webp": face.read_bytes() for number, face in enumerate(faces)})
    changed = [encoded(CHANGES[change](open_picture(face)).convert("RGB"), "JPEG", quality=80) for face in faces]
    second = put(tmp_path / "second", {f"sad/{number}.jpg": content for number, content in enumerate(changed)})
    original = sets.bring(first, name="first")
    assert original.near == []
    copy = sets.bring(second, name="second")
    pairs = list(zip(copy.names(), original.names(), strict=True))
    assert copy.near == [(like, of, "first") for like, of in pairs]
    shutil.copytree(first, second, dirs_exist_ok=True)
    shutil.rmtree(original.folder)
    shutil.rmtree(copy.folder)
    both = sets.bring(second, name="both")
    assert both.counts == {"happy": 6, "sad": 6}
    assert {frozenset(each[:2]) for each in both.near} == {frozenset(pair) for pair in pairs}


def test_a_visitor_learns_nothing_of_a_set_that_they_may_not_see(sets: Sets, folder: Path) -> None:
    from emotion.owners import share

    hers = sets.within(folder, name="hers", owner="anna")
    assert {of for *_, of in sets.within(folder, name="his", owner="bert").near} == set()
    share(hers.folder, "anna", shared=True)
    assert {of for *_, of in sets.within(folder, name="his-too", owner="bert").near} == {"hers", "his"}


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("My dogs, 2024", "My-dogs-2024"), ("dog_eval", "dog_eval"), ("../../evil", "evil"),
        ("/etc/passwd", "etc-passwd"), ("...hidden", "hidden"), ("__x__", "x"), ("犬の写真", "犬の写真"),
        ("سعيد", "سعيد"), ("नमस्ते", "नमस्ते"), ("ﬁne ＣＡＴ", "fine-CAT"), ("x" * 60, "x" * 60),
        ("a\nb\x1b[31m\u202ec", "a-b-31m-c"),
    ],
)  # fmt: skip
def test_a_name_of_any_script_is_made_into_a_safe_folder(sets: Sets, folder: Path, name: str, made: str) -> None:
    found = sets.bring(folder, name=name)
    assert found.folder == sets.root / made
    assert sets.show(name).told == sets.show(made.upper()).told == found.told
    assert found.told["name"].isprintable()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "holds no letter and no digit"), ("../..", "holds no letter and no digit"),
        ("😀", "holds no letter and no digit"), ("x" * 300, "has 300 characters: use at most 60"),
        ("ﷺ" * 10, "has 180 characters: use at most 60"), ("CON", "for a device: choose another one"),
        (".nul", "for a device: choose another one"), ("ＣＯＭ¹", "for a device: choose another one"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_kept_is_refused_in_one_sentence(
    sets: Sets, folder: Path, name: str, sentence: str
) -> None:
    assert sentence in sets.refused(folder, name=name)


def test_a_name_that_is_taken_for_some_file_system_is_refused(sets: Sets, folder: Path) -> None:
    sets.bring(folder, name="Dogs")
    for again in ("Dogs", "dogs", "DOGS!", "ｄｏｇｓ"):
        assert "There is a picture set 'Dogs' already" in sets.refused(folder, name=again)
    assert "The species has 41 characters" in sets.refused(folder, "--species", "x" * 41, name="cats")
    assert sets.names() == ["Dogs"]


def test_links_pipes_and_sockets_in_a_folder_are_left_out_and_nothing_waits(
    sets: Sets, folder: Path, tmp_path: Path
) -> None:
    put(tmp_path, {"secret.png": shot("secret")})
    (folder / "happy/link.png").symlink_to(tmp_path / "secret.png")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "happy/round").symlink_to(folder)
    os.mkfifo(folder / "happy/pipe.png")
    Path(folder, *["d"] * 40).mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "sad/s.png"))
        made = sets.bring(folder)
    words = {"happy/link.png": "link", "happy/pipe.png": "no plain file", "happy/round": "link", "linked": "link"}
    for name, word in {
        **words,
        "sad/s.png": "no plain file",
        "/".join(["d"] * 33): "more than 32 folders deep",
    }.items():
        assert word in made.left_out.pop(name, "") or word in made.left_out[name]
    assert made.counts == {"happy": 2, "sad": 2}


def test_names_that_are_no_text_are_kept_readable(sets: Sets, folder: Path) -> None:
    (folder / "happy").rename(os.fsdecode(os.fsencode(folder) + b"/fr\xf6hlich"))
    assert set(sets.bring(folder).counts) == {"sad", "fr���hlich"}


@pytest.mark.parametrize("becomes", ["gone", "a pipe", "a link", "another picture"])
def test_a_folder_that_changes_while_it_is_read_is_a_whole_set_or_a_sentence_and_no_link_is_followed(
    sets: Sets, folder: Path, tmp_path: Path, becomes: str
) -> None:
    changed, secret = folder / "sad/1.png", put(tmp_path, {"secret.png": shot("secret")}) / "secret.png"
    content = changed.read_bytes()
    for after in range(1, 9):
        steps = import_steps(folder, sets.root)
        list(islice(steps, after))
        changed.unlink()
        if becomes == "a pipe":
            os.mkfifo(changed)
        elif becomes == "a link":
            changed.symlink_to(secret)
        elif becomes == "another picture":
            changed.write_bytes(shot("another")[: len(content)])
        try:
            list(steps)
        except PictureError as refused:
            assert "\n" not in str(refused)  # noqa: PT017  # at some steps it is refused, at others left out
            assert tree(sets.root) == set()
        else:
            made = sets.show()
            assert len(made.left_out) == 4 - sum(made.counts.values())
            assert secret.read_bytes() not in [path.read_bytes() for path in made.files()]
            shutil.rmtree(made.folder)
        changed.unlink(missing_ok=True)
        changed.write_bytes(content)


def test_an_import_that_is_stopped_at_any_step_leaves_nothing_and_the_next_one_is_free(
    sets: Sets, folder: Path
) -> None:
    for after in range(9):
        steps = import_steps(folder, sets.root)
        list(islice(steps, after))
        steps.close()
        assert tree(sets.root) == set()
    assert sets.bring(folder).counts == {"happy": 2, "sad": 2}


def test_two_imports_at_once_wait_for_each_other_and_of_one_name_one_is_refused(sets: Sets, folder: Path) -> None:
    first, late = (import_steps(folder, sets.root, name=name) for name in ("first", "SECOND"))
    next(late)
    while not next(first).doing.startswith("writing"):
        pass
    waiting = threading.Thread(target=lambda: list(import_steps(folder, sets.root, name="second")))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    list(first)
    waiting.join(60)
    with pytest.raises(PictureError, match="There is a picture set 'second'"):
        list(late)
    assert sets.names() == ["first", "second"]


def test_an_import_that_is_killed_at_any_moment_leaves_no_half_set_and_the_next_one_cleans_up(
    sets: Sets, folder: Path
) -> None:
    for at in range(1, 100):
        done = signalled(lambda: list(import_steps(folder, sets.root)) and 0, at=at)
        if done is None:
            break
        assert done == -signal.SIGKILL
        if names := sets.names():
            assert sets.show().counts == {"happy": 2, "sad": 2}
            shutil.rmtree(sets.root / names[0])
    assert 5 < at < 99
    shutil.rmtree(sets.root / "mine")
    sets.bring(folder, name="last")
    assert {path.name for path in sets.root.iterdir() if path.is_dir()} == {"last"}


@pytest.mark.parametrize("at", [1, 2, 4, 8])
def test_an_interrupted_import_is_exit_code_130_and_leaves_nothing(sets: Sets, folder: Path, at: int) -> None:
    words = ["pictures", "import", str(folder), "--name", "mine"]
    assert signalled(lambda: main(words), at=at, how=signal.SIGINT) == 130
    assert tree(sets.root) == set()


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system with little room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("A small file system can only be mounted by root, on Linux.")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("small_disk", "sentence"),
    [("size=4m,nr_inodes=6", "(No space left on device): make room"), ("size=8k", "are free: make room")],
    indirect=["small_disk"],
    ids=["that fills up", "that is too small"],
)
def test_a_disk_without_room_is_one_sentence_and_holds_no_half_set(
    emotion: Emotion, folder: Path, small_disk: Path, sentence: str
) -> None:
    said = emotion("pictures", "import", folder, "--name", "mine", "--sets", small_disk / "sets")
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert sentence in said.err
    assert tree(small_disk) == set()


MEASURED = """
import resource, sys
from emotion.cli import main
assert main(["pictures", "import", sys.argv[1], "--name", "many", "--sets", sys.argv[2]]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    """Each picture has 28 KB as a file and as pixels; what is noted of it has about 2 KB."""
    peaks = []
    for count in (100, 1300):
        noise = ((number, random.Random(number).randbytes(96 * 96 * 3)) for number in range(count))
        files = (
            (f"{number % 4}/{number}.png", encoded(Image.frombytes("RGB", (96, 96), dots))) for number, dots in noise
        )
        words = [sys.executable, "-c", MEASURED, odd_zip(tmp_path / f"{count}.zip", files), tmp_path / str(count)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.split()[-1]))
    assert (peaks[1] - peaks[0]) / 1200 < 7, peaks
