"""The Cross-species tab in a browser: a comparison, the grid, every further question, the report, what goes wrong."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.comparisons import around, scores, write_comparison
from helpers.looking import button, chart_text, press, says, says_no_more, unfold
from helpers.pictures import EMOTIONS
from helpers.processes import giving_way, held
from helpers.serving import Site, enter, open_tab
from helpers.waiting import until
from playwright.sync_api import Locator, Page, expect
from scipy import stats

NASTY = '=HYPERLINK("><script>alert(1)</script>")'
QUESTIONS = ("Luck", "Controls", "Saliency", "Cue probe", "Feature map", "Calibration")


# Where things are in this tab


@pytest.fixture
def tab(page: Page, tiny_pictures: Path) -> Page:
    """The page of a new visitor with the tab open, the run chosen, and the sets of its kind ticked."""
    open_tab(page, "Cross-species")
    for name in ("human_eval", "dog_eval"):
        expect(page.get_by_label(f"{tiny_pictures.name}/{name}", exact=True)).to_be_checked()
    return page


def newest(site: Site) -> Path:
    """Return the file of the comparison that was saved last."""
    return max(site.runs.glob("*/comparisons/*.json"))


def saved(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


def compare(page: Page, site: Site, name: str = "Compare", *, size: int | None = None) -> Path:
    """Press Compare, or All emotions, and return the file that it is saved in, once it is on screen."""
    before = set(site.runs.glob("*/comparisons/*.json"))
    if size is not None:
        enter(page, "Pictures a set", str(size))
    press(page, name)
    [file] = until(lambda: set(site.runs.glob("*/comparisons/*.json")) - before, what="a comparison")
    expect(page.get_by_label("Saved comparisons of this run")).to_have_value(re.compile(title_of(file)))
    return file


def title_of(file: Path) -> str:
    values = saved(file)
    shown = values["emotion"] or "all emotions"
    size = "all pictures" if values["size"] is None else f"{values['size']} each"
    return re.escape(f"{shown} · {', '.join(values['sets'])} · {size} · seed {values['seed']}")


def reopen(page: Page, title: str) -> None:
    """Choose a saved comparison by a part of its title."""
    page.get_by_label("Saved comparisons of this run").click()
    page.get_by_role("option", name=re.compile(title)).first.click()


def table(page: Page, name: str) -> dict[str, list[str]]:
    """Return a table's cells by the name of the row, the head under the first cell's text."""
    region = page.get_by_role("region", name=name, exact=True)
    expect(region).to_be_visible()
    rows: list[list[str]] = region.evaluate(
        "region => [...region.querySelectorAll('tr')].map(row => "
        "[...row.children].map(cell => cell.textContent.replace(/\\s+/g, ' ').trim()))"
    )
    return {row[0]: row[1:] for row in rows}


def cards(page: Page, name: str) -> Locator:
    """Return the card of a set: what came out, and its pictures with what was said of them."""
    return page.get_by_role("region", name=name, exact=True).filter(has_text="correct")


def of_right(rows: list[Mapping[str, Any]], label: str) -> tuple[np.ndarray, list[str]]:
    """Return the probabilities of the correct class, and what was said."""
    said = [max(row["scores"], key=row["scores"].get) for row in rows]
    return np.array([row["scores"][label] for row in rows]), said


def downloaded(page: Page, name: str, target: Path) -> str:
    """Return the text of what a button downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first.click()
    download.value.save_as(target)
    return target.read_text("utf-8")


def downloaded_table(page: Page, folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(downloaded(page, "Download CSV", folder / "a.csv").splitlines()))


def pct(share: float) -> str:
    return f"{100 * share:.0f} %"


# What a visitor does


