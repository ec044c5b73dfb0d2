"""A report as Markdown that stands alone as text: figures are tables, pictures are lines. Writes no HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence

from emotion.core.format import escaped
from emotion.report.content import (
    Beside,
    Block,
    Cell,
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
    Source,
    Table,
    Text,
)


def to_markdown(report: Report) -> str:
    """Return a report as Markdown, with the same sections and numbers as in HTML."""
    parts = [
        f"# {escaped(report.title)}",
        escaped(report.dateline),
        f"**{escaped(report.answer)}**",
        escaped(report.basis),
        *(f"> {escaped(warning)}" for warning in report.warnings),
        *(_section(section) for section in report.sections),
    ]
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> str:
    return "\n\n".join([f"## {escaped(section.title)}", *(_block(block) for block in section.blocks)])


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"### {escaped(text)}"
        case Text(text, kind, sources):
            return f"{'> ' if kind == 'warning' else ''}{escaped(text)}{_cited(sources)}"
        case Points(items):
            return "\n".join(f"- {escaped(text)}{f' {escaped(more)}' if more else ''}" for text, more in items)
        case Facts(rows):
            return "\n".join(f"- **{escaped(name)}:** {escaped(text)}" for name, text in rows)
        case Table():
            return _table(block)
        case Beside(tables):
            return "\n\n".join(map(_table, tables))
        case Folded(_, table):
            return _table(table)
        case Figure(caption, _, table):
            return _table(table) if table else f"*{escaped(caption)} The numbers stand in the table.*"
        case Gallery(name, pictures):
            lines = tuple(Row(each.title, (Cell(each.detail),)) for each in pictures)
            return _table(Table(f"{name}: pictures that the HTML report shows", "Shows", ("Said",), lines))
        case Command(does, line):
            # Longer than any that a name may hold.
            fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", line)), 3)
            return f"{escaped(does)}\n\n{fence}sh\n{line}\n{fence}"
        case Limits(items):
            return "\n".join(_limit(each) for each in items)


def _table(table: Table) -> str:
    head = [escaped(table.corner), *map(escaped, table.head)]
    rule = ["---", *("---" if table.is_text else "---:" for _ in table.head)]
    rows = [[escaped(row.name), *map(_cell, row.cells)] for row in table.rows]
    lines = [f"| {' | '.join(line)} |" for line in (head, rule, *rows)]
    note = f"\n\n{escaped(table.note)}" if table.note else ""
    return f"**{escaped(table.caption)}**\n\n" + "\n".join(lines) + note


def _cell(cell: Cell) -> str:
    return escaped(f"{cell.text} ({cell.detail})" if cell.detail else cell.text)


def _limit(limit: Limit) -> str:
    return f"- **{escaped(limit.title)}.** {escaped(limit.text)}{_cited(limit.sources)}"


def _cited(sources: Sequence[Source]) -> str:
    return f" ({'; '.join(f'[{escaped(source.text)}]({source.url})' for source in sources)})" if sources else ""
