"""What the commands share: their common options, and how they answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from emotion.core.config import SETTINGS
from emotion.core.format import capital, percent
from emotion.core.labels import DRAWN_NOTE
from emotion.core.progress import Progress
from emotion.data.drawn import is_drawn
from emotion.data.names import shown
from emotion.runs.folder import runs_folder


class Pair(NamedTuple):
    """The two sides of ``NAME=VALUE``."""

    name: str
    value: str


def _pair(text: str) -> Pair:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise typer.BadParameter(f"{shown(text)!r} is not of the form NAME=VALUE.")
    return Pair(name, value)


RunName = Annotated[str, typer.Option("--run", help="The path that train printed, or a name under the runs folder.")]
Runs = Annotated[Path, typer.Option(default_factory=runs_folder, show_default="runs", help="The runs folder.")]
Sets = Annotated[list[Pair], typer.Option("--set", metavar="NAME=DIR", parser=_pair, help="Once for each species.")]
Renamings = Annotated[
    list[Pair] | None,
    typer.Option("--map", metavar="THEIRS=OURS", parser=_pair, help="Call a label OURS; THEIRS= leaves it out."),
]
UseAliases = Annotated[bool, typer.Option("--use-aliases", help=f"{capital(SETTINGS['use_aliases'].help)}.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]


def answer(as_json: bool, values: Mapping[str, Any], words: Iterable[str]) -> None:
    """Print one JSON object on a line of its own, or the same in words."""
    for line in [json.dumps(values)] if as_json else words:
        print(line)


def tell(*sentences: str) -> None:
    """Print sentences that are no result, without those that are empty."""
    for sentence in filter(None, sentences):
        print(sentence, file=sys.stderr)


def drawn_note(*folders: Path) -> list[str]:
    """Return what stands beside a result that rests on drawn pictures."""
    return [DRAWN_NOTE] if any(map(is_drawn, folders)) else []


def write_over(text: str) -> None:
    """Print a line to a terminal that the next one is written over; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{text:<90}", end="\r", file=sys.stderr, flush=True)


def show_progress(step: Progress) -> None:
    """Say on a terminal how far a piece of work is."""
    write_over(f"{step.doing}: {percent(step.done / step.total)}" if step.total else step.doing)
