"""What holds on every tab: a first visit, no mouse, a phone, axe, light and dark, and errors of one sentence."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers import looking
from helpers.looking import button, open_run, panel, press, says, says_no_more, unfold, use
from helpers.pictures import write_pictures
from helpers.processes import frozen
from helpers.run_folder import copy_run, drop_run, events_of
from helpers.serving import ROOT, Site, choose, enter, open_tab, serving
from helpers.waiting import until
from playwright.sync_api import Browser, Locator, Page, expect

AXE = files("axe_playwright_python") / "axe.min.js"
# Nothing is excluded: what axe found in Gradio's own markup has been mended from outside.
CHECK = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(each => ['serious', 'critical'].includes(each.impact))
    .map(each => [each.id, each.help, each.nodes.map(node => [node.html.slice(0, 200), node.failureSummary])])"""
# Colours fade in; axe would measure them on the way. What moves for ever is none of them.
AT_REST = """() => Promise.all(document.getAnimations()
    .filter(each => each.effect.getComputedTiming().iterations !== Infinity)
    .map(each => each.finished.catch(() => {})))"""
HAS_FOCUS = "element => element === document.activeElement"
# A field's ring is on its frame, a choice's on its label: a few levels up.
RING = """() => {
    let element = document.activeElement;
    if (!element || element === document.body) return ['', true];
    const what = element.outerHTML.slice(0, 200);
    for (let level = 0; element && level < 4; level += 1, element = element.parentElement) {
        const {outlineStyle, outlineWidth} = getComputedStyle(element);
        if (outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2) return [what, true];
    }
    return [what, false];
}"""
MANY = 150
WAITS = "This waits for a first finished run"
PANEL = "What is asked here, and what came out"


@pytest.fixture(scope="module")
def site(site: Site, trained_run: Path) -> Site:
    """With a run of a sweep, whose table stands below its curves."""
    sweep = {"id": "20920101-000000", "setting": "seed", "value": 42, "place": 0}
    copy_run(trained_run, site.runs / "20920101-000000-swept", sweep=sweep)
    return site


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A public server that has no run yet, where five trainings of a visitor may wait, and a set with other names."""
    pictures = write_pictures(tmp_path_factory.mktemp("offered") / "dog_photos", count=4, classes=("Anger", "sad"))
    with serving(
        tmp_path_factory.mktemp("bare"), public=True, environment={"EMOTION_PICTURES": str(pictures.parent)}
    ) as site:
        yield site


@pytest.mark.slow
def test_a_first_visitor_is_told_what_was_measured_and_what_each_tab_waits_for(bare: Site, browser: Browser):
    results = ROOT / "docs" / "results" / "experiment-photographs.json"
    people, dogs = json.loads(results.read_text("utf-8"))["twenty"]
    with bare.visit(browser) as page:
        page.get_by_text(PANEL).click()
        expect(page.get_by_text("Shown a happy dog, does it see a happy dog?")).to_be_visible()
        said = f"people: {people['right']} of 20 right.*dogs: {dogs['right']} of 20 right"
        expect(page.get_by_text(re.compile(said)).first).to_be_visible()
        for each in (people, dogs):
            ends = " to ".join(f"{100 * each[f'confidence_{end}']:.0f}" for end in ("low", "high"))
            expect(page.get_by_text(re.compile(rf"{100 * each['confidence']:.1f}\s%.*{ends}")).first).to_be_visible()
        says(page, "Nothing is trained yet. Press Start")
        open_tab(page, "Runs")
        says(page, "No runs yet.")
        for name in ("Predict", "Cross-species"):
            open_tab(page, name)
            says(page, WAITS)
        page.get_by_text(PANEL).click()
        expect(page.get_by_text("Shown a happy dog, does it see a happy dog?")).to_be_hidden()


@pytest.mark.parametrize("host", ['x"><script>alert(1)</script>', "a.example, b.example"])
def test_a_header_cannot_write_into_the_page(site: Site, host: str):
    page = httpx.get(site.url, headers={"x-forwarded-host": host, "x-forwarded-proto": "https"})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "b.example" not in page.text


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until ``target`` has the focus."""
    for _ in range(MANY):
        page.keyboard.press("Tab")
        if target.evaluate(HAS_FOCUS):
            return
    raise AssertionError(f"{MANY} times Tab do not lead to {target}.")


def open_by_keyboard(page: Page, name: str) -> None:
    """Go to the tabs by the link that skips the header, and on by arrows."""
    link = page.get_by_role("link", name="Skip to the tabs")
    link.focus()
    page.keyboard.press("Enter")
    for _ in range(5):
        if page.get_by_role("tab", name=name, exact=True).evaluate(HAS_FOCUS):
            break
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute("aria-selected", "true")


