"""`pictures`: import picture sets of one's own, describe data sets, list, show and delete what was imported."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emotion.backbones.hub import is_hub_id
from emotion.cli.options import AsJson, UseAliases, answer, show_progress, tell
from emotion.core.errors import PictureError
from emotion.core.format import megabytes
from emotion.core.labels import alias_offer
from emotion.core.progress import result_of
from emotion.data.findings import balance_sentence, findings
from emotion.data.names import shown
from emotion.data.sets import SavedSet, delete_set, find_set, list_sets, sets_folder

if TYPE_CHECKING:
    from emotion.data.hub import Description

MAX_NAMED, MAX_LABELS_NAMED = 5, 12

app = typer.Typer(help="Import picture sets of your own, list and delete them.")
Sets = Annotated[Path, typer.Option(default_factory=sets_folder, show_default="sets", help="The folder of sets.")]
Config = Annotated[str, typer.Option(help="Of a data set: the configuration (else its own choice).")]
Split = Annotated[str, typer.Option(help="Of a data set: the split (else train, or the first).")]
Column = Annotated[str, typer.Option(help="Of a data set: a column (else the likeliest one).")]


def _hub_id(text: str) -> str:
    if not is_hub_id(text):
        raise typer.BadParameter(f"{shown(text)!r} is no id of the Hub: give OWNER/NAME.")
    return text


def _renamed(texts: Sequence[str]) -> dict[str, str]:
    # A label may hold the sign itself; a name that a class can have seldom does.
    parts = [text.rpartition("=") for text in texts]
    if wrong := next((text for text, (theirs, *_) in zip(texts, parts, strict=True) if not theirs), None):
        raise typer.BadParameter(f"{shown(wrong)!r} renames nothing: give THEIRS=OURS.")
    return {theirs: ours for theirs, _, ours in parts}


@app.command("import")
def bring(
    sets: Sets,
    name: Annotated[str, typer.Option(help="Of the set: letters and digits of any script.")],
    source: Annotated[
        Path | None, typer.Argument(help="A zip, a folder that holds one folder per class, or a Parquet file.")
    ] = None,
    hub: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", parser=_hub_id, help="A data set of the Hub.")
    ] = None,
    species: Annotated[str, typer.Option(help="Whom it shows, such as human, dog or cat.")] = "",
    use_aliases: UseAliases = False,
    config: Config = "",
    split: Split = "",
    picture_column: Column = "",
    label_column: Column = "",
    renamings: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="THEIRS=OURS", help="Call a label OURS; THEIRS= leaves it out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a set of a zip, of class folders, or of a data set."""
    if (source is None) == (hub is None):
        raise typer.BadParameter("Give either a file or a folder, or --hub OWNER/NAME.")
    names, path = _renamed(renamings or []), source or Path()
    from emotion.data.hub import FromDataSet, describe, what_is_read
    from emotion.data.importing import Bring, FromPath

    job, read = Bring(FromPath(path), name=name, species=species, root=sets, use_aliases=use_aliases), ""
    if hub or path.suffix.lower() == ".parquet" or any((config, split, picture_column, label_column, names)):
        # Whether the name can be used is known before anything is asked over the network.
        job.refuse_unusable()
        found = describe(hub or path, config=config, split=split, on_hub=bool(hub))
        read = what_is_read(found, picture_column=picture_column, label_column=label_column)
        job = replace(job, way=FromDataSet(found, picture_column, label_column, names))
    made = find_set(result_of(job.carry_out(), tell=show_progress).key, root=sets)
    tell(alias_offer(made.manifest.counts(), how="give --use-aliases"))
    answer(as_json, _in_full(made) | ({"read": read} if read else {}), _told(made, read))


@app.command()
def describe(
    source: Annotated[str, typer.Argument(help="An id on the Hub, a Parquet file, or a folder of these.")],
    config: Config = "",
    split: Split = "",
    as_json: AsJson = False,
) -> None:
    """Show what a data set of the Hub, or in Parquet, holds."""
    from emotion.data.hub import describe

    found = describe(source, config=config, split=split)
    answer(as_json, asdict(found), _described(found))


