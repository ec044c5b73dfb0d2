"""A study is one module and one line: what CONTRIBUTING.md says of it holds in a copy of the project."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.comparisons import around, write_comparison
from helpers.looking import button, says
from helpers.serving import ROOT, Site, open_tab
from playwright.sync_api import Page, expect

STUDY = """
from dataclasses import dataclass
from emotion.analysis.blocks import Text
from emotion.analysis.study import Study
@dataclass(frozen=True)
class Found:
    precision: str
def ask(judge, comparison):
    yield from ()
    return Found(judge.classifier.precision)
STUDY = Study("digits", "Digits", "In what does it count?", Found, ask, lambda it, _: [Text(f"In {it.precision}.")])
"""
SENTENCE = "In float32."


@pytest.fixture
def site(tmp_path: Path, trained_run: Path) -> Iterator[Site]:
    """A copy of the project with one study more, served with a run and a comparison of it."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "emotion", project / "emotion", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "app.py", project / "app.py")
    for name in ("assets", "docs"):
        (project / name).symlink_to(ROOT / name)
    (project / "emotion" / "analysis" / "digits.py").write_text(STUDY)
    listed = project / "emotion" / "analysis" / "studies.py"
    added = r"from emotion.analysis import digits\n\n\1\n    digits.STUDY,"
    listed.write_text(re.sub(r"(?m)^(STUDIES\b.*\()$", added, listed.read_text()))
    site = Site(tmp_path / "site")
    site.cwd = project
    run = Path(shutil.copytree(trained_run, site.runs / trained_run.name))
    write_comparison(run, {"human": {"happy": around(0.7)}, "dog": {"happy": around(0.4)}})
    try:
        yield site.start()
    finally:
        site.end()


@pytest.mark.slow
def test_a_study_added_in_ten_lines_is_asked_on_the_page_and_stands_in_the_report(
    site: Site, page: Page, tmp_path: Path
):
    assert len(STUDY.strip().splitlines()) == 10

    def reported(name: str) -> str:
        [run] = site.runs.glob("2*")
        words = ["report", "--run", run, "--to", tmp_path / name]
        subprocess.run([sys.executable, "-m", "emotion", *map(str, words)], cwd=site.cwd, check=True)
        return (tmp_path / name).read_text("utf-8")

    assert re.search(r"Not checked: .*digits", reported("before.md"))
    # Opened long after the page: what the tab was told before it was open is there.
    open_tab(page, "Cross-species")
    page.get_by_label("Saved comparisons of this run").click()
    page.get_by_role("option", name=re.compile("happy · human, dog")).click()
    page.get_by_role("tab", name="Digits", exact=True).click()
    says(page, "In what does it count?")
    button(page, "Ask").locator("visible=true").click()
    expect(page.locator("#digits-answer")).to_contain_text(SENTENCE)
    assert SENTENCE in reported("after.md")
    assert SENTENCE in reported("after.html")