@pytest.mark.slow
def test_without_a_mouse_a_training_is_started_and_stopped_an_example_judged_and_a_list_left(
    page: Page, site: Site, tiny_pictures: Path, tiny_vit: Path
):
    known = set(site.runs.iterdir())
    looking.prepare_tiny(page, tiny_pictures / "human_train", tiny_vit, epochs=50, image_size=looking.SLOW_SIDE)
    choose(page, "Depth", "Everything")
    page.reload()
    expect(page.get_by_label("number input for Epochs")).to_have_value("50")
    tab_to(page, button(page, "Start"))
    page.keyboard.press("Enter")
    [run] = until(lambda: set(site.runs.glob("2*")) - known)
    with frozen(run, site.process.pid):
        says(page, re.compile(r"epoch \d+ of 50"))
        # Start is called otherwise by now, and still the place from which Tab goes on.
        expect(button(page, "Stop")).to_be_enabled()
        page.keyboard.press("Tab")
        assert button(page, "Stop").evaluate(HAS_FOCUS)
        page.keyboard.press("Enter")
        until((run / "stop").exists)
    says(page, re.compile(r"Stopped: epoch \d+ is kept"))
    open_by_keyboard(page, "Predict")
    tab_to(page, page.get_by_role("button", name="Drawn example 5: dog, happy"))
    page.keyboard.press("Enter")
    says(page, re.compile(r"(Looks|Perhaps|Undecided)"))
    open_by_keyboard(page, "Cross-species")
    emotion = page.get_by_label("Emotion", exact=True)
    tab_to(page, emotion)
    expect(emotion).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(emotion).to_have_value("sad")
    page.keyboard.press("Tab")
    expect(emotion).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_role("listbox")).to_have_count(0)


@pytest.mark.slow
def test_what_has_the_focus_is_ringed(site: Site, browser: Browser):
    with site.visit(browser, theme="dark") as page:
        unfold(page, "More settings")
        for name in looking.tabs(page):
            open_by_keyboard(page, name)
            rings: list[tuple[str, bool]] = []
            while len(rings) < MANY:
                page.keyboard.press("Tab")
                what, is_ringed = page.evaluate(RING)
                if not what:
                    break
                rings.append((what, is_ringed))
            assert [what for what, is_ringed in rings if not is_ringed] == [], name
            assert len(rings) > 3, name


def violations(page: Page) -> list[Any]:
    """Return what axe calls serious or critical of what is on the screen."""
    page.evaluate(AT_REST)
    return list(page.evaluate(CHECK))


def fill_every_tab(page: Page, site: Site, run: Path) -> None:
    """Let each tab show what it can: the table and the curves of a sweep, a run, its pictures, what it says of one."""
    open_run(page, site.runs / "20920101-000000-swept")
    press(page, "Show curves")
    says(page, "Seed: 1 of 1 run finished", "Each seed draws its own split")
    unfold(page, "More settings")
    page.get_by_label("Several values of one setting").check()
    looking.lay_over(page, re.compile(r"\d+ %$"))
    open_run(page, site.runs / run.name)
    unfold(page, "Name and note")
    looking.confusion(page).get_by_role("button").first.click()
    says(page, re.compile(r"\d pictures?: "))
    page.get_by_text("All settings").click()
    open_tab(page, "Predict")
    page.get_by_role("button", name="Drawn example 5: dog, happy").click()
    says(page, re.compile(r"(Looks|Perhaps|Undecided)"))


def every_tab_is_clean(page: Page, width: int) -> None:
    page.evaluate(AXE.read_text("utf-8"))
    for name in looking.tabs(page):
        open_tab(page, name)
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_fault_every_tab_is_clean_for_axe_with_named_controls_and_fits_a_phone(
    page: Page, site: Site, trained_run: Path
):
    page.set_viewport_size({"width": 390, "height": 900})
    fill_every_tab(page, site, trained_run)
    every_tab_is_clean(page, 390)
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.slow
def test_in_the_dark_every_tab_is_clean_with_or_without_run(
    site: Site, bare: Site, browser: Browser, trained_run: Path
):
    with site.visit(browser, theme="dark") as page:
        fill_every_tab(page, site, trained_run)
        open_tab(page, "Cross-species")
        enter(page, "Pictures per set", "4")
        press(page, "Compare")
        says(page, re.compile("of 4 correct|4 pictures per set"))
        every_tab_is_clean(page, 1280)
    with bare.visit(browser, theme="dark") as page:
        every_tab_is_clean(page, 1280)


