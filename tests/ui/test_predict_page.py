"""Predict: a picture given in any way, two runs side by side, a map of each class, and many pictures at once."""

import base64
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.looking import bars, button, give, press, says, says_no_more, use
from helpers.pictures import picture, picture_bytes, write_zip
from helpers.processes import giving_way, held
from helpers.run_folder import copy_run
from helpers.serving import ROOT, Site, choose, open_tab
from helpers.waiting import until
from PIL import Image
from playwright.sync_api import Browser, JSHandle, Page, expect
from safetensors.numpy import load_file, save_file

BARS, BARS_BESIDE = "Probability of each emotion", "Probability by the other run"
HEIC = Path(__file__).parents[1] / "data" / "turned.heic"
DROP, MANY = "Drop an image file here to upload", re.compile("^Drop File Here")
JUDGED = re.compile(r"(Looks|Perhaps|Undecided)[\s\S]*Run \S+, float32")
OPINIONS: dict[str, dict[str, float]] = {
    "happy": {"happy": 0.7, "sad": 0.1, "angry": 0.1, "tired": 0.1},
    "tired": {"happy": 0.2, "sad": 0.1, "angry": 0.1, "tired": 0.6},
    "perhaps": {"happy": 0.45, "sad": 0.3, "angry": 0.15, "tired": 0.1},
    "undecided": {"happy": 0.36, "sad": 0.34, "angry": 0.2, "tired": 0.1},
    "calm": {"calm": 0.9, "happy": 0.1},
}
# How far each validation picture lay from what was trained on: all farther than any picture, and none.
FAR, NEAR = np.full(24, 1e6, np.float32), np.zeros(24, np.float32)
DRAWN = {"pictures": str(ROOT / "assets" / "faces" / "human_train")}


@pytest.fixture(scope="module")
def site(site: Site, trained_run: Path) -> Site:
    """With older runs: of one opinion on whatever they are shown, or to which every picture is as familiar."""
    for name, scores in OPINIONS.items():
        run = copy_run(trained_run, older(site, name), title=name)
        (run / "familiarity.safetensors").unlink()
        weights = load_file(run / "checkpoint" / "model.safetensors")
        weights["classifier.weight"] = np.zeros((len(scores), weights["classifier.weight"].shape[1]), np.float32)
        weights["classifier.bias"] = np.log(np.array(list(scores.values()), np.float32))
        save_file(weights, run / "checkpoint" / "model.safetensors", {"format": "pt"})
        config = json.loads((run / "checkpoint" / "config.json").read_text("utf-8"))
        config["id2label"] = dict(enumerate(scores))
        config["label2id"] = {label: number for number, label in enumerate(scores)}
        (run / "checkpoint" / "config.json").write_text(json.dumps(config), "utf-8")
    for name, distances, settings in (("far", FAR, {}), ("near", NEAR, {}), ("drawings", NEAR, DRAWN)):
        run = copy_run(trained_run, older(site, name), title=name, **settings)
        seen = load_file(run / "familiarity.safetensors")
        save_file({**seen, "distances": distances}, run / "familiarity.safetensors")
    return site


def older(site: Site, name: str) -> Path:
    return site.runs / f"19950101-000000-{name}"


@pytest.fixture
def dog(tmp_path: Path) -> Path:
    """A picture of one's own."""
    picture("happy", "a dog", size=(300, 200)).save(tmp_path / "dog.png")
    return tmp_path / "dog.png"


def kept(site: Site) -> list[Path]:
    """Return the uploads that have not been deleted."""
    return [path for path in site.uploads.rglob("*") if path.suffix in (".png", ".jpg", ".zip")]


def take_away(page: Page) -> None:
    """Take the picture that is shown away, so that another one may be given."""
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.click()
    says(page, "Drop, paste or take a picture")


