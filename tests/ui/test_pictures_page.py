"""Pictures of one's own as a visitor brings them: a zip, files, the webcam, a data set; seen, put right, used."""

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from helpers.command import Emotion
from helpers.hub_data_sets import parquet
from helpers.looking import button, give, panel, press, record, says, says_no_more, unfold
from helpers.serving import Site, open_tab
from helpers.sets import encoded, image, odd_zip, shot
from helpers.waiting import until
from playwright.sync_api import Locator, Page, expect

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder

OnDisk = Callable[[str], dict[str, int]]
DROP = re.compile("Drop File")


def bring(page: Page, path: Path, counts: Mapping[str, int], more: Mapping[str, bytes] | None = None):
    """Bring a zip of so many pictures a class, and of other files."""
    names = [f"{label}/{row}.png" for label, count in counts.items() for row in range(count)]
    give(page, DROP, odd_zip(path, {name: shot((path.stem, name)) for name in names} | dict(more or {})))
    says(page, path.stem)
    press(page, "Bring them in")


def shots(folder: Path, count: int, *, of: str) -> list[Path]:
    """Write so many picture files that are unlike each other, and those of another name."""
    files = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(files):
        path.write_bytes(shot((of, number)))
    return files


def pictures(page: Page, label: str = r"[^,]*") -> Locator:
    """Return the boxes of the pictures that are shown of a class."""
    return panel(page).get_by_role("checkbox", name=re.compile(rf"^{label}, .*\.\w+$"))


def shows(page: Page, count: int, label: str = r"[^,]*"):
    until(lambda: pictures(page, label).count() == count, what=f"{count} pictures")


def tick(page: Page, boxes: Locator, count: int):
    for number in range(count):
        boxes.nth(number).check()
    says(page, re.compile(rf"{count} pictures? ticked"))


def fill(page: Page, label: str, text: str):
    field = panel(page).get_by_role("textbox", name=re.compile(rf"^{label}\b"))
    # The click waits until the field stands still.
    field.click()
    field.fill(text)


def pick(page: Page, label: str, option: str):
    panel(page).get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


@pytest.fixture
def on_disk(emotion: Emotion, site: Site) -> OnDisk:
    """Return a function that says how many pictures each class of a set has; of a set that is not there, none."""

    def counts(name: str) -> dict[str, int]:
        said = emotion("pictures", "list", "--sets", site.sets, "--json")
        return next((each["classes"] for each in said.json["sets"] if each["name"] == name), {})

    return counts


@pytest.fixture
def tab(page: Page) -> Page:
    """The page with its Pictures tab open."""
    open_tab(page, "Pictures")
    says(page, "Bring a zip of class folders")
    return page


def test_fault_what_is_wrong_with_a_zip_is_said_in_sight_of_its_field_and_nowhere_else(
    tab: Page, site: Site, tmp_path: Path
):
    bring(tab, tmp_path / "evil.zip", {"../../happy": 1})
    said = panel(tab).get_by_text("leads out of its folder: it is not safe to import")
    expect(said).to_be_in_viewport()
    assert not any(path.is_dir() for path in site.sets.iterdir())
    open_tab(tab, "Into a class")
    expect(said).to_be_hidden()


