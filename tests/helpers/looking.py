"""Where things are on the page, so that a page that is built anew is found again by changes in this file alone."""

import re
from pathlib import Path
from re import Pattern
from typing import Any

from playwright.sync_api import Locator, Page, expect

from helpers.processes import frozen
from helpers.serving import choose, enter, open_tab
from helpers.waiting import until

# Pixels that make an epoch of the tiny ViT last: 784 patches in place of 16.
SLOW_SIDE = 224


def panel(page: Page) -> Locator:
    """Return what the open tab shows."""
    return page.get_by_role("tabpanel").first


def tabs(page: Page) -> list[str]:
    """Return the names of the page's tabs, without those within a tab."""
    return page.get_by_role("tablist").first.get_by_role("tab").all_inner_texts()


def says(page: Page, *texts: str | Pattern[str]) -> None:
    """Await that the open tab shows each of these texts."""
    for text in texts:
        expect(panel(page)).to_contain_text(text, use_inner_text=True)


def says_no_more(page: Page, text: str | Pattern[str]) -> None:
    """Await that the open tab shows a text no more."""
    expect(panel(page)).not_to_contain_text(text, use_inner_text=True)


def button(page: Page, name: str | Pattern[str]) -> Locator:
    """Return the visible button of this name."""
    return page.get_by_role("button", name=name, exact=True)


def press(page: Page, name: str) -> None:
    """Press the button of this name."""
    button(page, name).click()


def press_stop(page: Page, run: Path, pid: int, *, name: str = "Stop") -> None:
    """Press Stop while the training of a run, at or below ``pid``, stands still: it is not over before it is asked."""
    with frozen(run, pid):
        press(page, name)
        until((run / "stop").exists, what=f"that {run.name} is asked to stop")


def unfold(page: Page, name: str) -> None:
    """Open a section, unless it is open."""
    section = page.get_by_role("button", name=re.compile(f"^{re.escape(name)}"))
    if not section.evaluate("button => button.classList.contains('open')"):
        section.click()


def curves(page: Page, chart: str) -> dict[str, dict[str, Any]]:
    """Return the lines of a chart by name, each with ``x``, ``y`` and its look; empty while it shows none."""
    drawn = page.get_by_role("figure", name=chart, exact=True).locator(".js-plotly-plot")
    data = drawn.evaluate(
        "drawn => (drawn.data || []).map(({name, x, y, line, marker, opacity}) =>"
        " ({name: name || '', x: Array.from(x || []), y: Array.from(y || []), line, marker, opacity}))"
    )
    return {each["name"]: each for each in data}


def bars(page: Page, chart: str) -> dict[str, str]:
    """Return the classes of a chart of bars in their order, each with what stands beside its bar."""
    rows = page.get_by_role("figure", name=chart, exact=True).locator(".class-bars > div")
    return dict(rows.evaluate_all("all => all.map(row => [row.firstChild.textContent, row.lastChild.textContent])"))


def await_points(page: Page, chart: str, line: str, count: int) -> None:
    """Await a line of so many points, or of more, where two came at once."""
    until(lambda: len(curves(page, chart).get(line, {"x": ()})["x"]) >= count, what=f"{count} points of {line}")


def chart_text(page: Page, chart: str) -> str:
    """Return the words in a chart: axes, legend, chance line."""
    return page.get_by_role("figure", name=chart, exact=True).inner_text()


def runs(page: Page) -> Locator:
    """Return the rows of the table of runs, which is in Runs."""
    return page.get_by_role("grid", name="All runs").get_by_role("row").filter(has=page.get_by_role("gridcell"))


def open_run(page: Page, run: Path) -> None:
    """Open a run in Runs by its row, found by the name of its folder."""
    open_tab(page, "Runs")
    enter(page, "Search the runs", run.name)
    # Two that began in the same second are found by the shorter name.
    row = runs(page).filter(has=page.get_by_role("gridcell", name=run.name, exact=True))
    expect(row).to_have_count(1)
    row.get_by_role("gridcell").first.click()
    enter(page, "Search the runs", "")
    expect(page.locator("#run-state")).to_contain_text(run.name)


def use(page: Page, title: str, *, label: str = "Run in use") -> None:
    """Choose a run by how its title begins."""
    page.get_by_label(label, exact=True).click()
    # The list that was open before closes a moment later.
    expect(page.get_by_role("listbox")).to_have_count(1)
    page.get_by_role("option", name=re.compile(f"^{title}")).last.click()


def set_number(page: Page, label: str, value: object) -> None:
    """Type into the number of a slider, as of Epochs and Batch size."""
    enter(page, f"number input for {label}", str(value))
    page.keyboard.press("Tab")


def prepare_tiny(page: Page, pictures: Path, backbone: Path, *, epochs: int = 2, image_size: int = 32) -> None:
    """Choose a set of small pictures and the tiny backbone, as on one's own machine anybody can by its folder."""
    choose(page, "Picture set", f"{pictures.parent.name}/{pictures.name}")
    unfold(page, "More settings")
    size = page.get_by_label("Image size", exact=True)
    if page.get_by_label("Backbone", exact=True).input_value() != str(backbone):
        enter(page, "Backbone", str(backbone))
        page.keyboard.press("Enter")
        # The preset's size for this backbone comes from the server, and would take away what is typed before.
        expect(size).to_have_value("224")
    if size.input_value() != str(image_size):
        size.fill(str(image_size))
    set_number(page, "Epochs", epochs)


def give(page: Page, place: str | Pattern[str], *files: Path) -> None:
    """Choose files in the dialog that a click on a field opens."""
    with page.expect_file_chooser() as dialog:
        page.get_by_role("button", name=place).click()
    dialog.value.set_files(list(files))


def record(page: Page) -> None:
    """Let the camera of the open tab record; Chromium has one that shows a clock."""
    page.get_by_text("Click to Access Webcam").locator("visible=true").click()
    page.get_by_title("start recording").locator("visible=true").click()


def span(page: Page, chart: str) -> list[float]:
    """Return where the horizontal axis of a chart begins and ends."""
    drawn = page.get_by_role("figure", name=chart, exact=True).locator(".js-plotly-plot")
    return list(drawn.evaluate("drawn => drawn.layout.xaxis.range"))


def lay_over(page: Page, title: str | Pattern[str]) -> None:
    """Pick a run to be laid over the one that is watched."""
    page.get_by_label("Lay other runs over it").click()
    page.get_by_role("option", name=title).first.click()


def swept(page: Page) -> Locator:
    """Return the rows of the table of a sweep."""
    table = page.get_by_role("region", name=re.compile(r"runs? finished"))
    return table.get_by_role("row").filter(has=page.get_by_role("cell"))


def confusion(page: Page) -> Locator:
    """Return the confusion matrix of the open run."""
    return page.get_by_role("region", name=re.compile(r"What epoch \d+ says of the \d+ validation pictures"))


def start_several(page: Page, values: str) -> None:
    """Start one training for each value of the batch size."""
    page.get_by_label("Several values of one setting").check()
    enter(page, "Values, one training each", values)
    press(page, "Start")


def watch_shifts(page: Page) -> None:
    """Note from now on whatever on the page moves by itself."""
    page.evaluate(
        "() => { window.shifts = []; new PerformanceObserver(list => window.shifts.push(...list.getEntries()))"
        ".observe({type: 'layout-shift'}); }"
    )


def shifted(page: Page) -> float:
    """Return how much moved since, as the web's measure has it: 0.1 is good for a whole visit."""
    return float(page.evaluate("window.shifts.reduce((sum, each) => sum + each.value, 0)"))
