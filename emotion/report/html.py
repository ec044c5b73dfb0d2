"""A report as one HTML file: its style within, no script, nothing asked of any other place."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from emotion.report.content import (
    Beside,
    Block,
    Cell,
    Chart,
    Command,
    Facts,
    Figure,
    Folded,
    Gallery,
    Heading,
    Limit,
    Limits,
    Points,
    Report,
    Row,
    Section,
    Shown,
    Source,
    Table,
    Text,
)
from emotion.report.figures import draw

# A longer name has room of its own, so that it is not broken after each word.
SHORT_NAME = 14
STYLE = Path(__file__).with_name("style.css")
# A browser that reads it lets nothing run and asks nobody, whatever a name in the report may hold.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def to_html(report: Report) -> str:
    """Return a report as a whole page in light and dark, for screens from a phone's on, and for paper."""
    return _Page().of(report)


class _Page:
    """Numbers the tables and figures of a page, so that they can be named and none shares an id."""

    def __init__(self) -> None:
        self._charts, self._figures, self._tables = count(1), count(1), count(1)

    def of(self, report: Report) -> str:
        style = STYLE.read_text(encoding="utf-8").strip()
        warnings = "".join(f'<p class="warning">{_text(warning)}</p>' for warning in report.warnings)
        sections = "\n".join(self._section(number, each) for number, each in enumerate(report.sections, start=1))
        links = "".join(
            f'<li><a href="#part-{number}">{_text(each.title)}</a></li>'
            for number, each in enumerate(report.sections, start=1)
        )
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
            f"<title>{_text(report.title)}</title>\n<style>\n{style}\n</style>\n</head>\n<body>\n"
            f'<header>\n<p class="dateline">{_text(report.dateline)}</p>\n<h1>{_text(report.title)}</h1>\n'
            f'<p class="answer">{_text(report.answer)}</p>\n<p class="basis">{_text(report.basis)}</p>\n'
            f'{warnings}\n</header>\n<nav aria-label="Contents"><ol>{links}</ol></nav>\n<main>\n{sections}\n</main>\n'
            "<footer><p>Written by Emotion, across species. It holds no script and asks nothing of any other place."
            "</p></footer>\n</body>\n</html>\n"
        )

    def _section(self, number: int, section: Section) -> str:
        blocks = "\n".join(self._block(block) for block in section.blocks)
        title = f'<h2 id="title-{number}">{_text(section.title)}</h2>'
        return f'<section id="part-{number}" aria-labelledby="title-{number}">\n{title}\n{blocks}\n</section>'

    def _block(self, block: Block) -> str:
        match block:
            case Heading(text):
                return f"<h3>{_text(text)}</h3>"
            case Text(text, kind, sources):
                return f'<p class="{kind}">{_text(text)}{_cited(sources)}</p>'
            case Points(items):
                return f'<ul class="points">{"".join(_point(*item) for item in items)}</ul>'
            case Facts(rows):
                return f'<dl class="facts">{"".join(_fact(*row) for row in rows)}</dl>'
            case Table():
                return self._table(block)
            case Beside(tables):
                return f'<div class="beside">{"".join(f"<div>{self._table(each)}</div>" for each in tables)}</div>'
            case Folded(title, table):
                return f"<details><summary>{_text(title)}</summary>{self._table(table)}</details>"
            case Figure():
                return self._figure(block)
            case Gallery(name, pictures):
                shown = "".join(map(_picture, pictures))
                return f'<h3>{_text(name)}</h3><ul class="gallery">{shown}</ul>'
            case Command(does, line):
                return f'<p class="does">{_text(does)}</p><pre><code>{html.escape(line)}</code></pre>'
            case Limits(items):
                return f'<dl class="limits">{"".join(map(_limit, items))}</dl>'

    def _figure(self, figure: Figure) -> str:
        charts = "".join(self._chart(chart) for chart in figure.charts)
        numbers = (
            f"<details><summary>The numbers of this figure</summary>{self._table(figure.table)}</details>"
            if figure.table
            else ""
        )
        many = " many" if len(figure.charts) > 1 else ""
        return (
            f'<figure class="chart"><div class="charts{many}">{charts}</div>'
            f"<figcaption><b>Figure {next(self._figures)}.</b> {_text(figure.caption)}</figcaption></figure>{numbers}"
        )

    def _chart(self, chart: Chart) -> str:
        return f"<div>{draw(chart, name=f'chart-{next(self._charts)}')}</div>"

    def _table(self, table: Table) -> str:
        number = next(self._tables)
        head = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.head)
        rows = "".join(map(_row, table.rows))
        kind = "words" if table.is_text else "numbers"
        note = f'<p class="note">{_text(table.note)}</p>' if table.note else ""
        name = f"caption-{number}"
        # The table alone scrolls where the page is narrow, also by keyboard; its caption stays.
        return (
            f'<p class="caption" id="{name}"><b>Table {number}.</b> {_text(table.caption)}</p>'
            f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}"><table class="{kind}" '
            f'aria-labelledby="{name}"><thead><tr><th scope="col">{_text(table.corner)}</th>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>{note}"
        )


def _text(text: str) -> str:
    # A number stays on one line with its unit, and with what says that it is less.
    return re.sub(r"(?<=\d) (?=%)|(?<=&lt;) (?=\d)", "\N{NO-BREAK SPACE}", html.escape(" ".join(text.split())))


def _cited(sources: Sequence[Source]) -> str:
    if not sources:
        return ""
    links = "; ".join(f'<a href="{html.escape(each.url)}">{_text(each.text)}</a>' for each in sources)
    return f' <cite class="sources">({links})</cite>'


def _point(text: str, more: str) -> str:
    smaller = f"<small>{_text(more)}</small>" if more else ""
    return f"<li>{_text(text)}{smaller}</li>"


def _fact(name: str, text: str) -> str:
    return f"<div><dt>{_text(name)}</dt><dd>{_text(text)}</dd></div>"


def _limit(limit: Limit) -> str:
    return f"<div><dt>{_text(limit.title)}</dt><dd>{_text(limit.text)}{_cited(limit.sources)}</dd></div>"


def _row(row: Row) -> str:
    swatch = f'<i style="background:{row.colour}"></i>' if row.colour else ""
    kinds = [*(["swatched"] if row.colour else []), *(["long"] if len(row.name) > SHORT_NAME else [])]
    named = f' class="{" ".join(kinds)}"' if kinds else ""
    kind = ' class="reference"' if row.is_reference else ""
    return f'<tr{kind}><th scope="row"{named}>{swatch}{_text(row.name)}</th>{"".join(map(_cell, row.cells))}</tr>'


def _cell(cell: Cell) -> str:
    shade = "" if cell.share is None else f' class="shaded {cell.tone}" style="--share:{cell.share:.2f}"'
    # Where it is narrow, lines end after a comma and nowhere else.
    parts = _text(cell.detail).replace(", ", ",</span> <span>")
    smaller = f" <small><span>{parts}</span></small>" if cell.detail else ""
    return f"<td{shade}>{_text(cell.text)}{smaller}</td>"


def _picture(picture: Shown) -> str:
    mark = "✓" if picture.is_right else "✗"
    return (
        f'<li><figure><img src="{picture.uri}" alt="{_text(picture.alt)}"><figcaption><b>{_text(picture.title)}</b>'
        f'<span><i aria-hidden="true">{mark}</i> {_text(picture.detail)}</span></figcaption></figure></li>'
    )
