"""`compare`: samples of several species, scored by one run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotion.cli.codes import DONE, add_runs_and_json, add_use_aliases, note_drawn, print_json, tell
from emotion.comparison import Comparison, Request
from emotion.comparison.findings import caveats, collapses, gap_sentence
from emotion.runs import find_run

MAX_NAMED = 5


def add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument(
        "--set", action=_NamedFolders, metavar="NAME=DIR", dest="sets", required=True, help="once for each species"
    )
    parser.add_argument("--emotion", default="happy", help="a class of the run, or all (default: happy)")
    parser.add_argument("--size", default=20, type=_sample_size, help="pictures a sample, or all (default: 20)")
    parser.add_argument("--seed", default=42, type=int, help="of the samples (default: 42)")
    parser.add_argument("--relaxed-as-tired", action="store_true", help="read folders called relaxed as tired")
    add_use_aliases(parser)
    add_runs_and_json(parser)
    parser.set_defaults(command=_compare)


def _compare(options: argparse.Namespace) -> int:
    run = find_run(options.run, root=options.runs)
    from emotion.server.model_process import Models, compare_sets

    request = Request(
        sets=options.sets,
        emotion=None if options.emotion == "all" else options.emotion,
        size=options.size,
        seed=options.seed,
        use_aliases=options.use_aliases,
        relaxed_as_tired=options.relaxed_as_tired,
    )
    comparison, path = compare_sets(Models(), run, request)
    _note_left_out(comparison)
    tell(f"{name}: {sentence}" for name, notes in comparison.notes.items() for sentence in notes)
    if options.json:
        print_json(
            run=str(run.path),
            seed=options.seed,
            file=str(path),
            precision=comparison.precision,
            sets=_sets_in_short(comparison),
            mapping=comparison.mapping,
            differences=[asdict(gap) for gap in comparison.gaps],
            collapses=[asdict(each) for each in collapses(comparison)],
            notes=comparison.notes,
        )
        return DONE
    _print_results(comparison)
    print(f"seed {options.seed}, written to {path}")
    note_drawn(options.sets.values())
    return DONE


def _print_results(comparison: Comparison) -> None:
    for name, results in comparison.sets.items():
        for label, result in results.items():
            low, high = result.correct_confidence_interval
            print(
                f"{name} {label}: mean correct-class confidence {result.correct_confidence:.1%} "
                f"(95 %: {low:.1%} to {high:.1%}), {result.correct} of {result.n} correct, "
                f"second in {result.runner_up}, log loss {result.log_loss:.2f}, chance {comparison.chance:.0%}"
            )
    for gap in comparison.gaps:
        print(gap_sentence(gap))
    for sentence in caveats(comparison, None):
        print(sentence)


def _sets_in_short(comparison: Comparison) -> Mapping[str, Mapping[str, Any]]:
    return {
        name: {label: _in_short(asdict(result)) for label, result in results.items()}
        for name, results in comparison.sets.items()
    }


def _in_short(result: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in result.items() if name != "pictures"}
    return {**kept, "unreadable": len(result["unreadable"]), "near_duplicates": len(result["near_duplicates"])}


def _note_left_out(comparison: Comparison) -> None:
    results = [each for results in comparison.sets.values() for each in results.values()]
    _note("since they cannot be read", sorted({path for each in results for path in each.unreadable}))
    _note("since the run was trained on them", sorted({path for each in results for path in each.near_duplicates}))


def _note(why: str, paths: list[str]) -> None:
    if paths:
        more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
        print(f"left out, {why} ({len(paths)}): {', '.join(paths[:MAX_NAMED])}{more}", file=sys.stderr)


class _NamedFolders(argparse.Action):
    """Gathers NAME=DIR into a dictionary; a name stands for one folder."""

    def __call__(
        self, parser: argparse.ArgumentParser, options: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        name, _, folder = str(value).partition("=")
        sets: dict[str, Path] = {**(getattr(options, self.dest) or {})}
        if not name or not folder:
            parser.error(f"{value!r} is not of the form NAME=DIR")
        if name in sets:
            parser.error(f"two sets are called {name!r}: give each a name of its own")
        setattr(options, self.dest, {**sets, name: Path(folder)})


def _sample_size(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither all nor a whole number from 1")
    return int(text)