@pytest.mark.slow
def test_the_first_run_trains_itself_and_is_there_in_every_tab_and_leads_on(browser: Browser, tmp_path: Path):
    if not (ROOT / "models" / "dinov2-small" / "model.safetensors").is_file():
        pytest.skip("dinov2-small is not in models/: run `make run` once")
    with (
        serving(tmp_path, environment={"EMOTION_FIRST_RUN": "1"}) as own,
        own.visit(browser, width=390) as page,
    ):
        says(page, re.compile(r"\d+ of 90 validation pictures right = \d+ %"))
        expect(page.get_by_label("Run in use")).to_have_value(re.compile(r"^Drawn people · Quick · batch 24 · \d+ %$"))
        expect(page.get_by_text("Shown a happy dog, does it see a happy dog?")).to_be_hidden()
        press(page, "Compare with dogs")
        expect(page.get_by_role("tab", name="Cross-species")).to_have_attribute("aria-selected", "true")
        for name in ("Predict", "Cross-species"):
            open_tab(page, name)
            says_no_more(page, WAITS)
        open_tab(page, "Runs")
        expect(looking.runs(page)).to_have_count(1)
        assert "Traceback" not in own.log.read_text("utf-8")


def test_fault_a_new_run_is_used_unless_another_was_picked_since_it_began_and_a_link_opens_what_one_sees(
    page: Page, site: Site, trained_run: Path
):
    later = {"created": time.time() + 3600}
    first = copy_run(trained_run, site.runs / "20940101-000000-first", title="First", record=later)
    in_use = page.get_by_label("Run in use")
    expect(in_use).to_have_value(re.compile("^First"))
    use(page, ".*· batch 8")
    expect(in_use).to_have_value(re.compile("· batch 8"))
    begun = {"created": time.time() - 3600}
    second = copy_run(trained_run, site.runs / "20940102-000000-second", title="Second", record=begun)
    (second / "events.jsonl").touch()
    drop_run(first)
    press_offer = page.get_by_role("button", name=re.compile("^Use the new run: Second"))
    expect(press_offer).to_be_visible()
    expect(in_use).to_have_value(re.compile("· batch 8"))
    press_offer.click()
    expect(in_use).to_have_value(re.compile("^Second"))
    expect(press_offer).to_be_hidden()
    open_tab(page, "Predict")
    page.wait_for_url(re.compile("tab=predict.*run=20940102-000000-second|run=20940102-000000-second.*tab=predict"))
    page.goto(f"{site.url}/?tab=runs&run={trained_run.name}")
    expect(page.get_by_role("tab", name="Runs")).to_have_attribute("aria-selected", "true")
    expect(in_use).to_have_value(re.compile("· batch 8"))
    expect(page.locator("#run-state")).to_contain_text(trained_run.name)
    drop_run(second)


def test_of_a_sweep_the_best_run_is_used_and_not_the_newest(page: Page, site: Site, trained_run: Path, tmp_path: Path):
    worse = Path(shutil.copytree(trained_run, tmp_path / "worse"))
    *before, end = events_of(worse)
    end["validation"]["loss"] += 1
    (worse / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in [*before, end]), "utf-8")
    later, swept = {"created": time.time() + 7200}, []
    for place, (template, title) in enumerate([(trained_run, "Best"), (worse, "Newest")]):
        sweep = {"id": "20950101-000000", "setting": "epochs", "value": place + 1, "place": place}
        name = f"2095010{place + 1}-000000-swept"
        swept.append(copy_run(template, site.runs / name, title=title, sweep=sweep, record=later))
    in_use = page.get_by_label("Run in use")
    expect(in_use).to_have_value(re.compile("^Best"))
    in_use.click()
    expect(page.get_by_role("option", name=re.compile("^Newest"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(in_use).to_have_value(re.compile("^Best"))
    for run in swept:
        drop_run(run)


def test_a_model_that_cannot_be_read_is_one_sentence_on_the_page(page: Page, site: Site, trained_run: Path):
    torn = copy_run(trained_run, site.runs / "20930101-000000-torn", title="Torn")
    weights = torn / "checkpoint" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    open_tab(page, "Predict")
    use(page, "Torn")
    page.get_by_role("button", name="Drawn example 1: human, happy").click()
    says(page, re.compile("cannot be|could not be|train it again|damaged"))
    assert "Traceback" not in page.content()
    assert str(site.runs) not in panel(page).inner_text()
    drop_run(torn)
