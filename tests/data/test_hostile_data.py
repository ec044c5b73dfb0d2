"""What files claim and what people do to a set by hand: nothing of theirs is deleted, hidden, opened or believed."""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.sets import Made, Sets, encoded, image, plain_files, put, result_of, shot
from PIL import Image

from emotion.core.errors import PictureError
from emotion.data.decoding import open_picture
from emotion.data.folders import list_folder
from emotion.data.hub import FromDataSet, describe
from emotion.data.importing import Bring, FromFiles
from emotion.data.limits import Limits
from emotion.data.sets import SavedSet


def own_files(folder: Path, elsewhere: Path) -> list[Path]:
    """Put files of a person's own into a set, some of them called as ours are."""
    (folder / "joy").mkdir()
    put(elsewhere, {"0001.jpg": shot("theirs")})
    (folder / "linked").symlink_to(elsewhere)
    names = ["happy/12.png", "happy/2024.txt", "joy/0001.png", "linked/0001.jpg"]
    put(folder, dict.fromkeys(names[:3], shot("own")))
    return [folder / name for name in names]


CHANGES: dict[str, Callable[[Sets], object]] = {
    "rename": lambda sets: sets.describe("Mine", "cat"),
    "delete": lambda sets: sets.delete_pictures(["happy/0001.png"]),
    "relabel": lambda sets: sets.relabel(["happy/0001.png"], "sad"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_fault_no_change_deletes_a_file_that_it_did_not_make(sets: Sets, made: Made, tmp_path: Path, change: str):
    own = own_files(made.folder, tmp_path / "elsewhere")
    CHANGES[change](sets)
    assert all(path.exists() for path in own)


def test_fault_rows_that_were_cut_off_by_hand_cost_no_picture(sets: Sets, made: Made):
    rows = made.folder / "metadata.jsonl"
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:2]))
    sets.describe("Mine", "cat")
    assert len(made.files()) == 4


def test_a_file_that_was_put_into_a_set_by_hand_is_none_of_its_pictures_and_told_of(made: Made):
    put(made.folder, {"happy/own.png": shot("own")})
    listing = list_folder(made.folder)
    assert {label: len(names) for label, names in listing.files.items()} == {"happy": 2, "sad": 2}
    assert listing.account() == ["Left out: happy/own.png. It is not among the pictures of the set."]


@pytest.mark.parametrize(
    "damage",
    [
        lambda row: {**row, "file_name": "../../../etc/hostname"}, lambda row: {**row, "file_name": 5},
        lambda row: {**row, "label": None}, lambda row: [row],
    ],
)  # fmt: skip
def test_fault_a_row_that_leads_out_of_its_set_is_not_believed(made: Made, damage: Callable[[object], object]):
    rows = made.folder / "metadata.jsonl"
    first, *others = rows.read_text().splitlines()
    rows.write_text("\n".join([json.dumps(damage(json.loads(first))), *others]))
    with pytest.raises(PictureError, match="is not a picture set that can be read"):
        _ = SavedSet(made.folder).manifest


def test_fault_a_set_is_read_with_what_others_add_to_its_files(sets: Sets, made: Made):
    rows, about = made.folder / "metadata.jsonl", made.folder / "set.json"
    rows.write_text(
        "".join(json.dumps({**json.loads(line), "age": 3}) + "\n\n" for line in rows.read_text().splitlines())
    )
    about.write_bytes(b"\xef\xbb\xbf" + about.read_bytes())
    assert sets.show().counts == {"happy": 2, "sad": 2}


def test_fault_a_set_of_before_is_packed_with_its_classes_whatever_they_are_called(
    sets: Sets, old_set: Path, tmp_path: Path
):
    folder = old_set
    before = sets.show(folder.name).told["classes"]
    label = next(iter(before))
    text = (folder / "manifest.json").read_text().replace(f'"label": "{label}"', '"label": "test"')
    (folder / "manifest.json").write_text(text.replace(f'"file": "{label}/', '"file": "test/'))
    (folder / label).rename(folder / "test")
    again = sets.bring(sets.pack(tmp_path / "old.zip", name=folder.name), name="again")
    assert again.told["classes"] == {"test" if name == label else name: count for name, count in before.items()}


@pytest.mark.parametrize("label", ["Recycled", "lost+found", "set.json", "owner.json", "@eaDir"])
def test_fault_no_class_hides_by_its_name_or_takes_a_files_place(sets: Sets, tmp_path: Path, label: str):
    folder = put(tmp_path / "photos", {"1.png": shot(1), "2.png": shot(2)})
    put(folder, {"metadata.csv": f"file_name,label\n1.png,{label}\n2.png,happy\n".encode()})
    made = sets.bring(folder)
    assert sum(made.counts.values()) == 2
    assert {name: len(names) for name, names in list_folder(made.folder).files.items()} == made.counts


