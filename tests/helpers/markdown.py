"""Markdown as a test reads it: sections by their title, tables by their caption, row by row."""

import re

Table = dict[str, list[str]]


def plain(text: str) -> str:
    """Return a text without the marks that keep its characters from meaning anything."""
    return re.sub(r"\\(?=[^A-Za-z0-9\s])", "", text)


def sections(text: str) -> dict[str, str]:
    """Return what stands below each heading of the second rank, in order."""
    first, *parts = re.split(r"(?m)^## ", text)
    return {"": first, **{title: rest for title, _, rest in (part.partition("\n") for part in parts)}}


def tables(text: str) -> dict[str, Table]:
    """Return the cells of each table by caption and row name; "" is the head. A name that comes twice is numbered."""
    found: dict[str, Table] = {}
    for caption, body in re.findall(r"(?m)^\*\*(.+)\*\*\n\n((?:\|.*\|\n)+)", text + "\n"):
        head, _, *rows = (
            [plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in body.splitlines()
        )
        table = found[plain(caption)] = {"": head[1:]}
        for name, *cells in rows:
            table[name if name not in table else f"{name} {len(table)}"] = cells
    return found
