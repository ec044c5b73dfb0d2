"""The HTML of a report: one sound file, nothing in it that runs or asks, and the same as in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from emotion.comparison import load_comparison
from emotion.errors import ConfigError, RunError
from emotion.report import build_report, to_html, to_markdown, write_report
from emotion.report.content import Beside, Block, Cell, Command, DotChart, Figure, Folded, Report, Section, Table, Text
from emotion.report.html import POLICY
from emotion.report.markdown import escaped

MakeComparison = Callable[..., Path]
VOID = {"meta", "img", "br", "hr", "link", "input"}
NASTY = "<img src=x onerror=alert(1)>"


class Outline(HTMLParser):
    """What a page is made of: its tags in order, its headings, ids and words; mismatched tags are noted."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self.unmatched: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.unmatched += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unmatched.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every element of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def report(make_comparison: MakeComparison) -> Report:
    """The report of all emotions of three sets, with two ticked pictures."""
    file = make_comparison(sets=("human", "dog", "cat"), emotion=None)
    pictures = load_comparison(file).sets["dog"]["happy"].pictures
    return build_report(file, ticked=[each.sha256 for each in pictures[:2]])


def flat(blocks: tuple[Block, ...]) -> list[Table]:
    """Return all tables of a section, also those within something else."""
    found: list[Table] = []
    for block in blocks:
        match block:
            case Table():
                found.append(block)
            case Beside(tables):
                found += tables
            case Folded(_, table):
                found.append(table)
            case Figure(_, _, table) if table:
                found.append(table)
    return found


def test_nothing_runs_and_nobody_is_asked(report: Report) -> None:
    page = to_html(report)
    outline = Outline(page)
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & {tag for tag, _ in outline.tags}
    assert not [name for _, attributes in outline.tags for name in attributes if name.startswith("on")]
    assert all((each["src"] or "").startswith("data:image/webp;base64,") for each in outline.all("img"))
    references = re.findall(r"url\(([^)]*)\)", page)
    assert all(each.startswith("#") for each in references)
    assert "@import" not in page
    assert outline.all("meta")[2] == {"http-equiv": "Content-Security-Policy", "content": POLICY}
    assert all((each.get("xlink:href") or "#").startswith("#") for _, each in outline.tags)


def test_the_page_is_sound(report: Report) -> None:
    outline = Outline(to_html(report))
    assert outline.unmatched == []
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in outline.tags:
        for name in ("aria-labelledby", "href", "xlink:href"):
            wanted = (attributes.get(name) or "").removeprefix("#")
            if wanted and (name == "aria-labelledby" or (attributes[name] or "").startswith("#")):
                assert wanted in ids, wanted
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)


def test_tables_pictures_and_charts_are_told_to_those_who_do_not_see_them(report: Report) -> None:
    outline = Outline(to_html(report))
    assert {each.get("scope") for each in outline.all("th")} == {"col", "row"}
    assert len(outline.all("table")) == sum(len(flat(each.blocks)) for each in report.sections)
    assert all("aria-labelledby" in each for each in outline.all("table"))
    assert all(each.get("alt") for each in outline.all("img"))
    assert len(outline.all("img")) == 2
    charts = outline.all("svg")
    assert charts
    assert all(each.get("role") == "img" and len(each.get("aria-label") or "") > 20 for each in charts)
    assert len(outline.all("figcaption")) >= len(charts) // 2


def test_every_number_of_a_table_stands_in_both_renderings(report: Report) -> None:
    page = " ".join("".join(Outline(to_html(report)).words).replace("\N{NO-BREAK SPACE}", " ").split())
    text = to_markdown(report)
    for section in report.sections:
        assert section.title in page
        assert f"\n## {section.title}\n" in text
        for table in flat(section.blocks):
            assert table.caption in page
            for row in table.rows:
                cells = [each for cell in row.cells for each in (cell.text, cell.detail) if each]
                assert all(" ".join(each.split()) in page for each in cells)
                line = " | ".join(map(escaped, (row.name, *(_plain(cell) for cell in row.cells))))
                assert f"| {line} |" in text


def _plain(cell: Cell) -> str:
    return f"{cell.text} ({cell.detail})" if cell.detail else cell.text


def test_names_are_shown_and_never_obeyed(make_comparison: MakeComparison) -> None:
    file = make_comparison(sets=("human", NASTY, "| a `b` $x$ |"), emotion=None)
    report = build_report(file)
    page = to_html(report)
    outline = Outline(page)
    assert outline.unmatched == []
    assert outline.all("img") == []
    assert NASTY in "".join(outline.words)
    text = to_markdown(report)
    assert NASTY not in re.sub(r"(`{3,})sh\n.*?\n\1", "", text, flags=re.DOTALL)
    rows = [line for line in text.splitlines() if line.startswith("| \\| a")]
    assert rows
    assert all(line.startswith(r"| \| a \`b\` \$x\$ \|") for line in rows)
    assert "$x$" in "".join(outline.words)


def test_a_name_cannot_end_an_attribute_or_a_code_block() -> None:
    chart = DotChart(alt='a" onload="x', axis="", dots=())
    command = Command("does", "a '```\n# three'")
    part = Section("a", (Figure("b", (chart,)), Table('c" onload="', "d", (), ()), Text("one\n\n# two"), command))
    report = Report('t" onload="', "", "", "", (), (part,))
    outline = Outline(to_html(report))
    assert all("onload" not in attributes for _, attributes in outline.tags)
    text = to_markdown(report)
    assert "\n# two" not in text
    assert text.endswith("\n\n````sh\na '```\n# three'\n````\n")


def test_charts_are_sound_svg_in_the_ink_of_the_page(report: Report) -> None:
    charts = re.findall(r"<svg.*?</svg>", to_html(report), flags=re.DOTALL)
    assert len(charts) >= 3
    for chart in charts:
        ElementTree.fromstring(chart.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
        assert "currentColor" in chart
        assert "#010203" not in chart
        assert "font-family" not in chart
        assert "<text" in chart


def test_a_report_is_written_whole_or_not_at_all(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "new" / "report.md"
    write_report(report, target)
    assert target.read_text(encoding="utf-8") == to_markdown(report)
    write_report(report, target.with_suffix(".html"))
    assert target.with_suffix(".html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError, match="No space left"):
        write_report(Report("other", "", "", ""), target)
    monkeypatch.undo()
    assert target.read_text(encoding="utf-8") == to_markdown(report)
    assert sorted(each.name for each in target.parent.iterdir()) == ["report.html", "report.md"]


def test_another_ending_is_refused_before_anything_is_written(report: Report, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.html or \.md"):
        write_report(report, tmp_path / "report.pdf")
    assert list(tmp_path.glob("report*")) == []
