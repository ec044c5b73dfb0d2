"""`pictures describe`, and what `pictures import` takes from a data set. Imports nothing heavy until it is needed."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.cli.codes import DONE, JSON_HELP, print_json
from emotion.data.names import shown
from emotion.data.sets import find_set
from emotion.hub import is_hub_id
from emotion.words import megabytes

if TYPE_CHECKING:
    from emotion.data.hub import Description
    from emotion.data.sets import SavedSet
    from emotion.job import Progress

MAX_LABELS_NAMED = 12


def add_data_set_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which part of a data set is imported, and what its labels are called."""
    group = parser.add_argument_group(
        "data sets", "With --hub, a Parquet file, or a folder of these; `pictures describe` shows what there is."
    )
    group.add_argument("--config", default="", help="the configuration (default: the one that the data set names)")
    group.add_argument("--split", default="", help="the split (default: train, else the first)")
    group.add_argument("--picture-column", default="", metavar="COLUMN", help="default: the likeliest one")
    group.add_argument("--label-column", default="", metavar="COLUMN", help="default: the likeliest one")
    group.add_argument(
        "--map",
        action="append",
        default=[],
        type=_renaming,
        dest="renamings",
        metavar="THEIRS=OURS",
        help="call a label otherwise; THEIRS= leaves it out; may be given several times",
    )
    parser.set_defaults(read="")


def add_describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `pictures describe`."""
    parser.add_argument("source", metavar="OWNER/NAME|PARQUET", help="an id on the Hub, a Parquet file or a folder")
    parser.add_argument("--config", default="", help="the configuration to look at")
    parser.add_argument("--split", default="", help="the split to look at")
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    parser.set_defaults(command=_describe)


def hub_id(text: str) -> str:
    """Return an id on the Hub as an argument.

    Raises:
        argparse.ArgumentTypeError: it has not the form of one.
    """
    if not is_hub_id(text):
        raise argparse.ArgumentTypeError(f"{shown(text)!r} is no id of the Hub: give OWNER/NAME")
    return text


def is_data_set(options: argparse.Namespace) -> bool:
    """Whether what is to be imported is a data set: by where it is, or by what is asked of it."""
    asked = (options.config, options.split, options.picture_column, options.label_column, options.renamings)
    return bool(options.hub) or Path(options.source).suffix.lower() == ".parquet" or any(asked)


def import_steps(options: argparse.Namespace) -> Generator[Progress, None, SavedSet]:
    """Import the data set that the options name, and note what of it was ``read``."""
    from emotion.data.hub import FromDataSet, describe, what_is_read
    from emotion.data.importing import Bring, FromPath

    way, meant = FromPath(Path(options.source or "")), options.use_aliases
    job = Bring(way, name=options.name, species=options.species, root=options.sets, use_aliases=meant)
    # Whether the name can be used is known before anything is asked over the network.
    job.refuse_unusable()
    described = describe(
        options.hub or options.source, config=options.config, split=options.split, on_hub=bool(options.hub)
    )
    options.read = what_is_read(described, picture_column=options.picture_column, label_column=options.label_column)
    read = FromDataSet(described, options.picture_column, options.label_column, dict(options.renamings))
    return find_set((yield from replace(job, way=read).carry_out()).key, root=options.sets)


def _renaming(text: str) -> tuple[str, str]:
    # A label may hold the sign itself; a name that a class can have seldom does.
    theirs, sign, ours = text.rpartition("=")
    if not sign or not theirs:
        raise argparse.ArgumentTypeError(f"{shown(text)!r} renames nothing: give THEIRS=OURS")
    return theirs, ours


def _describe(options: argparse.Namespace) -> int:
    from emotion.data.hub import describe

    found = describe(options.source, config=options.config, split=options.split)
    if options.json:
        print_json(**found.to_json())
        return DONE
    for line in _lines(found):
        print(line)
    return DONE


def _lines(found: Description) -> Generator[str, None, None]:
    version = f" at {found.commit[:12]}" if found.commit else ""
    yield f"{found.title}{version}: configuration {shown(found.config)}, split {shown(found.split)}"
    if len(found.configs) > 1:
        yield f"  configurations: {', '.join(shown(config) for config in found.configs)}"
    yield f"  splits: {', '.join(_with_count(split, rows) for split, rows in found.splits.items())}"
    yield f"  files of this split: {megabytes(found.bytes)}"
    for column, words in found.columns.items():
        yield f"  column {shown(column)}: {words}"
    pictures = ", ".join(shown(column) for column in found.picture_columns)
    yield f"pictures can be read from: {pictures or 'no column'}"
    if not found.labels:
        yield "labels can be read from: no column"
    for column, counts in found.labels.items():
        yield f"labels can be read from: {shown(column)} ({_told(counts)})"


def _told(counts: Mapping[str, Any]) -> str:
    told = [_with_count(label, count) for label, count in counts.items()]
    more = f" and {len(told) - MAX_LABELS_NAMED:,} more" if len(told) > MAX_LABELS_NAMED else ""
    return ", ".join(told[:MAX_LABELS_NAMED]) + more


def _with_count(name: str, count: int | None) -> str:
    return shown(name) if count is None else f"{shown(name)} {count:,}"
