"""`pictures`: import picture sets of one's own, list, show and delete them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.cli import data_sets
from emotion.cli.codes import DONE, JSON_HELP, add_use_aliases, print_json
from emotion.data.findings import balance_sentence, findings
from emotion.data.names import shown
from emotion.data.sets import Manifest, SavedSet, delete_set, find_set, list_sets, sets_folder
from emotion.errors import PictureError
from emotion.job import result_of
from emotion.labels import alias_offer

if TYPE_CHECKING:
    from emotion.job import Progress

MAX_NAMED = 5


def add_pictures(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="import|describe|list|show|delete")
    taking = actions.add_parser("import", help="make a set of a zip or a folder that holds one folder per class")
    origin = taking.add_mutually_exclusive_group(required=True)
    origin.add_argument("source", nargs="?", type=Path, metavar="ZIP_OR_DIR", help="a Parquet file will do as well")
    origin.add_argument("--hub", type=data_sets.hub_id, metavar="OWNER/NAME", help="a data set of the Hugging Face Hub")
    taking.add_argument("--name", required=True, help="of the set: letters and digits of any script")
    taking.add_argument("--species", default="", help="whom it shows, such as human, dog or cat")
    add_use_aliases(taking)
    data_sets.add_data_set_options(taking)
    _add_shared(taking, _import)
    data_sets.add_describe(actions.add_parser("describe", help="show what a data set of the Hub, or in Parquet, holds"))
    _add_shared(actions.add_parser("list", help="list the imported sets"), _list)
    for name, text, command in (
        ("show", "say what a set holds, what was left out of it, and what looks alike", _show),
        ("delete", "delete a set and its pictures for good", _delete),
    ):
        one = actions.add_parser(name, help=text)
        one.add_argument("name")
        _add_shared(one, command)


def _add_shared(parser: argparse.ArgumentParser, command: Any) -> None:
    parser.add_argument("--sets", type=Path, default=sets_folder(), metavar="DIR", help="the folder of imported sets")
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    parser.set_defaults(command=command)


def _import(options: argparse.Namespace) -> int:
    steps = data_sets.import_steps(options) if data_sets.is_data_set(options) else _file_steps(options)
    made = result_of(steps, tell=_show_progress)
    if offer := alias_offer(made.manifest.counts(), how="give --use-aliases"):
        print(offer, file=sys.stderr)
    if options.json:
        read = {"read": options.read} if options.read else {}
        print_json(**_in_short(made), **read, skipped_files=_reasons(made.manifest), near=_alike(made.manifest))
        return DONE
    print(_line(made))
    if options.read:
        print(options.read)
    _print_findings(made.manifest)
    return DONE


def _file_steps(options: argparse.Namespace) -> Generator[Progress, None, SavedSet]:
    from emotion.data.importing import Bring, FromPath

    way, meant = FromPath(options.source), options.use_aliases
    job = Bring(way, name=options.name, species=options.species, root=options.sets, use_aliases=meant)
    return find_set((yield from job.steps()).key, root=options.sets)


def _list(options: argparse.Namespace) -> int:
    found = []
    for each in list_sets(options.sets):
        try:
            found.append((each, _in_short(each)))
        except PictureError as error:
            # One damaged set does not hide the others.
            print(error, file=sys.stderr)
    if options.json:
        print_json(sets=[row for _, row in found])
        return DONE
    for each, _ in found:
        print(_line(each))
    if not found:
        print(f"No picture sets in {options.sets} yet: `python -m emotion pictures import ZIP_OR_DIR --name NAME`.")
    return DONE


def _show(options: argparse.Namespace) -> int:
    found = find_set(options.name, root=options.sets)
    manifest = found.manifest
    if options.json:
        print_json(**_in_short(found), skipped_files=_reasons(manifest), near=_alike(manifest))
        return DONE
    print(_line(found))
    print(f"imported {time.strftime('%Y-%m-%d %H:%M', time.localtime(manifest.created))} from a {manifest.source}")
    _print_findings(manifest)
    return DONE


def _delete(options: argparse.Namespace) -> int:
    found = find_set(options.name, root=options.sets)
    delete_set(found)
    if options.json:
        print_json(deleted=str(found.folder))
        return DONE
    print(f"{found.folder} is deleted for good; what it was imported from stays where it is")
    return DONE


def _line(found: SavedSet) -> str:
    manifest = found.manifest
    classes = ", ".join(f"{label} {count:,}" for label, count in manifest.counts().items())
    species = f" ({manifest.species})" if manifest.species else ""
    return f"{found.folder}: {manifest.name}{species}, {len(manifest.pictures):,} pictures: {classes}"


def _print_findings(manifest: Manifest) -> None:
    for sentence in findings(manifest):
        print(sentence)
    _named("left out", (f"{shown(each.original)} ({each.reason})" for each in manifest.skipped), len(manifest.skipped))
    _named(
        "look alike",
        (f"{each.file} and {_place(each.set, each.like)}" for each in manifest.near_duplicates),
        len(manifest.near_duplicates),
    )


def _named(what: str, texts: Iterable[str], count: int) -> None:
    for number, text in enumerate(texts):
        if number == MAX_NAMED:
            print(f"  {what}: {count - MAX_NAMED:,} more")
            return
        print(f"  {what}: {text}")


def _place(folder: str, file: str) -> str:
    return f"{file} in {folder}" if folder else file


def _in_short(found: SavedSet) -> dict[str, Any]:
    manifest = found.manifest
    counts = manifest.counts()
    return {
        "set": str(found.folder),
        "name": manifest.name,
        "species": manifest.species,
        "created": manifest.created,
        "source": manifest.source,
        "pictures": len(manifest.pictures),
        "classes": counts,
        "balance": balance_sentence(counts),
        "skipped": len(manifest.skipped),
        "duplicates": manifest.duplicates,
        "near_duplicates": len(manifest.near_duplicates),
        "contradictions": [{"originals": each.originals, "labels": each.labels} for each in manifest.contradictions],
        "notes": manifest.notes,
    }


def _reasons(manifest: Manifest) -> Sequence[dict[str, str]]:
    return [{"original": each.original, "reason": each.reason} for each in manifest.skipped]


def _alike(manifest: Manifest) -> Sequence[dict[str, Any]]:
    return [
        {"file": each.file, "like": each.like, "set": each.set, "share": each.share}
        for each in manifest.near_duplicates
    ]


def _show_progress(step: Progress) -> None:
    if sys.stderr.isatty():
        text = f"{step.doing}: {step.done:,}" if step.total else step.doing
        print(f"\r{text:<70}\r", end="", file=sys.stderr, flush=True)