@app.command("list")
def list_(sets: Sets, as_json: AsJson = False) -> None:
    """List the imported sets."""
    rows, words = [], []
    for each in list_sets(sets):
        try:
            rows.append(_in_short(each))
            words.append(_line(each))
        except PictureError as error:
            tell(str(error))  # One damaged set does not hide the others.
    none = f"No picture sets in {sets} yet: `python -m emotion pictures import ZIP_OR_DIR --name NAME`."
    answer(as_json, {"sets": rows}, words or [none])


@app.command()
def show(name: str, sets: Sets, as_json: AsJson = False) -> None:
    """Say what a set holds, what was left out, what looks alike."""
    found = find_set(name, root=sets)
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.manifest.created))
    answer(as_json, _in_full(found), _told(found, f"imported {made} from a {found.manifest.source}"))


@app.command()
def delete(name: str, sets: Sets, as_json: AsJson = False) -> None:
    """Delete a set and its pictures for good."""
    found = find_set(name, root=sets)
    delete_set(found)
    gone = f"{found.folder} is deleted for good; what it was imported from stays where it is"
    answer(as_json, {"deleted": str(found.folder)}, [gone])


def _in_short(found: SavedSet) -> dict[str, Any]:
    manifest = found.manifest
    counts = manifest.counts()
    same = ("name", "species", "created", "source", "duplicates", "notes")
    return {
        "set": str(found.folder),
        **{part: getattr(manifest, part) for part in same},
        "pictures": len(manifest.pictures),
        "classes": counts,
        "balance": balance_sentence(counts),
        "skipped": len(manifest.skipped),
        "near_duplicates": len(manifest.near_duplicates),
        "contradictions": [asdict(each) for each in manifest.contradictions],
    }


def _in_full(found: SavedSet) -> dict[str, Any]:
    near, skipped = found.manifest.near_duplicates, found.manifest.skipped
    return _in_short(found) | {"skipped_files": [*map(asdict, skipped)], "near": [*map(asdict, near)]}


def _line(found: SavedSet) -> str:
    manifest = found.manifest
    classes = ", ".join(f"{label} {count:,}" for label, count in manifest.counts().items())
    species = f" ({manifest.species})" if manifest.species else ""
    return f"{found.folder}: {manifest.name}{species}, {len(manifest.pictures):,} pictures: {classes}"


def _told(found: SavedSet, origin: str) -> Iterator[str]:
    manifest = found.manifest
    yield _line(found)
    yield from filter(None, [origin, *findings(manifest)])
    yield from _first("left out", [f"{shown(each.original)} ({each.reason})" for each in manifest.skipped])
    alike = [(each.file, f"{each.like} in {each.set}" if each.set else each.like) for each in manifest.near_duplicates]
    yield from _first("look alike", [f"{file} and {like}" for file, like in alike])


def _first(what: str, texts: Sequence[str]) -> Iterator[str]:
    yield from (f"  {what}: {text}" for text in texts[:MAX_NAMED])
    if len(texts) > MAX_NAMED:
        yield f"  {what}: {len(texts) - MAX_NAMED:,} more"


def _described(found: Description) -> Iterator[str]:
    version = f" at {found.commit[:12]}" if found.commit else ""
    yield f"{found.title}{version}: configuration {shown(found.config)}, split {shown(found.split)}"
    if len(found.configs) > 1:
        yield f"  configurations: {_listed(found.configs)}"
    yield f"  splits: {', '.join(_counted(found.splits))}"
    yield f"  files of this split: {megabytes(found.bytes)}"
    for column, words in found.columns.items():
        yield f"  column {shown(column)}: {words}"
    yield f"pictures can be read from: {_listed(found.picture_columns) or 'no column'}"
    if not found.labels:
        yield "labels can be read from: no column"
    for column, counts in found.labels.items():
        told = _counted(counts)
        more = f" and {len(told) - MAX_LABELS_NAMED:,} more" if len(told) > MAX_LABELS_NAMED else ""
        yield f"labels can be read from: {shown(column)} ({', '.join(told[:MAX_LABELS_NAMED])}{more})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(shown, names))


def _counted(counts: Mapping[str, int | None]) -> list[str]:
    return [shown(name) if count is None else f"{shown(name)} {count:,}" for name, count in counts.items()]
