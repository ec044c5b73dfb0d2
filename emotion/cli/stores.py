"""What there is on this machine: `runs`, `backbones`, `cache`; and `space`, which writes the folder to push."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emotion.cli.options import AsJson, Runs, answer, tell
from emotion.core.errors import RunError
from emotion.core.events import RunFinished
from emotion.runs.folder import list_runs

if TYPE_CHECKING:
    from emotion.training.cache import Cache

backbones = typer.Typer(invoke_without_command=True)
cache = typer.Typer(invoke_without_command=True)


def runs(runs: Runs, as_json: AsJson = False) -> None:
    """List the runs."""
    rows, words = [], []
    for run in list_runs(runs):
        try:
            config, last = run.record()["config"], run.last_event()
        except RunError as error:
            tell(str(error))  # One damaged run does not hide the others.
            continue
        accuracy = last.validation.accuracy if isinstance(last, RunFinished) else None
        rows.append({"run": str(run.path), "status": run.status(), "accuracy": accuracy, "config": config})
        reached = "" if accuracy is None else f"  validation accuracy {accuracy:.3f}"
        settings = f"batch {config['batch_size']}, {config['epochs']} epochs"
        words.append(f"{run.path}  {rows[-1]['status']:<11}  {settings}{reached}")
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
    answer(as_json, values, [f"written to {to}: {len(files):,} files, {size / 1e6:.1f} MB", f"push it with: {push}"])


@backbones.callback()
def list_backbones(context: typer.Context, as_json: AsJson = False) -> None:
    """List the backbones, or fetch one."""
    if not context.invoked_subcommand:
        from emotion.backbones.registry import list_backbones

        rows = [(each, "here" if each.here else "not here") for each in list_backbones()]
        words = [f"{each.name:<40} {each.megabytes:>4.0f} MB  {here:<9} {each.title}" for each, here in rows]
        answer(as_json, {"backbones": [asdict(each) for each, _ in rows]}, words)


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
        entries = [asdict(entry) for entry in kept.entries()]
        values = {"folder": str(kept.folder), "limit": kept.limit, "size": kept.size(), "entries": entries}
        answer(as_json, values, _told(kept))


def _told(kept: Cache) -> Iterator[str]:
    for entry in kept.entries():
        recipe = entry.recipe
        blocks = recipe.get("trained_blocks")
        what = f"tokens before the last {blocks} blocks" if blocks else "features"
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_used))
        yield (
            f"{entry.rows:>8,} {what}, {recipe.get('image_size')} px, {recipe.get('precision')}, "
            f"weights {str(recipe.get('weights'))[:12]}: {entry.size / 1e6:,.1f} MB, last used {used}"
        )
    yield f"{kept.size() / 1e6:,.1f} MB of at most {kept.limit / 1e6:,.0f} MB in {kept.folder}"


@cache.command()
def clear(as_json: AsJson = False) -> None:
    """Delete what no training uses just now."""
    from emotion.training.cache import open_cache

    kept = open_cache()
    freed, left = kept.clear(), kept.size()
    used = f"; {left / 1e6:,.1f} MB are in use" if left else ""
    values = {"folder": str(kept.folder), "freed": freed, "size": left}
    answer(as_json, values, [f"{freed / 1e6:,.1f} MB deleted from {kept.folder}{used}"])
