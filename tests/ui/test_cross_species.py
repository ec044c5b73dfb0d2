"""The Cross-species tab in a browser: a comparison, the grid, every further question, the report, what goes wrong."""

import base64
import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coloraide import Color
from helpers.comparisons import around, scores, write_comparison
from helpers.looking import button, press, says, says_no_more
from helpers.pictures import EMOTIONS
from helpers.processes import giving_way, held
from helpers.serving import Site, enter, open_tab
from helpers.waiting import until
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from emotion.core.prediction import Saliency
from emotion.ui.rendering import heat_uri

NASTY = '=HYPERLINK("><script>alert(1)</script>")'
DRAWN = ("Drawn humans", "Drawn dogs")
QUESTIONS = ("Other draws", "Controls", "Saliency", "Cues", "Feature map", "Calibration")


# Where things are in this tab


@pytest.fixture
def own_sets(tiny_pictures: Path) -> list[str]:
    """The names of the sets that are no drawn ones, of people and of dogs."""
    return [f"{tiny_pictures.name}/{name}" for name in ("human_eval", "dog_eval")]


@pytest.fixture
def tab(page: Page, own_sets: list[str]) -> Page:
    """The page of a new visitor with the tab open, the run chosen, and the sets of its kind ticked."""
    open_tab(page, "Cross-species")
    for name in own_sets:
        expect(page.get_by_label(name, exact=True)).to_be_checked()
    return page


def saved(file: Path) -> Any:
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def set_ticked(page: Page, names: Sequence[str], is_ticked: bool) -> None:
    """Tick sets, or take their ticks away."""
    for name in names:
        page.get_by_label(name, exact=True).set_checked(is_ticked)


def compare(page: Page, site: Site, name: str = "Compare", *, size: int | None = None) -> Path:
    """Press Compare, or All emotions, and return the file that it is saved in, once it is on screen."""
    before = set(site.runs.glob("*/comparisons/*.json"))
    if size is not None:
        enter(page, "Pictures per set", str(size))
    press(page, name)
    [file] = until(lambda: set(site.runs.glob("*/comparisons/*.json")) - before, what="a comparison")
    expect(page.get_by_label("Saved comparisons of this run")).to_have_value(re.compile(title_of(file)))
    return file


def title_of(file: Path) -> str:
    values = saved(file)
    shown = values["emotion"] or "all emotions"
    return re.escape(f"{shown} · {', '.join(values['sets'])} · {values['size']} each · seed {values['seed']}")


def reopen(page: Page, title: str) -> None:
    """Choose a saved comparison by a part of its title."""
    page.get_by_label("Saved comparisons of this run").click()
    page.get_by_role("option", name=re.compile(title)).first.click()


def table(page: Page, name: str) -> dict[str, list[str]]:
    """Return a table's cells by the name of the row, the head under "", from the caption that ends in ``name``."""
    region = page.get_by_role("region", name=re.compile(rf"^\s*{re.escape(name)}")).locator("visible=true")
    expect(region).to_be_visible()
    rows: list[list[str]] = region.evaluate(
        "region => [...region.querySelectorAll('tr')].map(row => "
        "[...row.children].map(cell => cell.textContent.replace(/\\s+/g, ' ').trim()))"
    )
    return {row[0]: row[1:] for row in rows}


def ask(page: Page, name: str) -> None:
    """Put a question."""
    open_tab(page, name)
    button(page, "Ask").locator("visible=true").click()


def cards(page: Page, name: str) -> Locator:
    """Return the card of a set: what came out, and its pictures with what was said of them."""
    return page.get_by_role("region", name=name, exact=True).filter(has_text="correct")


def of_right(rows: list[Mapping[str, Any]], label: str) -> tuple[np.ndarray, list[str]]:
    """Return the probabilities of the correct class, and what was said."""
    said = [max(row["scores"], key=row["scores"].get) for row in rows]
    return np.array([row["scores"][label] for row in rows]), said