@pytest.mark.slow
def test_a_zip_is_seen_put_right_used_and_deleted_only_when_sure(tab: Page, on_disk: OnDisk, tmp_path: Path):
    bring(tab, tmp_path / "Rosa’s dogs.zip", {"happy": 6, "anger": 5}, {"happy/broken.jpg": b"no"})
    says(tab, re.compile(r"dog, 11 pictures in 2 classes"), "1 file left out; the first is happy/broken.jpg")
    says(tab, "This set says 'anger' for angry")
    shows(tab, 11)
    press(tab, "Call them by the emotions’ names")
    says_no_more(tab, "This set says 'anger'")
    assert on_disk("Rosa’s dogs") == {"happy": 6, "angry": 5}

    tick(tab, pictures(tab, "happy"), 2)
    pick(tab, "Into the class", "tired")
    press(tab, "Relabel the ticked")
    shows(tab, 2, "tired")
    assert on_disk("Rosa’s dogs") == {"happy": 4, "angry": 5, "tired": 2}
    tick(tab, pictures(tab, "angry"), 3)
    press(tab, "Delete the ticked")
    shows(tab, 8)
    assert on_disk("Rosa’s dogs") == {"happy": 4, "angry": 2, "tired": 2}
    press(tab, "Delete the ticked")
    tab.get_by_text("No picture is ticked").wait_for()
    # A gallery of another set may come late: every set has a picture of such a name.
    pictures(tab).first.evaluate(
        "box => { for (const name in box.dataset) box.dataset[name] = box.dataset[name].replace(/^[^/]*/, 'another'); }"
    )
    tick(tab, pictures(tab), 1)
    press(tab, "Delete the ticked")
    tab.get_by_text("is not in the set any more").wait_for()
    assert on_disk("Rosa’s dogs") == {"happy": 4, "angry": 2, "tired": 2}

    press(tab, "Train on this set")
    expect(tab.get_by_role("combobox", name="Picture set", exact=True)).to_have_value(re.compile("^Rosa’s dogs"))
    expect(tab.get_by_role("tab", name="Train", exact=True)).to_have_attribute("aria-selected", "true")
    open_tab(tab, "Pictures")
    press(tab, "Pack as a zip")
    with tab.expect_download() as download:
        press(tab, "Download the zip")
    with zipfile.ZipFile(download.value.path()) as packed:
        assert sum(name.endswith(".png") for name in packed.namelist()) == 8

    unfold(tab, "Rename or delete this set")
    fill(tab, "Name", "Bello")
    fill(tab, "Species", "wolf")
    press(tab, "Save name and species")
    says(tab, "wolf, 8 pictures in 3 classes")
    tab.reload()
    open_tab(tab, "Pictures")
    pick(tab, "Picture set", "Bello · 8")
    says(tab, "wolf, 8 pictures in 3 classes")
    open_tab(tab, "Train")
    pick(tab, "Picture set", "Bello")
    says(tab, "tired")
    open_tab(tab, "Cross-species")
    says(tab, "Bello")

    open_tab(tab, "Pictures")
    unfold(tab, "Rename or delete this set")
    press(tab, "Delete this set")
    tab.get_by_text("there is no way back").wait_for()
    assert on_disk("Bello") != {}
    panel(tab).get_by_label("Yes, delete all of its pictures for good").check()
    press(tab, "Delete this set")
    says(tab, "Bring a zip of class folders")
    assert on_disk("Bello") == {}


def test_without_a_hub_photographs_are_one_sentence_beside_their_button(tab: Page):
    open_tab(tab, "Photographs")
    says(tab, re.compile(r"deanngkl/raf-db-7emotions and akahana/\S+\. Licence: "))
    press(tab, "Bring in photographs of people")
    expect(panel(tab).get_by_text("deanngkl/raf-db-7emotions cannot be read from the Hub")).to_be_in_viewport()
    assert tab.get_by_test_id("toast-body").count() == 0


def test_a_second_drop_while_the_first_comes_in_joins_the_same_set(tab: Page, on_disk: OnDisk, tmp_path: Path):
    files = shots(tmp_path, 40, of="a drop")
    tab.get_by_role("tab", name="Into a class").click()
    give(tab, DROP, *files[:30])
    give(tab, DROP, *files[30:])
    until(lambda: on_disk("My pictures") == {"happy": 40}, what="both drops")
    assert on_disk("My pictures 2") == {}