def dropped(page: Page, path: Path) -> JSHandle:
    """Return what a browser hands over when a file is let go over the page."""
    return page.evaluate_handle(
        """([name, content]) => {
            const bytes = Uint8Array.from(atob(content), each => each.charCodeAt(0)), data = new DataTransfer();
            data.items.add(new File([bytes], name, {type: 'image/png'}));
            return data;
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )


@pytest.mark.slow
def test_a_picture_is_dropped_chosen_pasted_or_taken_and_gone(site: Site, browser: Browser, dog: Path):
    with site.visit(browser, permissions=["camera", "clipboard-read", "clipboard-write"]) as page:
        page.evaluate("navigator.clipboard.writeText('no picture')")
        open_tab(page, "Predict")
        says(page, "Drop, paste or take a picture, or click one of the examples.")

        def drop() -> None:
            button(page, DROP).dispatch_event("drop", {"dataTransfer": dropped(page, dog)})

        def paste() -> None:
            # The first press turns to the clipboard, in which there is no picture yet.
            press(page, "Paste from clipboard")
            expect(page.get_by_text("Paste from Clipboard")).to_be_visible()
            page.evaluate(
                "async data => navigator.clipboard.write([new ClipboardItem({'image/png': data.files[0]})])",
                dropped(page, dog),
            )
            page.get_by_text("Paste from Clipboard").click()

        def take() -> None:
            press(page, "Capture from camera")
            page.get_by_text("Click to Access Webcam").click()
            # Before the camera's first picture the button takes none.
            page.wait_for_function("[...document.querySelectorAll('video')].some((video) => video.videoWidth)")
            page.get_by_role("button", name="capture photo").click()

        for way in (drop, lambda: give(page, DROP, dog), paste, take):
            way()
            says(page, JUDGED)
            said = bars(page, BARS)
            assert list(said) == ["happy", "sad", "angry", "tired"]
            assert sum(float(each.split()[0]) for each in said.values()) == pytest.approx(100, abs=0.3)
            shown = page.get_by_role("img").and_(page.locator("[src^='data:image/webp']"))
            expect(shown.last).to_be_visible()
            assert kept(site) == [], way
            take_away(page)


def test_fault_a_phones_heic_is_taken_and_a_text_that_is_called_a_picture_refused_in_a_sentence(
    page: Page, site: Site, tmp_path: Path
):
    open_tab(page, "Predict")
    with page.expect_file_chooser() as dialog:
        button(page, DROP).click()
    # Most browsers do not know the type.
    dialog.value.set_files({"name": "IMG_1.HEIC", "mimeType": "", "buffer": HEIC.read_bytes()})
    says(page, JUDGED)
    take_away(page)
    fake = tmp_path / "holiday.jpg"
    fake.write_text("This is no picture.", "utf-8")
    give(page, DROP, fake)
    says(page, "holiday.jpg is not a picture")
    assert "Traceback" not in page.content()
    assert kept(site) == []


def test_fault_a_picture_given_just_as_another_run_is_chosen_is_judged_by_that_run(page: Page, dog: Path):
    open_tab(page, "Predict")
    for name, said in (("happy", "Looks happy: 70 %."), ("tired", "Looks tired: 60 %.")) * 3:
        use(page, name)
        page.locator("input[type=file][accept*=image]").first.set_input_files(dog)
        says(page, said)
        says_no_more(page, "Judged from the copy")
        take_away(page)


@pytest.mark.slow
def test_an_example_is_judged_beside_another_run_and_what_differs_is_weighed(page: Page, site: Site):
    open_tab(page, "Predict")
    use(page, "happy")
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    says(page, "Looks happy: 70 %.", "This run cannot tell an unfamiliar kind of picture: train again.")
    says(page, "drawn pictures", "The dotted line is chance, 25 %.")
    expect(page.get_by_role("figure", name=BARS_BESIDE)).to_be_hidden()
    use(page, "tired", label="Compare with another run")
    says(page, "They differ: the run in use says happy, the other one tired.")
    says(page, "“happy” has 70.0 % in use and 20.0 % in the other: −50.0 points.")
    says(page, "One picture does not tell which run is better", older(site, "tired").name)
    assert bars(page, BARS_BESIDE) == {"happy": "20.0 %", "sad": "10.0 %", "angry": "10.0 %", "tired": "60.0 %"}
    use(page, "calm", label="Compare with another run")
    says(page, "They differ: the run in use says happy, the other one calm.")
    assert list(bars(page, BARS)) == list(bars(page, BARS_BESIDE)) == ["happy", "sad", "angry", "tired", "calm"]
    assert bars(page, BARS)["calm"] == bars(page, BARS_BESIDE)["sad"] == "no class of it"
    choose(page, "Compare with another run", "no other run")
    says_no_more(page, "They differ")
    expect(page.get_by_role("figure", name=BARS_BESIDE)).to_be_hidden()
    for run, sentence in {
        "perhaps": "Perhaps happy: 45 %, ahead of sad with 30 %.",
        "undecided": "Undecided between happy (36 %) and sad (34 %).",
    }.items():
        use(page, run)
        page.get_by_role("button", name="Drawn example 1: human, happy").click()
        says(page, sentence)


@pytest.mark.slow
def test_of_ones_own_picture_both_runs_judge_the_copy_on_the_page_and_each_class_has_its_map(
    page: Page, site: Site, trained_run: Path, dog: Path
):
    open_tab(page, "Predict")
    use(page, "happy")
    give(page, DROP, dog)
    says(page, "Looks happy: 70 %.")
    use(page, "tired", label="Compare with another run")
    says(page, "Judged from the copy shown here", "−50.0 points")
    use(page, ".*batch 8 · 71 %", label="Compare with another run")
    says(page, trained_run.name)
    press(page, "Show the map")
    expect(page.get_by_alt_text("Where the evidence for happy lies")).to_be_visible()
    says(page, "happy 70 %")
    page.get_by_role("radio", name="sad").click()
    expect(page.get_by_alt_text("Where the evidence for sad lies")).to_be_visible()
    says(page, "It is not a proof of cause.")
    assert kept(site) == []


def test_fault_an_unfamiliar_picture_has_its_bars_and_its_leaning_with_the_doubt_beside_them(
    page: Page, tmp_path: Path
):
    open_tab(page, "Predict")
    use(page, "far")
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    says(page, re.compile(r"(Looks|Perhaps|Undecided) [\s\S]*Familiar kind of picture"))
    plain = bars(page, BARS)
    # Whatever is on the page is judged again by the run that is chosen then.
    use(page, "near")
    doubt = r"Unfamiliar kind of picture.*of the validation pictures are \(n = 24\)"
    says(page, re.compile(rf"Leans to \w+ \(\d+ %\)\.\s+drawn pictures\s+{doubt}"))
    assert bars(page, BARS) == plain, "the probabilities stay what they are"
    expect(page.get_by_role("figure", name=BARS).locator("i").first).to_have_css("opacity", "0.3")
    expect(button(page, "Train it on photographs")).to_be_hidden()
    # In the same words where there are many.
    give(page, MANY, write_zip(tmp_path / "one.zip", {"a.png": picture_bytes()}))
    says(page, "one")
    press(page, "Judge them all")
    expect(table(page)).to_contain_text(re.compile(r"leans to \w+ unfamiliar kind of picture"))
    expect(table(page).locator("img")).to_have_count(1)
    take_away(page)


def test_fault_a_run_that_has_only_seen_drawings_says_so_of_a_photograph_and_leads_to_photographs(
    page: Page, dog: Path
):
    open_tab(page, "Predict")
    use(page, "drawings")
    give(page, DROP, dog)
    says(page, re.compile(r"Leans to \w+ \(\d+ %\), but this model has only seen drawings\. Train it on photographs\."))
    press(page, "Train it on photographs")
    expect(page.get_by_role("tab", name="Photographs")).to_have_attribute("aria-selected", "true")


def table(page: Page) -> Any:
    region = page.get_by_role("region", name="What the run said of each picture")
    return region.get_by_role("row").filter(has=page.get_by_role("cell"))


def test_a_zip_of_class_folders_becomes_a_table_an_accuracy_with_its_interval_and_a_csv(
    page: Page, site: Site, trained_run: Path, tiny_pictures: Path, tmp_path: Path
):
    open_tab(page, "Predict")
    use(page, ".*batch 8 · 71 %")
    press(page, "Judge them all")
    says(page, "Nothing is given yet")
    give(page, MANY, write_zip(tmp_path / "evil.zip", {"../happy/1.png": picture_bytes()}))
    says(page, "evil")
    press(page, "Judge them all")
    says(page, "leads out of its folder")
    expect(button(page, "Download CSV")).to_be_hidden()
    people = {
        f"people/{file.parent.name}/{file.name}": file.read_bytes()
        for file in sorted((tiny_pictures / "human_eval").rglob("*.png"))
    }
    more = {f"people/happy/more{number}.png": picture_bytes("happy", str(number)) for number in range(180)}
    torn = {"people/angry/<b>torn.jpg": b"no picture"}
    give(page, MANY, write_zip(tmp_path / "people.zip", torn | people | more))
    says(page, "people")
    press(page, "Judge them all")
    says(page, re.compile(r"\d+ of 204 right: accuracy[\s\S]*95.% interval"), "Mean correct-class confidence")
    says(page, "chance 25 %", "1 file not judged", "It is not a picture: use a .jpg, .png or .webp file.")
    says(page, "5 more rows in the CSV.")
    expect(table(page)).to_have_count(200)
    expect(table(page).filter(has_text="<b>torn.jpg")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_text("Download CSV").locator("visible=true").click()
    assert download.value.suggested_filename.startswith(trained_run.name)
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 205
    assert [row["label"] for row in rows].count("sad") == 6
    assert {row["run"] for row in rows} == {trained_run.name}
    assert [row["picture"] for row in rows if row["problem"]] == ["people/angry/<b>torn.jpg"]
    assert kept(site) == []


@pytest.mark.slow
def test_many_pictures_fill_the_table_while_they_are_judged_a_second_batch_waits_and_stop_keeps_what_is_judged(
    page: Page, site: Site, browser: Browser, tmp_path: Path
):
    # Each takes a tenth of a second to decode, and is a small file.
    large = tmp_path / "large.png"
    Image.new("RGB", (4000, 4000), "navy").save(large)
    path = write_zip(tmp_path / "dogs.zip", {f"{number:03}.png": large.read_bytes() for number in range(200)})

    def begin(visitor: Page) -> None:
        open_tab(visitor, "Predict")
        give(visitor, MANY, path)
        says(visitor, "dogs")
        press(visitor, "Judge them all")

    begin(page)
    says(page, re.compile(r"[1-9]\d* of 200"))
    with held(*giving_way(site.process.pid)):
        until(lambda: table(page).count() > 0)
        assert table(page).count() < 200
        expect(button(page, "Judge them all")).to_be_disabled()
        with site.visit(browser) as other:
            begin(other)
            says(other, "Waiting for its turn.")
            press(other, "Stop")
            says(other, "Stopped: nothing more is judged.")
            expect(table(other)).to_have_count(0)
        press(page, "Stop")
    says(page, "files; what is judged is kept.")
    says(page, f"Stopped after {table(page).count()} of 200 files")
    expect(page.get_by_text("Download CSV").locator("visible=true")).to_be_visible()
    expect(button(page, "Judge them all")).to_be_enabled()
    assert kept(site) == []