def test_what_cannot_be_asked_is_one_sentence(tab: Page, site: Site, tiny_pictures: Path) -> None:
    def refused(name: str, sentence: str) -> None:
        press(tab, name)
        expect(tab.get_by_text(sentence).last).to_be_visible()

    unfold(tab, "Luck:")
    unfold(tab, "Saliency:")
    refused("Repeat with 5 seeds", "Nothing is compared yet: press Compare first.")
    refused("Show the maps", "Nothing is compared yet: press Compare first.")
    enter(tab, "Pictures a set", "")
    refused("Compare", "Sample size or seed is empty: give whole numbers, for instance 20 and 42.")
    enter(tab, "Pictures a set", "9")
    refused("Compare", "There are only 6 pictures of 'happy': choose a sample of at most that many.")
    for name in ("human_eval", "dog_eval"):
        tab.get_by_label(f"{tiny_pictures.name}/{name}", exact=True).uncheck()
    refused("Compare", "No set is ticked: tick at least one, better two.")
    tab.get_by_label(f"{tiny_pictures.name}/dog_eval", exact=True).check()
    file = compare(tab, site, size=2)
    enter(tab, "Training seeds", "40")
    tab.keyboard.press("Tab")
    press(tab, "Repeat with 5 seeds")
    expect(tab.get_by_text("choose 2 to 10").last).to_be_visible()
    assert not (file.with_suffix("") / "luck.json").exists()
    tab.get_by_label(f"{tiny_pictures.name}/human_eval", exact=True).check()


def test_two_sets_of_one_emotion_are_told_with_means_intervals_chance_and_the_gap_in_words(
    tab: Page, site: Site, tmp_path: Path
) -> None:
    file = compare(tab, site, size=5)
    sets, measures = saved(file)["sets"], table(tab, "Measures of every set")
    for name in ("human", "dog"):
        rows = sets[name]["happy"]["pictures"]
        right, said = of_right(rows, "happy")
        hits = said.count("happy")
        low, high = stats.ttest_1samp(right, 0).confidence_interval(0.95)
        wilson = stats.binomtest(hits, 5).proportion_ci(0.95, method="wilson")
        second = sum(sorted(row["scores"].values())[-2] == row["scores"]["happy"] for row in rows)
        assert measures[name][:4] == [
            "5", f"{pct(right.mean())} ({pct(low)} to {pct(high)})",
            f"{hits} = {pct(hits / 5)} ({pct(wilson.low)} to {pct(wilson.high)})", str(second),
        ]  # fmt: skip
        card = cards(tab, name)
        expect(card).to_contain_text(f"{hits} of 5 correct")
        expect(card).to_contain_text(f"came second in {second} of 5")
        others = {label: said.count(label) for label in EMOTIONS if label != "happy" and label in said}
        for label, number in others.items():
            expect(card).to_contain_text(f"{label} {number}")
        expect(card.get_by_role("img")).to_have_count(5)
        assert re.findall(r"[✓✗] said (\w+)", card.inner_text()) == said
        assert card.inner_text().count("✓") == hits
        says(tab, f"{name} {pct(right.mean())}")
    assert measures["an even guess"][1:] == ["25 %", "25 %", "25 %", "1.39", "0.75"]
    says(tab, "5 pictures a set, seed 42, chance 25 %, 95 % intervals, float32")
    says(tab, "with 5 pictures each, gaps under about")
    says_no_more(tab, "say nothing of real dogs")
    for word in ("human", "dog", "chance", "25 %"):
        assert word in chart_text(tab, "Mean correct-class confidence")
    assert "tired" in chart_text(tab, "What it said")
    tab.get_by_text(re.compile("gaps under about")).first.click()
    says(tab, re.compile(r"Permutation test: p [=<] [\d.]+; in \d+ % of pairs"))
    rows = downloaded_table(tab, tmp_path)
    kept = [row for name in ("human", "dog") for row in sets[name]["happy"]["pictures"]]
    assert [row["sha256"] for row in rows] == [row["sha256"] for row in kept]
    for row, each in zip(rows, kept, strict=True):
        assert {label: float(row[f"p_{label}"]) for label in EMOTIONS} == pytest.approx(each["scores"])
        assert (row["label"], row["seed"], "/" not in row["set"]) == ("happy", "42", True)
        assert not row["picture"].startswith("/")


