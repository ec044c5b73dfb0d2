"""A report opened as a file in a browser: whole, the same numbers as in Markdown, and nothing that runs or asks."""

import json
import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from helpers.markdown import plain, sections, tables
from helpers.pictures import write_pictures
from helpers.studies import ask
from playwright.sync_api import Browser, Page

from emotion.report import build_report, to_html

AXE = files("axe_playwright_python") / "axe.min.js"
CHECK = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
    .map(each => [each.id, each.nodes.map(node => node.html.slice(0, 200))]))"""
NASTY = '"><script>alert(1)</script><img src onerror>'
PIPES = "| a `b` $x$ |"
LONG = "a-species-with-a-name-that-is-as-long-as-nobody-would-think-of-but-somebody-does"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, trained_run: Path) -> Path:
    """Card.html, in which one picture is ticked, and card.md: all emotions of four sets, and every question asked."""
    from emotion.cli import main

    root = tmp_path_factory.mktemp("report")
    run = Path(shutil.copytree(trained_run, root / "runs" / trained_run.name))
    people, dogs = (write_pictures(root / name, count=3) for name in ("people", "dogs"))
    sets = {"human": people, NASTY: dogs, PIPES: dogs, LONG: dogs}
    named = [word for name, folder in sets.items() for word in ("--set", f"{name}={folder}")]
    assert main(["compare", "--run", str(run), *named, "--emotion", "all", "--size", "2"]) == 0
    [file] = (run / "comparisons").glob("*.json")
    ask(file, "luck", seeds=2, draws=20)
    for name in ("grey", "shuffled"):
        ask(file, "controls", name=name)
    ask(file, "map")
    ask(file, "cues", cue="tear", individuals=1)
    ticked = json.loads(file.read_text())["sets"]["human"]["sad"]["pictures"][0]["sha256"]
    (root / "card.html").write_text(to_html(build_report(file, ticked=[ticked])), "utf-8")
    assert main(["report", "--run", str(run), "--to", str(root / "card.md")]) == 0
    return root


@pytest.fixture(scope="module")
def opened(browser: Browser, files: Path) -> Iterator[Page]:
    """The report in a browser without a network; what it asks for or what its scripts say fails the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True)
    context.set_offline(True)
    page, problems = context.new_page(), []
    page.on("request", lambda request: request.url[:5] in ("file:", "data:") or problems.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    page.goto((files / "card.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    yield page
    context.close()
    assert problems == []


def test_nothing_in_it_runs_or_asks_anybody_and_its_links_lead_somewhere_in_it(opened: Page, files: Path):
    text = (files / "card.html").read_text("utf-8")
    assert not re.search(r"<(script|iframe|object|embed|link|form|base)\b|<[^>]* on\w+=|@import", text)
    assert all(each.startswith("#") for each in re.findall(r"url\(([^)]*)\)", text))
    assert "default-src 'none'" in text
    assert "script-src" not in text
    ids = opened.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    inner = re.findall(r'href="#([^"]*)"', text)
    assert inner
    assert set(inner) <= set(ids)


def test_the_one_picture_that_was_ticked_is_in_it_and_no_other(opened: Page, files: Path):
    pictures = opened.locator("img")
    assert pictures.count() == 1
    assert str(pictures.get_attribute("src")).startswith("data:image/webp;base64,")
    assert pictures.evaluate("image => image.decode().then(() => image.naturalWidth)") > 1
    assert "human, shows sad" in str(pictures.get_attribute("alt"))
    assert "data:image" not in (files / "card.md").read_text("utf-8")


def test_every_section_and_every_number_of_the_markdown_stands_on_the_page(opened: Page, files: Path):
    text = (files / "card.md").read_text("utf-8")
    found = tables(text)
    assert len(found) > 12
    cells = [cell for rows in found.values() for row in rows.values() for cell in row]
    # A value and its detail, in brackets here, stand below one another there.
    parts = [part for cell in cells for part in re.sub(r" \((.*)\)$", r"\n\1", cell).split("\n")]
    page = re.sub(r"\s", "", opened.evaluate("document.body.textContent"))
    told = [*list(sections(text))[1:], *found, *parts]
    assert [each for each in told if re.sub(r"\s", "", each) not in page] == []


def test_names_are_shown_and_never_obeyed(opened: Page, files: Path):
    shown, text = opened.locator("body").inner_text(), (files / "card.md").read_text("utf-8")
    assert all(name in shown for name in (NASTY, PIPES, LONG))
    # In a command between fences it stands as it is typed.
    assert NASTY not in re.sub(r"(`{3,})sh\n.*?\n\1", "", text, flags=re.DOTALL)
    assert NASTY in plain(text)
    assert re.search(r"(?m)^\| \\\| a \\`b\\` \\\$x\\\$ \\\| \|", text)


def test_it_fits_a_phone_and_a_screen_is_light_or_dark_clean_for_axe_and_white_on_paper(opened: Page):
    for scheme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 21, 29)")):
        opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        for width in (390, 1280):
            opened.set_viewport_size({"width": width, "height": 844})
            assert opened.evaluate("document.documentElement.scrollWidth") == width
            if (scheme == "dark") == (width == 1280):
                opened.evaluate(AXE.read_text("utf-8"))
                assert opened.evaluate(CHECK) == []
    opened.emulate_media(media="print", color_scheme="dark")
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.pdf(format="A4", print_background=True)[:5] == b"%PDF-"


def test_charts_are_told_in_words_and_stay_within_their_frames(opened: Page):
    charts: Any = opened.evaluate(
        """() => [...document.querySelectorAll('svg')].map(chart => {
            const frame = chart.getBoundingClientRect();
            return [chart.getAttribute('role'), chart.getAttribute('aria-label') || '',
                [...chart.querySelectorAll('text')].filter(each => {
                    const box = each.getBoundingClientRect();
                    return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
                }).map(each => each.textContent)];
        })"""
    )
    assert len(charts) >= 5
    for role, said, outside in charts:
        assert (role, outside) == ("img", [])
        assert len(said) > 20
    means = opened.locator("svg").filter(has_text="chance").first.text_content()
    assert re.search(r"\d\d? %", str(means))
