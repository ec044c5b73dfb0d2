"""The document as files: HTML, Markdown, every table as CSV and every figure as SVG. Whole or not at all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from emotion.errors import RunError
from emotion.report import to_html, to_markdown
from emotion.report.content import Beside, Block, Figure, Folded, Report, Table
from emotion.report.figures import draw
from emotion.writing import write_texts

NAME = "experiment"


def write_files(report: Report, folder: Path) -> list[Path]:
    """Write the document and its parts into a folder, and take away the parts of an earlier one; return the files.

    Raises:
        RunError: the folder cannot be written.
    """
    texts = {f"{NAME}.html": to_html(report), f"{NAME}.md": to_markdown(report)}
    for number, section in enumerate(report.sections, start=1):
        for place, part in enumerate(_parts(section.blocks), start=1):
            stem = f"{number:02}-{place}-{_slug(section.title)}"
            if isinstance(part, Table):
                texts[f"{stem}.csv"] = to_csv(part)
            else:
                texts |= {
                    f"{stem}-{n}.svg": standing_alone(draw(chart, name="c"))
                    for n, chart in enumerate(part.charts, start=1)
                }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_texts(folder, texts)
        for old in [*folder.glob("[0-9][0-9]-*.csv"), *folder.glob("[0-9][0-9]-*.svg")]:
            if old.name not in texts:
                old.unlink()
    except OSError as error:
        raise RunError(f"The document cannot be written to {folder} ({error.strerror}): choose another.") from error
    return [folder / name for name in texts]


def standing_alone(svg: str) -> str:
    """Return an SVG element of a page as a file of its own: with a namespace, and a grey that reads on any ground."""
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" style="color:#6E7B90" ', 1)


def to_csv(table: Table) -> str:
    """Return a table as CSV; what stands smaller beside a value has a column of its own."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    has_detail = [any(len(row.cells) > i and row.cells[i].detail for row in table.rows) for i in range(len(table.head))]
    head = [
        name
        for i, title in enumerate(table.head)
        for name in ([title, f"{title}, detail"] if has_detail[i] else [title])
    ]
    writer.writerow([table.corner, *head])
    for row in table.rows:
        cells = [
            value
            for i, cell in enumerate(row.cells)
            for value in ([cell.text, cell.detail] if has_detail[i] else [cell.text])
        ]
        writer.writerow([row.name, *cells])
    return text.getvalue()


def _parts(blocks: tuple[Block, ...]) -> Iterator[Table | Figure]:
    """Yield the tables and figures, in the order in which they are read."""
    for block in blocks:
        if isinstance(block, Table | Figure):
            yield block
        elif isinstance(block, Folded):
            yield block.table
        elif isinstance(block, Beside):
            yield from block.tables


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