@pytest.mark.slow
def test_all_emotions_are_one_click_and_every_further_question_is_answered_and_found_again(
    tab: Page, site: Site, tmp_path: Path
) -> None:
    file = compare(tab, site, "All emotions", size=4)
    sets, grid = saved(file)["sets"], table(tab, "The grid")
    assert next(iter(grid.values())) == [*EMOTIONS, "all"]
    for name in ("human", "dog"):
        confusion = table(tab, f"Confusion matrix of {name}")
        for place, label in enumerate(EMOTIONS):
            right, said = of_right(sets[name][label]["pictures"], label)
            assert grid[name][place].replace("*", "") == f"{pct(right.mean())}{said.count(label)}/4"
            assert confusion[label] == [str(said.count(other)) for other in EMOTIONS]
    says(tab, "corrected for all tests of the grid (Benjamini and Yekutieli)")
    tab.get_by_role("radio", name="sad", exact=True).first.check()
    says(tab, "Mean correct-class confidence, “sad”")
    assert table(tab, "The grid") == grid
    tab.get_by_role("radio", name="all", exact=True).first.check()
    says(tab, "Mean correct-class confidence, all emotions")

    for name in QUESTIONS:
        unfold(tab, f"{name}:")
    answers = ask_everything(tab)
    kept = {path.stem: json.loads(path.read_text()) for path in file.with_suffix("").iterdir()}
    assert set(kept) == {"luck", "controls", "map", "saliency"}
    luck = table(tab, "Results over repeats")
    for name, each in kept["luck"]["sets"].items():
        assert luck[name][0] == f"{each['size']} of {each['n']}" == "16 of 24"
        assert luck[name][2] == pct(each["observed"])
        assert luck[name][3] == f"{100 * each['draw_deviation']:.1f}"
    controls = table(tab, "Controls")
    for place, name in enumerate(("human", "dog")):
        whole = np.mean([of_right(sets[name][label]["pictures"], label)[0] for label in EMOTIONS])
        assert controls_row(controls, "As they are")[place].startswith(pct(whole))
        after = kept["controls"]["grey"]["sets"][name]["after"]
        cell = controls_row(controls, "Grey")[place]
        assert cell.startswith(pct(after["correct_confidence"]))
        assert f"{after['correct']} of 16 right" in cell
        assert "chance" in controls_row(controls, "Shuffled labels")[place]
    heat_lies_where_the_map_does(tab, kept["saliency"])
    distances = kept["map"]["distances"]["dog"]
    says(tab, f"{distances['nearer']} of 48 dogs lie nearer" if distances["n"] == 48 else f"of {distances['n']} dogs")
    step_through_the_map(tab, kept["map"]["points"])
    calibration = table(tab, "Calibration of each set")
    assert {"validation", "human", "dog"} <= set(calibration)
    for word in ("validation, n = 7", "human, n = 16", "dog, n = 16"):
        assert word in chart_text(tab, "Reliability: hollow raw, filled at T")
    says(tab, "without any change of skill")

    report_has_the_one_ticked_picture(tab, sets["dog"]["sad"]["pictures"][0], tmp_path)

    tab.reload()
    open_tab(tab, "Cross-species")
    reopen(tab, title_of(file))
    says(tab, "Mean correct-class confidence, all emotions")
    for name in QUESTIONS[:5]:
        unfold(tab, f"{name}:")
    for said in answers:
        says(tab, said)
    assert table(tab, "Results over repeats") == luck
    assert table(tab, "Controls") == controls


def ask_everything(page: Page) -> list[str]:
    """Press the button of each question, await its answer, and return sentences of those that are kept."""
    press(page, "Repeat with 5 seeds")
    says(page, "Over 5 trainings and 200 draws of 16 out of 24")
    for name in ("Grey", "Shuffled labels"):
        press(page, name)
        until(lambda name=name: controls_row(table(page, "Controls"), name), what=name)  # type: ignore[misc]
    says(page, "holds the 25 % of chance")
    press(page, "Show the maps")
    figure = page.get_by_role("figure").filter(has_text=re.compile(r"happy \d+ %correct")).first
    expect(figure.locator("img")).to_have_count(2)
    boxes = figure.locator("img").evaluate_all(
        "all => Promise.all(all.map(each => each.decode().then(() => each.getBoundingClientRect().toJSON())))"
    )
    # The whole of it was shown to the model, so that the heat covers the whole.
    assert [boxes[1][side] for side in ("left", "top", "right", "bottom")] == pytest.approx(
        [boxes[0][side] for side in ("left", "top", "right", "bottom")], abs=1.5
    )
    says(page, "not a proof of cause")
    press(page, "Next →")
    expect(page.get_by_label("number input for Picture of the sample")).to_have_value("2")
    press(page, "Probe")
    says(page, "Mouth corners, from down to up")
    for species in ("People", "Dogs", "Cats"):
        assert "chance" in chart_text(page, species)
    press(page, "Draw the map")
    says(page, re.compile(r"\d+ of \d+ dogs lie nearer to the centres of dogs of other emotions"))
    press(page, "Check calibration")
    says(page, re.compile(r"Temperature T = \d+\.\d\d"))
    return ["Over 5 trainings and 200 draws of 16 out of 24", "Mouth corners, from down to up", "dogs lie nearer"]


