"""Pictures of one's own as a visitor brings them, in Chromium: a zip, files, the webcam; seen, put right, used."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scripted import ScriptedServices

from emotion.sets.saved import list_sets
from emotion.ui.pictures.review import Review

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: make test installs it.")
expect = playwright.expect


def picture(seed: object) -> bytes:
    """Return a picture that is no near-duplicate of one with another seed."""
    buffer = io.BytesIO()
    pattern = Image.frombytes("RGB", (8, 8), random.Random(repr(seed)).randbytes(192))
    pattern.resize((72, 64), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(path: Path, counts: Mapping[str, int], **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for label, count in counts.items():
            for number in range(count):
                made.writestr(f"{label}/{number}.png", picture((label, number)))
        for name, content in more.items():
            made.writestr(f"happy/{name}.jpg", content)
    return path


@pytest.fixture
def pictures(page: Any) -> Any:
    """The page with its Pictures tab open."""
    page.get_by_role("tab", name="Pictures").click()
    expect(page.locator("#bring")).to_be_visible()
    return page


def bring_zip(page: Any, path: Path) -> None:
    page.locator("#set-zip input[type=file]").set_input_files(path)
    expect(page.locator("#set-zip")).to_contain_text(path.stem)
    page.locator("#bring").click()


def tick(page: Any, count: int) -> None:
    for number in range(count):
        page.locator("#review .review-picture").nth(number).click()
    expect(page.locator("#review input:checked")).to_have_count(count)
    expect(page.locator("#review-note")).to_contain_text(f"{count} pictures ticked")


def typed(page: Any, field: str, text: str) -> None:
    """Click into a field, which waits until it stands still, and type."""
    box = page.locator(f"{field} textarea, {field} input")
    box.click()
    box.fill(text)


def counts_of(folder: Path) -> dict[str, int]:
    [found] = list_sets(folder)
    return found.manifest.counts()


def test_a_zip_becomes_a_set_that_is_seen_trained_on_and_compared(pictures: Any, own_sets: Path, tmp_path: Path):
    bring_zip(pictures, zipped(tmp_path / "Rosa’s dogs.zip", {"happy": 6, "anger": 5}, broken=b"no picture"))
    summary = pictures.locator("#summary")
    expect(summary).to_contain_text("11 pictures in 2 classes")
    expect(summary).to_contain_text("dog")
    expect(pictures.locator("#bring-status")).to_contain_text("1 file left out; the first is happy/broken.jpg")
    expect(pictures.locator("#review .review-picture")).to_have_count(11)
    expect(summary).to_contain_text("This set says 'anger' for angry")
    pictures.locator("#take-aliases").click()
    expect(summary).not_to_contain_text("anger")
    assert counts_of(own_sets) == {"happy": 6, "angry": 5}
    pictures.get_by_role("tab", name="Train").click()
    pictures.locator("#picture-set input").click()
    pictures.get_by_role("option", name="Rosa’s dogs").click()
    expect(pictures.locator("#preview")).to_contain_text("angry")
    pictures.get_by_role("tab", name="Cross-species").click()
    expect(pictures.locator("#compare-sets")).to_contain_text("Rosa’s dogs")


def test_a_refused_zip_is_one_sentence_and_leaves_nothing(pictures: Any, own_sets: Path, tmp_path: Path):
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as made:
        made.writestr("../../happy/1.png", picture(1))
    bring_zip(pictures, evil)
    expect(pictures.locator("#bring-status")).to_contain_text("leads out of its folder: it is not safe to import")
    expect(pictures.locator("#review .review-picture")).to_have_count(0)
    assert list_sets(own_sets) == []
    (tmp_path / "empty.zip").write_bytes(b"")
    bring_zip(pictures, tmp_path / "empty.zip")
    expect(pictures.locator("#bring-status")).to_contain_text("is not a zip file that can be read")
    assert list_sets(own_sets) == []


def test_many_files_dropped_into_a_class_are_a_set_without_a_name_being_asked(pictures: Any, own_sets: Path):
    pictures.get_by_role("tab", name="Into a class").click()
    files = [{"name": f"{number}.png", "mimeType": "image/png", "buffer": picture(number)} for number in range(5)]
    pictures.locator("#set-files input[type=file]").set_input_files(files)
    expect(pictures.locator("#bring-status")).to_contain_text("5 pictures came in")
    expect(pictures.locator("#own-set input")).to_have_value("My pictures · 5")
    pictures.get_by_label("Class", exact=True).click()
    pictures.get_by_role("option", name="tired").click()
    more = [{"name": f"{number}.png", "mimeType": "image/png", "buffer": picture(number)} for number in range(4, 7)]
    pictures.locator("#set-files input[type=file]").set_input_files(more)
    expect(pictures.locator("#bring-status")).to_contain_text("It is in the set already, as happy")
    assert counts_of(own_sets) == {"happy": 5, "tired": 2}


def test_a_held_button_puts_a_burst_of_the_webcam_into_the_class(pictures: Any, own_sets: Path):
    pictures.get_by_role("tab", name="Into a class").click()
    hold = pictures.get_by_role("button", name="Hold to record")
    expect(hold).to_be_disabled()
    pictures.get_by_role("button", name="Switch the webcam on").click()
    expect(hold).to_be_enabled()
    hold.scroll_into_view_if_needed()
    hold.hover()
    pictures.mouse.down()
    # The count runs on between two looks at the page: four or any number after it is what is awaited.
    expect(pictures.locator(".webcam [role=status]")).to_have_text(re.compile(r"^([4-9]|\d\d) taken$"))
    pictures.mouse.up()
    expect(pictures.locator("#bring-status")).to_contain_text("came in")
    assert counts_of(own_sets)["happy"] > 1
    [found] = list_sets(own_sets)
    assert {row.width for row in found.manifest.pictures} == {480}
    pictures.get_by_role("button", name="Switch the webcam off").click()
    expect(hold).to_be_disabled()


def test_a_data_set_is_looked_at_named_and_brought_in(pictures: Any, own_sets: Path, tmp_path: Path):
    faces = [{"bytes": picture(number), "path": f"{number}.png"} for number in range(9)]
    moods = ["0", "0", "0", "1", "1", "1", "2", "2", "2"]
    pq.write_table(pa.table({"face": faces, "mood": moods}), tmp_path / "moods.parquet")
    pictures.get_by_role("tab", name="Hub data set").click()
    typed(pictures, "#hub-id", str(tmp_path / "nowhere.parquet"))
    pictures.locator("#hub-look").click()
    expect(pictures.locator("#hub-said .problem")).to_be_visible()
    typed(pictures, "#hub-id", str(tmp_path / "moods.parquet"))
    pictures.locator("#hub-look").click()
    expect(pictures.locator("#hub-said")).to_contain_text("0 3, 1 3, 2 3")
    typed(pictures, "#hub-names", "0 = happy\n1 = sad\n2 =")
    pictures.locator("#hub-bring").click()
    expect(pictures.locator("#summary")).to_contain_text("6 pictures in 2 classes")
    expect(pictures.locator("#summary")).to_contain_text("labels from 'mood'")
    assert counts_of(own_sets) == {"happy": 3, "sad": 3}


def test_ticked_pictures_are_relabelled_and_deleted(pictures: Any, own_sets: Path, tmp_path: Path):
    bring_zip(pictures, zipped(tmp_path / "mine.zip", {"happy": 4, "sad": 3}))
    expect(pictures.locator("#review .review-picture")).to_have_count(7)
    tick(pictures, 2)
    pictures.locator("#review-to input").click()
    pictures.get_by_role("option", name="tired").click()
    pictures.locator("#relabel").click()
    expect(pictures.locator("#summary .class-bars")).to_contain_text("tired")
    assert counts_of(own_sets) == {"happy": 2, "sad": 3, "tired": 2}
    expect(pictures.locator("#review .review-picture b", has_text="tired")).to_have_count(2)
    expect(pictures.locator("#review input:checked")).to_have_count(0)
    tick(pictures, 3)
    pictures.locator("#delete-ticked").click()
    expect(pictures.locator("#review .review-picture")).to_have_count(4)
    assert sum(counts_of(own_sets).values()) == 4
    pictures.locator("#delete-ticked").click()
    expect(pictures.get_by_text("No picture is ticked")).to_be_visible()


def test_a_box_of_another_set_deletes_nothing_of_the_one_that_is_shown(pictures: Any, own_sets: Path, tmp_path: Path):
    bring_zip(pictures, zipped(tmp_path / "mine.zip", {"happy": 4, "sad": 3}))
    expect(pictures.locator("#review .review-picture")).to_have_count(7)
    # As a gallery that came late from another set would have it: every set has a picture of such a name.
    box = pictures.locator("#review input[data-tick]").first
    box.evaluate("box => { box.dataset.tick = 'another/' + box.dataset.tick.split('/').slice(1).join('/'); }")
    pictures.locator("#review .review-picture").first.click()
    expect(pictures.locator("#review-note")).to_contain_text("1 picture ticked")
    pictures.locator("#delete-ticked").click()
    expect(pictures.get_by_text("is not in the set any more")).to_be_visible()
    assert counts_of(own_sets) == {"happy": 4, "sad": 3}


def test_doubtful_labels_are_not_shown_where_another_set_was_chosen_meanwhile(services: ScriptedServices):
    with gr.Blocks():
        review = Review(services, gr.Dropdown())
    assert review.show_wrong("mine", "another", "all") == ["", *[gr.skip()] * 5]
    assert review.show_wrong("", "another", "all") == ["", *[gr.skip()] * 5]


def test_another_order_or_class_begins_at_its_first_page(pictures: Any, own_sets: Path, tmp_path: Path):
    bring_zip(pictures, zipped(tmp_path / "mine.zip", {"happy": 60, "sad": 100}))
    figures = pictures.locator("#review .review-picture")
    expect(figures).to_have_count(48)
    page = pictures.locator("#review-page input[type=number]")

    def turn_to_the_last() -> None:
        page.click()
        page.fill("4")
        page.press("Enter")
        expect(figures).to_have_count(16)

    turn_to_the_last()
    pictures.locator("#review-order input").click()
    pictures.get_by_role("option", name="Likely wrong labels first").click()
    expect(pictures.locator("#review")).to_contain_text("Press “Look for wrong labels”")
    expect(page).to_be_hidden()
    pictures.locator("#delete-ticked").click()
    expect(pictures.get_by_text("No picture is ticked")).to_be_visible()
    pictures.locator("#review-order input").click()
    pictures.get_by_role("option", name="As they came").click()
    expect(figures).to_have_count(48)
    turn_to_the_last()
    pictures.locator("#review-class input").click()
    pictures.get_by_role("option", name="sad").click()
    expect(figures).to_have_count(48)
    expect(page).to_have_value("1")


def test_a_set_is_renamed_packed_and_deleted_for_good_only_when_sure(pictures: Any, own_sets: Path, tmp_path: Path):
    bring_zip(pictures, zipped(tmp_path / "mine.zip", {"happy": 4, "sad": 3}))
    expect(pictures.locator("#summary")).to_contain_text("7 pictures")
    pictures.locator("#pack").click()
    with pictures.expect_download() as download:
        pictures.locator("#pack-file").click()
    download.value.save_as(tmp_path / "packed.zip")
    with zipfile.ZipFile(tmp_path / "packed.zip") as packed:
        assert json.loads(packed.read("mine/manifest.json"))["classes"] == {"happy": 4, "sad": 3}
    pictures.get_by_role("button", name="Rename or delete this set").click()
    typed(pictures, "#set-title", "Rosa")
    pictures.locator("#describe-set").click()
    expect(pictures.locator("#summary h2")).to_have_text("Rosa")
    pictures.locator("#delete-set").click()
    expect(pictures.get_by_text("there is no way back")).to_be_visible()
    assert len(list_sets(own_sets)) == 1
    pictures.locator("#sure-set input").check()
    pictures.locator("#delete-set").click()
    expect(pictures.locator("#summary")).to_contain_text("Bring a zip of class folders")
    assert list_sets(own_sets) == []


def test_a_reload_shows_the_sets_that_were_brought_before(pictures: Any, own_sets: Path, tmp_path: Path):
    bring_zip(pictures, zipped(tmp_path / "mine.zip", {"happy": 4, "sad": 3}))
    expect(pictures.locator("#summary")).to_contain_text("7 pictures")
    pictures.reload()
    pictures.get_by_role("tab", name="Pictures").click()
    pictures.locator("#own-set input").click()
    pictures.get_by_role("option", name="mine · 7").click()
    expect(pictures.locator("#summary")).to_contain_text("7 pictures")
    # A damaged set hides no other one, and says that it is damaged.
    (list_sets(own_sets)[0].folder / "manifest.json").write_text("{", encoding="utf-8")
    pictures.reload()
    pictures.get_by_role("tab", name="Pictures").click()
    pictures.locator("#own-set input").click()
    pictures.get_by_role("option", name="mine (damaged)").click()
    expect(pictures.locator("#summary")).to_contain_text("is missing, torn or of another version")
