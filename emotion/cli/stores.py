"""What there is on this machine: `runs`, `pictures`, `backbones`, `cache`; and `space`, the folder to push."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emotion.backbones.hub import is_hub_id
from emotion.cli.options import AsJson, Renamings, Runs, UseAliases, answer, show_progress, tell
from emotion.core.errors import PictureError, RunError
from emotion.core.events import RunFinished
from emotion.core.format import megabytes, moment
from emotion.core.labels import alias_offer
from emotion.core.progress import result_of
from emotion.data.findings import balance_sentence, findings
from emotion.data.names import in_short, shown
from emotion.data.sets import SavedSet, delete_set, find_set, list_sets, sets_folder
from emotion.runs.folder import list_runs

if TYPE_CHECKING:
    from emotion.data.hub import Description

MAX_NAMED = 5

pictures = typer.Typer(help="Import picture sets of your own, list and delete them.")
backbones = typer.Typer(invoke_without_command=True)
cache = typer.Typer(invoke_without_command=True)

Sets = Annotated[Path, typer.Option(default_factory=sets_folder, show_default="sets", help="The folder of sets.")]
Config = Annotated[str, typer.Option(help="Of a data set: the configuration (else its own choice).")]
Split = Annotated[str, typer.Option(help="Of a data set: the split (else train, or the first).")]
Column = Annotated[str, typer.Option(help="Of a data set: a column (else the likeliest one).")]


@pictures.command("import")
def bring(
    sets: Sets,
    name: Annotated[str, typer.Option(help="Of the set: letters and digits of any script.")],
    source: Annotated[
        Path | None, typer.Argument(help="A zip, a folder that holds one folder per class, or a Parquet file.")
    ] = None,
    hub: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="A data set of the Hub.")] = None,
    species: Annotated[str, typer.Option(help="Whom it shows, such as human, dog or cat.")] = "",
    use_aliases: UseAliases = False,
    config: Config = "",
    split: Split = "",
    picture_column: Column = "",
    label_column: Column = "",
    renamings: Renamings = None,
    as_json: AsJson = False,
) -> None:
    """Make a set of a zip, of class folders, or of a data set."""
    if (source is None) == (hub is None) or (hub and not is_hub_id(hub)):
        raise typer.BadParameter("Give either a file or a folder, or --hub OWNER/NAME.")
    from emotion.data.hub import FromDataSet, describe, what_is_read
    from emotion.data.importing import Bring, FromPath

    path, read = source or Path(), {}
    job = Bring(FromPath(path), name=name, species=species, root=sets, use_aliases=use_aliases)
    if hub or path.suffix.lower() == ".parquet" or any((config, split, picture_column, label_column, renamings)):
        # Whether the name can be used is known before anything is asked over the network.
        job.refuse_unusable()
        found = describe(hub or path, config=config, split=split, on_hub=bool(hub))
        read = {"read": what_is_read(found, picture_column=picture_column, label_column=label_column)}
        job = replace(job, way=FromDataSet(found, picture_column, label_column, dict(renamings or [])))
    made = find_set(result_of(job.carry_out(), tell=show_progress).key, root=sets)
    tell(alias_offer(made.manifest.counts(), how="give --use-aliases"))
    answer(as_json, _in_full(made) | read, _told(made))


@pictures.command()
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


@pictures.command("list")
def list_(sets: Sets, as_json: AsJson = False) -> None:
    """List the imported sets."""
    readable = []
    for each in list_sets(sets):
        try:
            readable.append((_in_short(each), _line(each)))
        except PictureError as error:
            tell(str(error))  # One damaged set does not hide the others.
    none = f"No picture sets in {sets} yet: `python -m emotion pictures import ZIP_OR_DIR --name NAME`."
    answer(as_json, {"sets": [row for row, _ in readable]}, [line for _, line in readable] or [none])


@pictures.command()
def show(name: str, sets: Sets, as_json: AsJson = False) -> None:
    """Say what a set holds, what was left out, what looks alike."""
    found = find_set(name, root=sets)
    answer(as_json, _in_full(found), _told(found))


@pictures.command()
def delete(name: str, sets: Sets, as_json: AsJson = False) -> None:
    """Delete a set and its pictures for good."""
    found = find_set(name, root=sets)
    delete_set(found)
    gone = f"{found.folder} is deleted for good; what it was imported from stays where it is"
    answer(as_json, {"deleted": str(found.folder)}, [gone])


def _in_short(found: SavedSet) -> dict[str, Any]:
    manifest, counts = found.manifest, found.manifest.counts()
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
    species = f" ({manifest.species})" if manifest.species else ""
    classes = ", ".join(f"{label} {count:,}" for label, count in manifest.counts().items())
    return f"{found.folder}: {manifest.name}{species}, {len(manifest.pictures):,} pictures: {classes}"


def _told(found: SavedSet) -> Iterator[str]:
    manifest = found.manifest
    yield _line(found)
    yield f"imported {moment(manifest.created)} from a {manifest.source}"
    yield from findings(manifest)
    for skipped in manifest.skipped[:MAX_NAMED]:
        yield f"  left out: {shown(skipped.original)} ({skipped.reason})"
    for near in manifest.near_duplicates[:MAX_NAMED]:
        yield f"  look alike: {near.file} and {near.like}{f' in {near.set}' if near.set else ''}"


def _described(found: Description) -> Iterator[str]:
    version = f" at {found.commit[:12]}" if found.commit else ""
    yield f"{found.title}{version}: configuration {shown(found.config)}, split {shown(found.split)}"
    yield f"  configurations: {in_short(found.configs)}"
    yield f"  splits: {_counted(found.splits)}"
    yield f"  files of this split: {megabytes(found.bytes)}"
    for column, words in found.columns.items():
        yield f"  column {shown(column)}: {words}"
    yield f"pictures can be read from: {in_short(found.picture_columns) or 'no column'}"
    labels = [f"{shown(column)} ({_counted(counts)})" for column, counts in found.labels.items()]
    yield from (f"labels can be read from: {label}" for label in labels or ["no column"])


def _counted(counts: Mapping[str, int | None]) -> str:
    return in_short([name if count is None else f"{name} {count:,}" for name, count in counts.items()])


def runs(runs: Runs, as_json: AsJson = False) -> None:
    """List the runs."""
    rows, words = [], []
    for run in list_runs(runs):
        try:
            config, last, status = run.record()["config"], run.last_event(), run.status()
        except RunError as error:
            tell(str(error))  # One damaged run does not hide the others.
            continue
        accuracy = last.validation.accuracy if isinstance(last, RunFinished) else None
        rows.append({"run": str(run.path), "status": status, "accuracy": accuracy, "config": config})
        reached = "" if accuracy is None else f"  validation accuracy {accuracy:.3f}"
        words.append(f"{run.path}  {status:<11}  batch {config['batch_size']}, {config['epochs']} epochs{reached}")
    none = f"No runs in {runs} yet: make one with `python -m emotion train --pictures DIR`."
    answer(as_json, {"runs": rows}, words or [none])


def space(
    to: Annotated[Path, typer.Option(help="A new folder, or one that this command wrote before.")] = Path("space"),
    as_json: AsJson = False,
) -> None:
    """Write the folder to push as a Hugging Face Space."""
    from emotion.server.publish import write_space

    files = write_space(to)
    size, push = sum(each.stat().st_size for each in files), f"hf upload USER/NAME {to} . --repo-type space"
    values = {"space": str(to), "files": len(files), "bytes": size, "push": push}
    answer(as_json, values, [f"written to {to}: {len(files):,} files, {megabytes(size)}", f"push it with: {push}"])


@backbones.callback()
def list_backbones(context: typer.Context, as_json: AsJson = False) -> None:
    """List the backbones, or fetch one."""
    if not context.invoked_subcommand:
        from emotion.backbones.registry import list_backbones

        rows = [asdict(each) for each in list_backbones()]
        line = "{name:<40} {megabytes:>4.0f} MB  {here:<9} {title}"
        words = [line.format_map(row | {"here": "here" if row["here"] else "not here"}) for row in rows]
        answer(as_json, {"backbones": rows}, words)


@backbones.command()
def pull(name: str, as_json: AsJson = False) -> None:
    """Fetch a backbone now."""
    from emotion.backbones.registry import locate

    source = locate(name)
    answer(as_json, source.to_json(), [f"{source.name} is in {source.path} (sha256 {source.sha256})"])


@cache.callback()
def show_cache(context: typer.Context, as_json: AsJson = False) -> None:
    """Show what is kept of earlier looks at pictures, or clear it."""
    if not context.invoked_subcommand:
        from emotion.training.cache import open_cache

        kept = open_cache()
        entries = kept.entries()
        values = {"folder": str(kept.folder), "limit": kept.limit, "size": kept.size()}
        words = [
            f"{each.rows:>8,} features, {each.recipe.get('image_size')} px, {each.recipe.get('precision')}: "
            f"{megabytes(each.size)}, last used {moment(each.last_used)}"
            for each in entries
        ]
        total = f"{megabytes(kept.size())} of at most {megabytes(kept.limit)} in {kept.folder}"
        answer(as_json, values | {"entries": [asdict(each) for each in entries]}, [*words, total])


@cache.command()
def clear(as_json: AsJson = False) -> None:
    """Delete what no training uses just now."""
    from emotion.training.cache import open_cache

    kept = open_cache()
    freed, left = kept.clear(), kept.size()
    values = {"folder": str(kept.folder), "freed": freed, "size": left}
    used = f"; {megabytes(left)} are in use" if left else ""
    answer(as_json, values, [f"{megabytes(freed)} deleted from {kept.folder}{used}"])