def heat_lies_where_the_map_does(page: Page, kept: Mapping[str, Any]) -> None:
    """Compare how bright each patch of the heat on the page is with the map that is kept."""
    for each in kept["pictures"]:
        one = each["maps"][0]
        card = page.get_by_role("region", name=each["set_name"], exact=True).filter(has_text="the picture")
        figure = card.get_by_role("figure").filter(has_text=f"{one['label']} {pct(one['confidence'])}").first
        bright = figure.locator("img").last.evaluate(
            """image => {
                const ground = Object.assign(document.createElement('canvas'), {width: 4, height: 4}).getContext('2d');
                ground.imageSmoothingQuality = 'high';
                ground.drawImage(image, 0, 0, 4, 4);
                const data = ground.getImageData(0, 0, 4, 4).data;
                return [...Array(16).keys()].map(at => data[4 * at] + data[4 * at + 1] + data[4 * at + 2]);
            }"""
        )
        assert np.corrcoef(bright, np.ravel(one["values"]))[0, 1] > 0.8


def controls_row(rows: Mapping[str, list[str]], title: str) -> list[str]:
    return next((cells for name, cells in rows.items() if name.startswith(title)), [])


def step_through_the_map(page: Page, points: list[Mapping[str, Any]]) -> None:
    """Go from picture to picture by the keyboard; each is one of the map, with what it shows and what was said."""
    kept = {(each["set_name"], each["picture"]): each for each in points}
    seen = set()
    for _ in range(3):
        page.get_by_role("button", name="Next picture").press("Enter")
        told = page.get_by_text(re.compile(r"(human|dog), shows \w+, (rightly|wrongly) called \w+\. ")).last
        expect(told).to_be_visible()
        words = re.search(r"(human|dog), shows (\w+), (rightly|wrongly) called (\w+)\. (\S+\.png)", told.inner_text())
        assert words
        each = kept[words[1], words[5]]
        assert (words[2], words[4]) == (each["label"], each["predicted"])
        assert (words[3] == "rightly") == (each["label"] == each["predicted"])
        seen.add(words[5] + words[1])
    assert len(seen) == 3


def report_has_the_one_ticked_picture(page: Page, picture: Mapping[str, Any], folder: Path) -> None:
    says(page, "No picture is in it, unless you tick some above.")
    box = page.locator(f"[data-tick='{picture['sha256']}']")
    box.scroll_into_view_if_needed()
    box.check(force=True)
    says(page, re.compile("ticked picture will be in it"))
    press(page, "Write report")
    text = downloaded(page, "Download report", folder / "card.html")
    assert text.count("<img ") == 1
    for part in ("Results", "Checks", "Over 5 trainings", "Temperature T = ", "Mouth corners", "How to repeat it"):
        assert part in text
    assert "<script" not in text