def downloaded(page: Page, name: str) -> str:
    """Return the text of what a button downloads."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first.click()
    return Path(download.value.path()).read_text("utf-8")


def pct(share: float) -> str:
    return f"{100 * share:.0f} %"


# What a visitor does


def test_the_heat_over_a_picture_is_bright_where_the_map_is_high():
    values = ((0.0, 0.2, 0.4), (0.6, 1.0, 0.8), (0.1, 0.0, 0.3))
    uri = heat_uri(Saliency("happy", 0.7, values, (0.0, 0.0, 1.0, 1.0)))
    heat = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L")
    patches = np.asarray(heat.resize((3, 3), Image.Resampling.BOX), float)
    assert np.corrcoef(patches.ravel(), np.ravel(values))[0, 1] > 0.9


def test_two_sets_of_one_emotion_are_told_with_means_intervals_chance_and_gap(tab: Page, site: Site):
    file = compare(tab, site, size=5)
    sets = saved(file)["sets"]
    open_tab(tab, "All numbers")
    measures, hits_of = table(tab, "What came out, shown “happy”"), {}
    called = table(tab, "How many pictures of “happy” were called what")
    for name in ("human", "dog"):
        rows = sets[name]["happy"]["pictures"]
        right, said = of_right(rows, "happy")
        hits = hits_of[name] = said.count("happy")
        second = sum(sorted(row["scores"].values())[-2] == row["scores"]["happy"] for row in rows)
        n, mean, right_of_n, runner_up, *_ = measures[name]
        assert (n, runner_up) == ("5", str(second))
        assert re.fullmatch(rf"{100 * right.mean():.1f} % \d+ to \d+", mean)
        assert re.fullmatch(rf"{hits} of 5 {pct(hits / 5)}: \d+ to \d+", right_of_n)
        card = cards(tab, name)
        expect(card).to_contain_text(f"{hits} of 5 correct")
        expect(card).to_contain_text(f"came second in {second} of 5")
        assert called[name] == [str(said.count(label)) for label in EMOTIONS]
        expect(card.get_by_role("img")).to_have_count(5)
        assert re.findall(r"[✓✗] (\w+)", card.inner_text()) == said
        assert card.inner_text().count("✓") == hits
        says(tab, f"{pct(right.mean())} for {'people' if name == 'human' else 'dogs'}")
    says(tab, f"{hits_of['human']} of 5 people right, {hits_of['dog']} of 5 dogs: ")
    assert measures["Chance"][1:] == ["25 %", "25 %", "25 %", "1.39", "0.75"]
    says(tab, "“happy”, 5 pictures per set, seed 42, chance 25 %, 95 % intervals, float32")
    says(tab, "with 5 pictures each, gaps under about")
    expect(tab.locator("#headline")).not_to_contain_text("drawn pictures")
    means = tab.get_by_role("img", name=re.compile("^Mean correct-class confidence with 95.% intervals"))
    for word in ("human", "dog", "chance"):
        expect(means).to_contain_text(word)
    says(tab, re.compile(r"Permutation test: p\s[=<]\s[\d.]+; in \d+\s% of pairs"))
    rows = list(csv.DictReader(downloaded(tab, "Download CSV").splitlines()))
    kept = [row for name in ("human", "dog") for row in sets[name]["happy"]["pictures"]]
    assert [row["sha256"] for row in rows] == [row["sha256"] for row in kept]
    for row, each in zip(rows, kept, strict=True):
        assert {label: float(row[f"p_{label}"]) for label in EMOTIONS} == pytest.approx(each["scores"])
        assert (row["label"], row["seed"], "/" not in row["set"]) == ("happy", "42", True)
        assert not row["picture"].startswith("/")


@pytest.mark.slow
def test_fault_a_link_opens_the_comparison_one_sees_where_each_set_has_a_shade_and_its_unfamiliar_pictures_are_counted(
    tab: Page, site: Site, browser: Browser
):
    [run] = site.runs.glob("2*")
    name = "20260601-000000-000000"
    sets = {"human": around(0.7), "dog (mine)": around(0.4), "dog (yours)": around(0.3)}
    file = write_comparison(run, {each: {"happy": rows} for each, rows in sets.items()}, name=name)
    values = saved(file)
    for each in sets:
        for number, picture in enumerate(values["sets"][each]["happy"]["pictures"]):
            picture["is_unknown"] = each != "human" and number < 5
    file.write_text(json.dumps(values))
    tab.reload()
    open_tab(tab, "Cross-species")
    reopen(tab, r"happy · human, dog \(mine\), dog \(yours\)")
    says(tab, "70 % for people")
    tab.wait_for_url(re.compile(f"comparison={name}.json"))
    with site.visit(browser) as other:
        other.goto(tab.url)
        expect(other.get_by_role("tab", name="Cross-species")).to_have_attribute("aria-selected", "true")
        says(other, "70 % for people")
        expect(cards(other, "human")).to_contain_text("Unfamiliar kind of picture: 0 of 20 (0 %)")
        expect(cards(other, "dog (yours)")).to_contain_text("Unfamiliar kind of picture: 5 of 20 (25 %)")
        accents = {each: cards(other, each).evaluate("card => card.style.getPropertyValue('--own')") for each in sets}
        assert len(set(accents.values())) == 3
        swatches = other.locator("#overview tbody th i").evaluate_all("all => all.map(each => each.style.background)")
        assert [Color(each) for each in swatches] == [Color(each) for each in accents.values()]
    file.unlink()


@pytest.mark.slow
def test_all_emotions_are_one_click_and_every_question_is_answered_and_kept(tab: Page, site: Site):
    file = compare(tab, site, "All emotions", size=4)
    sets, grid = saved(file)["sets"], table(tab, "Mean correct-class confidence by emotion")
    assert grid["Set"] == [*EMOTIONS, "all"]
    for name, called in (("human", "people"), ("dog", "dogs")):
        confusion = table(tab, f"What was said of {called}")
        for place, label in enumerate(EMOTIONS):
            right, said = of_right(sets[name][label]["pictures"], label)
            assert re.match(rf"{100 * right.mean():.1f} %\*? .*, {said.count(label)} of 4, AUC", grid[name][place])
            assert confusion[label] == [str(said.count(other)) for other in EMOTIONS]
    tab.get_by_role("radio", name="sad", exact=True).first.check()
    says(tab, "“sad”, 4 pictures per set")
    assert table(tab, "Mean correct-class confidence by emotion") == grid
    tab.get_by_role("radio", name="all", exact=True).first.check()
    says(tab, "all emotions, 16 pictures per set")

    answers = ask_everything(tab)
    kept = {path.stem: saved(path) for path in file.with_suffix("").iterdir()}
    assert set(kept) == {"luck", "controls", "map", "saliency"}
    open_tab(tab, "Feature map")
    pictures_lie_on_the_map(tab, kept["map"]["points"])
    open_tab(tab, "Calibration")
    says(tab, "Temperature T = ")

    report_has_the_one_ticked_picture(tab, sets["dog"]["sad"]["pictures"][0])

    tab.reload()
    open_tab(tab, "Cross-species")
    reopen(tab, title_of(file))
    says(tab, "all emotions, 16 pictures per set")
    for name, said in answers.items():
        open_tab(tab, name)
        says(tab, said)


def ask_everything(page: Page) -> dict[str, str]:
    """Put each question, await its answer, and return a sentence of each."""
    answers = {
        "Other draws": "Over 5 trainings and 200 draws, people get",
        "Controls": "interval must hold the 25 % of chance",
        "Saliency": "not a proof of cause",
        "Cues": "One part of drawn faces is moved from end to end",
        "Feature map": "dogs lie nearer to the centres of dogs of other emotions",
    }
    for name, said in answers.items():
        ask(page, name)
        says(page, said)
    open_tab(page, "Saliency")
    figure = page.get_by_role("figure").filter(has_text=re.compile(r"happy \d+ %correct")).first
    expect(figure.locator("img")).to_have_count(2)
    return answers


def pictures_lie_on_the_map(page: Page, points: list[Mapping[str, Any]]) -> None:
    """Each picture lies where the map has it, and says what it shows and what it was called."""
    titles = {f"{each['set_name']}, shows {each['label']}, called {each['predicted']}: {each['picture']}": each
              for each in points}  # fmt: skip
    marks: list[list[Any]] = page.locator("[role=img] > [title]:visible").evaluate_all(
        "all => all.map(each => [each.title, parseFloat(each.style.left), parseFloat(each.style.bottom)])"
    )
    assert {title for title, *_ in marks} == set(titles)
    for axis, places in (("x", [left for _, left, _ in marks]), ("y", [bottom for *_, bottom in marks])):
        assert np.corrcoef(places, [titles[title][axis] for title, *_ in marks])[0, 1] > 0.999


def report_has_the_one_ticked_picture(page: Page, picture: Mapping[str, Any]) -> None:
    says(page, "No picture is in the report, unless you tick some above.")
    box = page.locator(f"[data-tick='{picture['sha256']}']")
    box.scroll_into_view_if_needed()
    box.check(force=True)
    says(page, re.compile("ticked picture will be in the report"))
    press(page, "Write report")
    text = downloaded(page, "Download report")
    assert text.count("<img ") == 1
    assert "Over 5 trainings" in text, "with what was asked"


@pytest.mark.slow
def test_a_saved_comparison_is_opened_again_with_its_warnings_and_what_was_left_out(
    tab: Page, site: Site, tiny_pictures: Path
):
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
    says(tab, "are called tired: the model is not reading", "it falls back to one class", "lie against 0 or 1")
    says(tab, f"1 % for {NASTY}")
    # A spreadsheet takes no cell for a formula.
    cells = [cell for row in csv.reader(downloaded(tab, "Download CSV").splitlines()) for cell in row]
    assert f"'{NASTY}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert NASTY in table(tab, "How many pictures of “happy” were called what")
    open_tab(tab, "All numbers")
    assert NASTY in table(tab, "What came out, shown “happy”")
    says(tab, "1 near-duplicate found and left out; the next pictures by seed took their places.")
    says(tab, "trained on as happy/happy_001.png", "b.png is not a picture.")
    expect(tab.get_by_role("img", name="trained on", exact=True)).to_be_visible()
    says(tab, "held against 48 pictures", "Joy read as happy; bored not used")
    for name in QUESTIONS:
        open_tab(tab, name)
        for width in (390, 1280):
            tab.set_viewport_size({"width": width, "height": 900})
            tab.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
    # The one emotion that is shown has no calibration error, and the page says what to do.
    says(tab, "Compare all emotions to judge calibration.")
    file.unlink()
    ask(tab, "Controls")
    expect(tab.get_by_text("That comparison is gone: choose another one.").first).to_be_visible()


@pytest.mark.slow
def test_fault_a_question_stopped_closed_or_overtaken_leaves_no_bar_and_no_lock(
    tab: Page, site: Site, own_sets: list[str]
):
    set_ticked(tab, own_sets, False)
    set_ticked(tab, DRAWN, True)
    drawn = compare(tab, site, size=40)
    expect(tab.locator("#headline")).to_contain_text(re.compile(r"drawn pictures[\s\S]*\d+ dogs: "))
    open_tab(tab, "Controls")
    controls = drawn.with_suffix("") / "controls.json"

    # Stopped: nothing of it is kept.
    ask(tab, "Controls")
    stop = button(tab, "Stop").locator("visible=true")
    expect(stop).to_be_visible()
    says(tab, "changed pictures")
    with held(*giving_way(site.process.pid)):
        stop.click()
        says(tab, "Stopped: nothing of it is kept.")
        expect(stop).to_have_count(0)
    assert not controls.exists()

    # Overtaken: its answer is kept where it belongs, and the other comparison shows its own.
    control(tab, "Background removed")
    ask(tab, "Controls")
    set_ticked(tab, DRAWN, False)
    set_ticked(tab, own_sets, True)
    says(tab, "The settings above have changed since this comparison: press Compare.")
    other = compare(tab, site, size=3)
    says_no_more(tab, "press Compare.")
    until(lambda: "background_removed" in saved(controls), what="the answer that was asked for")
    expect(tab.get_by_text("Background removed, human")).to_have_count(0)
    control(tab, "Mirrored")
    ask(tab, "Controls")
    until(lambda: "mirrored" in saved(other.with_suffix("") / "controls.json"), what="a control of the other")
    assert set(table(tab, "Mean correct-class confidence before and under each control")) == {
        "Control", "Mirrored, human", "Mirrored, dog",
    }  # fmt: skip

    # Closed: whoever comes next is served.
    reopen(tab, title_of(drawn))
    expect(tab.locator("#headline")).to_contain_text("drawn pictures")
    control(tab, "Mouth neutral")
    ask(tab, "Controls")
    tab.reload()
    open_tab(tab, "Cross-species")
    reopen(tab, title_of(other))
    open_tab(tab, "Controls")
    control(tab, "Upside down")
    ask(tab, "Controls")
    until(lambda: "upside_down" in saved(other.with_suffix("") / "controls.json"), what="a control after a reload")
    says(tab, "Upside down, dog")


def control(page: Page, name: str) -> None:
    """Choose a control."""
    page.get_by_label("Control", exact=True).locator("visible=true").click()
    page.get_by_role("option", name=name, exact=True).click()


def test_what_cannot_be_asked_is_one_sentence(tab: Page, own_sets: list[str]):
    def refused(name: str, sentence: str) -> None:
        press(tab, name)
        expect(tab.get_by_text(sentence).last).to_be_visible()

    enter(tab, "Pictures per set", "")
    refused("Compare", "Sample size or seed is empty: give whole numbers, for instance 20 and 42.")
    enter(tab, "Pictures per set", "9")
    refused("Compare", "There are only 6 pictures of 'happy': choose a sample of at most that many.")
    set_ticked(tab, own_sets, False)
    refused("Compare", "No set is ticked: tick at least one, better two.")
