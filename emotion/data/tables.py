"""A table beside pictures that says the class of each: ``metadata.csv`` or ``.jsonl``, as imagefolder reads them."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path, PurePosixPath
from typing import Any

TABLES = ("metadata.csv", "metadata.jsonl")
# Where several columns would do, the one that is called like this goes first.
LABEL_NAMES = ("label", "labels", "emotion", "expression", "class", "mood", "category", "target")
_MAX_BYTES = 50_000_000


def read_table(path: Path) -> tuple[dict[str, str], str]:
    """Return the class of each file that a table names, empty for none; or why no classes can be read from it.

    Names are relative to the table's folder, as ``file_name`` has them.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}, "is too large to be read"
        content = path.read_bytes()
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        if path.suffix.lower() == ".csv":
            head = text.partition("\n")[0]
            comma = ";" if head.count(";") > head.count(",") else ","
            rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=comma))
        else:
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
        columns = list(rows[0]) if rows else []
        label = next((each for name in LABEL_NAMES for each in columns if each.casefold() == name), "")
        if "file_name" not in columns or not label:
            lacks = "label" if "file_name" in columns else "file_name"
            return {}, f"has no column called {lacks}"
        files = {
            str(PurePosixPath(row["file_name"].replace("\\", "/"))): row.get(label) for row in rows if row["file_name"]
        }
    except (OSError, ValueError, csv.Error, TypeError, KeyError, AttributeError, RecursionError) as error:
        return {}, f"cannot be read ({type(error).__name__})"
    return {file: label_text(value) for file, value in files.items()}, ""


def label_text(value: Any) -> str:
    """Return what a label is called; empty where there is none. Whole numbers have no decimals."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