@pytest.mark.slow
def test_a_saved_comparison_is_opened_again_with_its_warnings_and_what_was_left_out(
    tab: Page, site: Site, tiny_pictures: Path, tmp_path: Path
) -> None:
    [run] = site.runs.glob("2*")
    twin = tiny_pictures / "human_train" / "happy" / "happy_001.png"
    file = write_comparison(
        run,
        {"human": {"happy": around(0.7)}, NASTY: {"happy": [scores(tired=0.97)] * 20}},
        name="20270101-000000-000000",
        mapping={"human": {"Joy": "happy", "bored": None}, NASTY: {"happy": "happy"}},
        checked=48,
    )
    values = saved(file)
    values["sets"]["human"]["happy"]["near_duplicates"] = {"/sets/human/happy/a.png": str(twin)}
    values["sets"]["human"]["happy"]["unreadable"] = {"/sets/human/happy/b.png": "b.png is not a picture."}
    file.write_text(json.dumps(values))
    # What cannot be read hides no other.
    (run / "comparisons" / "20260101-000000-000000.json").write_text("{torn")
    tab.reload()
    open_tab(tab, "Cross-species")
    reopen(tab, "happy · human, ")
    says(tab, "are called tired: the model is not reading")
    says(tab, "it falls back to one class")
    says(tab, "lie against 0 or 1")
    says(tab, f"{NASTY} 1 %")
    # A spreadsheet takes no cell for a formula.
    cells = [cell for row in downloaded_table(tab, tmp_path) for cell in row.values()]
    assert f"'{NASTY}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert NASTY in table(tab, "Measures of every set")
    says(tab, "1 near-duplicate found and left out, others drawn instead.")
    says(tab, "a.png = happy_001.png")
    says(tab, "Held against 48 pictures")
    says(tab, "Joy → happy · bored not used")
    says(tab, "1 picture left out, others drawn instead. b.png is not a picture.")
    for name in QUESTIONS:
        unfold(tab, f"{name}:")
    for width in (390, 1280):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
    # The one emotion that is shown has no calibration error, and the page says what to do.
    press(tab, "Check calibration")
    says(tab, "Compare all emotions to judge calibration.")
    file.unlink()
    press(tab, "Mirrored")
    expect(tab.get_by_text("That comparison is gone: choose another one.").first).to_be_visible()


@pytest.mark.slow
def test_a_question_that_is_stopped_closed_or_overtaken_leaves_no_bar_and_no_lock(
    tab: Page, site: Site, tiny_pictures: Path
) -> None:
    for name in ("human_eval", "dog_eval"):
        tab.get_by_label(f"{tiny_pictures.name}/{name}", exact=True).uncheck()
    for name in ("Drawn humans", "Drawn dogs"):
        tab.get_by_label(name, exact=True).check()
    drawn = compare(tab, site, size=20)
    says(tab, "say nothing of real dogs")
    unfold(tab, "Controls:")
    for name in ("Eyes neutral", "Brows neutral", "Mouth neutral", "Background removed"):
        expect(button(tab, name)).to_be_visible()
    controls = drawn.with_suffix("") / "controls.json"

    # Stopped: what was done is kept.
    press(tab, "All controls")
    until(lambda: controls.exists() and "grey" in json.loads(controls.read_text()), what="some controls")
    stop = tab.get_by_role("button", name="Stop", exact=True).and_(tab.locator(":enabled"))
    with held(*giving_way(site.process.pid)):
        stop.click()
        says(tab, "Stopped: the controls that were done are kept.")
        expect(stop).to_have_count(0)
    assert not {"eyes_neutral", "brows_neutral", "mouth_neutral", "background_removed"} <= set(kept_in(controls))

    # Overtaken: its answer is kept where it belongs, and the other comparison shows its own.
    press(tab, "Background removed")
    for name in ("Drawn humans", "Drawn dogs"):
        tab.get_by_label(name, exact=True).uncheck()
    for name in ("human_eval", "dog_eval"):
        tab.get_by_label(f"{tiny_pictures.name}/{name}", exact=True).check()
    other = compare(tab, site, size=3)
    until(lambda: "background_removed" in kept_in(controls), what="the answer that was asked for")
    press(tab, "Mirrored")
    until(lambda: list(kept_in(other.with_suffix("") / "controls.json")) == ["mirrored"], what="a control of the other")
    expect(button(tab, "Eyes neutral")).to_have_count(0)

    # Closed: whoever comes next is served.
    reopen(tab, title_of(drawn))
    expect(button(tab, "Mouth neutral")).to_be_visible()
    press(tab, "Mouth neutral")
    tab.reload()
    open_tab(tab, "Cross-species")
    reopen(tab, title_of(other))
    unfold(tab, "Controls:")
    press(tab, "Upside down")
    until(lambda: "upside_down" in kept_in(other.with_suffix("") / "controls.json"), what="a control after a reload")
    until(lambda: controls_row(table(tab, "Controls"), "Upside down"), what="its row")


def kept_in(file: Path) -> dict[str, Any]:
    values = json.loads(file.read_text()) if file.exists() else {}
    return {name: each for name, each in values.items() if name != "schema"}