@pytest.mark.slow
def test_files_and_a_burst_of_the_webcam_come_into_a_class(tab: Page, on_disk: OnDisk, tmp_path: Path):
    files = shots(tmp_path, 7, of="a burst")
    fill(tab, "Name of the new set", "A burst")
    tab.get_by_role("tab", name="Into a class").click()
    give(tab, DROP, *files[:5])
    says(tab, "5 pictures came in")
    assert on_disk("A burst") == {"happy": 5}
    pick(tab, "Class", "tired")
    (tmp_path / "like.png").write_bytes(encoded(image(("a burst", 6)).resize((36, 32))))
    give(tab, DROP, *files[4:], tmp_path / "like.png")
    says(tab, "It is in the set already, as happy")
    assert on_disk("A burst") == {"happy": 5, "tired": 3}
    pick(tab, "Order", "Look-alikes together")
    shows(tab, 2, "tired")
    shows(tab, 2)

    pick(tab, "Class", "sad")
    record(tab)
    recorded = button(tab, re.compile(r"Add ([4-9]|\d\d) pictures of the webcam"))
    expect(recorded).to_be_enabled()
    tab.get_by_title("stop recording").click()
    recorded.click()
    until(lambda: on_disk("A burst").get("sad", 0) > 1, what="pictures of the webcam")
    expect(button(tab, "Add what the webcam records")).to_be_disabled()


@pytest.mark.slow
def test_a_data_set_is_looked_at_named_and_brought_in(tab: Page, on_disk: OnDisk, tiny_pictures: Path, tmp_path: Path):
    faces = [{"bytes": shot(("mood", number)), "path": f"{number}.png"} for number in range(9)]
    parquet(tmp_path / "moods.parquet", {"face": faces, "mood": list("000111222")})
    tab.get_by_role("tab", name="Hub data set").click()
    fill(tab, "Data set", str(tmp_path / "nowhere.parquet"))
    press(tab, "Look")
    says(tab, "There is no data set")
    fill(tab, "Data set", str(tmp_path / "moods.parquet"))
    press(tab, "Look")
    says(tab, re.compile(r"mood\s*0 3, 1 3, 2 3"))
    fill(tab, "What its labels are called", "0 = happy\n1 = sad\n2 =")
    press(tab, "Bring it in")
    says(tab, "6 pictures in 2 classes", "labels from 'mood'")
    assert on_disk("moods.parquet") == {"happy": 3, "sad": 3}
    pick(tab, "Picture set", "A new set")
    tab.get_by_role("tab", name="Zip or folder").click()
    fill(tab, "Or a folder on this machine", str(tiny_pictures / "dog_eval"))
    press(tab, "Bring them in")
    says(tab, "24 pictures in 4 classes")
    assert set(on_disk("dog_eval").values()) == {6}


@pytest.mark.slow
@pytest.mark.skipif(not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: run `make run`")
def test_a_large_set_has_pages_and_shows_the_hardest_pictures_first(
    tab: Page, on_disk: OnDisk, site: Site, tmp_path: Path
):
    bring(tab, tmp_path / "many.zip", {"happy": 26, "sad": 26})
    shows(tab, 48)
    number = panel(tab).get_by_role("combobox", name="Page", exact=True)

    def turn_to_the_last():
        pick(tab, "Page", "2 of 2")
        shows(tab, 4)

    turn_to_the_last()
    # Another order or class begins at its first page.
    pick(tab, "Class shown", "sad")
    shows(tab, 26, "sad")
    expect(number).to_be_hidden()
    pick(tab, "Class shown", "all classes")
    turn_to_the_last()
    pick(tab, "Order", "Hardest pictures first")
    says(tab, "Press “Find the hardest pictures”")
    press(tab, "Find the hardest pictures")
    says(tab, re.compile(r"The hardest pictures come first: \d+ of 52 lie nearer to another class"))
    says(tab, re.compile(r"(nearer to (happy|sad)[\s\S]*){3}"))
    expect(number).to_have_value("1 of 2")
    # A damaged set hides no other one, and says that it is damaged.
    for path in filter(Path.is_file, (site.sets / "many").iterdir()):
        path.write_text("{")
    tab.reload()
    open_tab(tab, "Pictures")
    pick(tab, "Picture set", "many (damaged)")
    says(tab, "is missing, torn or of another version")