@pytest.mark.parametrize("name", ["a\0b.png", "\udcff" * 100 + ".png", "x" * 300 + ".png"])
def test_fault_a_file_of_any_name_comes_into_a_class_and_one_that_is_gone_is_named(
    sets: Sets, made: Made, tmp_path: Path, name: str
):
    put(tmp_path, {"upload": shot("upload")})
    files = [(tmp_path / "upload", name), (tmp_path / "gone", "gone.png")]
    brought = result_of(Bring(FromFiles(files, "tired"), into="mine", root=sets.root).carry_out())
    assert (brought.pictures, [each.original for each in brought.skipped]) == (1, ["gone.png"])


def test_what_the_set_holds_already_is_left_out_under_any_label_and_saved_otherwise(
    sets: Sets, made: Made, tmp_path: Path
):
    first, second = made.files("happy")
    otherwise = encoded(open_picture(second), "PNG", compress_level=9)
    added = sets.add(tmp_path, "tired", {"a.png": first.read_bytes(), "b.png": otherwise, "new.png": shot("new")})
    assert [each.reason for each in added.skipped] == ["It is in the set already, as happy."] * 2
    assert sets.show().counts == {"happy": 2, "sad": 2, "tired": 1}


def test_a_thumbnail_in_a_jpegs_header_is_no_scan():
    exif = Image.Exif()
    exif[0x010E] = "\xff\xda" * 100
    assert open_picture(io.BytesIO(encoded(image(1), "JPEG", exif=exif))).size == image(1).size


def test_fault_a_tile_that_is_larger_than_its_picture_is_refused():
    tile = zlib.compress(b"\0" * 1_000_000)
    tags = {256: 200, 257: 200, 258: 8, 259: 8, 262: 1, 277: 1, 322: 20_000, 323: 20_000, 324: 0, 325: len(tile)}
    offset = 8 + 2 + 12 * len(tags) + 4
    rows = [struct.pack("<HHII", tag, 4, 1, offset if tag == 324 else value) for tag, value in sorted(tags.items())]
    content = b"II*\0" + struct.pack("<IH", 8, len(rows)) + b"".join(rows) + b"\0" * 4 + tile
    with pytest.raises(PictureError, match="megapixels"):
        open_picture(io.BytesIO(content), name="It")


def tables(folder: Path, labels: pa.Array, pictures: pa.Array) -> Path:
    folder.mkdir()
    pq.write_table(pa.table({"image": pictures, "label": labels}), folder / "train.parquet")
    return folder


def test_fault_long_texts_are_no_labels_and_cost_no_memory(tmp_path: Path):
    long = pa.array(["happy" + "y" * 300_000] * 500).dictionary_encode()
    folder = tables(tmp_path / "set", long, pa.array([shot(1)] * 500).dictionary_encode())
    tracemalloc.start()
    assert describe(folder).labels == {}
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


def test_fault_what_a_parquet_file_says_of_its_size_is_not_believed(tmp_path: Path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    pictures = pa.array([encoded(noise)] * 300).dictionary_encode()
    folder = tables(tmp_path / "set", pa.array(["happy", "sad"] * 150), pictures)
    way = FromDataSet(describe(folder))
    with pytest.raises(PictureError, match="the limit is 5 MB"):
        result_of(way.steps(tmp_path, Limits(bytes=5_000_000)))


def test_fault_a_pipe_in_a_data_set_waits_for_nobody(tmp_path: Path):
    folder = tables(tmp_path / "set", pa.array(["happy", "sad"]), pa.array([shot(1), shot(2)]))
    os.mkfifo(folder / "README.md")
    assert describe(folder).labels == {"label": {"happy": 1, "sad": 1}}


def test_fault_what_a_zip_holds_beside_parquet_is_named_and_the_zip_called_by_its_name(sets: Sets, tmp_path: Path):
    table = io.BytesIO()
    pq.write_table(pa.table({"image": [shot(1), shot(2)], "label": ["happy", "sad"]}), table)
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as made:
        for name, content in {"train.parquet": table.getvalue(), "more.rar": b"x", "a.jxl": b"x"}.items():
            made.writestr(name, content)
    brought = sets.bring(tmp_path / "faces.zip")
    assert set(brought.left_out) == {"more.rar", "a.jxl"}
    assert "Read from faces.zip" in " ".join(brought.told["notes"])


def test_fault_a_set_that_all_see_names_no_set_that_they_may_not_see(sets: Sets, tmp_path: Path):
    photos = put(tmp_path / "photos", plain_files())
    sets.within(photos, name="secret", owner="bob")
    assert sets.within(photos, name="everybodys").near == []
