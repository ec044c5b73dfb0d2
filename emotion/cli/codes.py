"""What every command shares: exit codes, the runs folder, the JSON line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from emotion.data.drawn import is_drawn
from emotion.labels import DRAWN_NOTE
from emotion.runs import runs_folder

DONE, COULD_NOT, STOPPED = 0, 1, 130
JSON_HELP = "one JSON object on the last line"


def add_runs_and_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--runs DIR`` and ``--json`` to a command."""
    parser.add_argument("--runs", type=Path, default=runs_folder(), metavar="DIR", help="the runs folder")
    parser.add_argument("--json", action="store_true", help=JSON_HELP)


def add_use_aliases(parser: argparse.ArgumentParser) -> None:
    """Add ``--use-aliases`` to a command."""
    parser.add_argument(
        "--use-aliases",
        action="store_true",
        help="read class folders with other names of the four emotions (anger, Sadness, sleepy) as these",
    )


def note_drawn(folders: Iterable[Path]) -> None:
    """Say beside a result what drawn pictures are worth, where it rests on them."""
    if any(is_drawn(folder) for folder in folders):
        print(DRAWN_NOTE)


def tell(sentences: Iterable[str]) -> None:
    """Print sentences that are no result, without those that are empty."""
    for sentence in filter(None, sentences):
        print(sentence, file=sys.stderr)


def print_json(**values: Any) -> None:
    """Print one JSON object on a line of its own."""
    print(json.dumps(values))
