"""`predict` and `compare`: what a run says of pictures, and of samples of several species."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotion.cli.codes import DONE, add_runs_and_json, add_use_aliases, note_drawn, print_json
from emotion.comparison import Comparison
from emotion.runs import find_run

MAX_NAMED = 5


def add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument("picture", nargs="+", type=Path)
    add_runs_and_json(parser)
    parser.set_defaults(command=_predict)


def add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument(
        "--set", required=True, action=_NamedFolders, metavar="NAME=DIR", dest="sets", help="once for each species"
    )
    parser.add_argument("--emotion", default="happy", help="a class of the run, or all (default: happy)")
    parser.add_argument("--size", default=20, type=_sample_size, help="pictures a sample, or all (default: 20)")
    parser.add_argument("--seed", default=42, type=int, help="of the samples (default: 42)")
    add_use_aliases(parser)
    add_runs_and_json(parser)
    parser.set_defaults(command=_compare)


def _predict(options: argparse.Namespace) -> int:
    run = find_run(options.run, root=options.runs)
    from emotion.classifier import Classifier

    classifier = Classifier(run)
    predictions = [(path, classifier.predict(path)) for path in options.picture]
    if options.json:
        rows = [{"picture": str(path), "label": said.label, "scores": said.scores} for path, said in predictions]
        print_json(run=str(run.path), precision=classifier.precision, predictions=rows)
        return DONE
    for path, said in predictions:
        bars = "  ".join(f"{label} {score:6.1%}" for label, score in said.scores.items())
        print(f"{path}: {said.label}  ({bars})")
    return DONE


def _compare(options: argparse.Namespace) -> int:
    run = find_run(options.run, root=options.runs)
    from emotion.serving import Server

    emotion = None if options.emotion == "all" else options.emotion
    comparison, path = Server().compare(
        run, options.sets, emotion=emotion, size=options.size, seed=options.seed, use_aliases=options.use_aliases
    )
    _note_unreadable(comparison)
    if options.json:
        sets = {
            name: {label: _in_short(asdict(result)) for label, result in results.items()}
            for name, results in comparison.sets.items()
        }
        print_json(run=str(run.path), seed=options.seed, file=str(path), precision=comparison.precision, sets=sets)
        return DONE
    for name, results in comparison.sets.items():
        for label, result in results.items():
            low, high = result.correct_confidence_interval
            print(
                f"{name} {label}: mean correct-class confidence {result.correct_confidence:.1%} "
                f"(95 %: {low:.1%} to {high:.1%}), {result.correct} of {result.n} correct, "
                f"second in {result.runner_up}, chance {comparison.chance:.0%}"
            )
    print(f"seed {options.seed}, written to {path}")
    note_drawn(options.sets.values())
    return DONE


def _in_short(result: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in result.items() if name != "pictures"}
    return {**kept, "unreadable": len(result["unreadable"])}


def _note_unreadable(comparison: Comparison) -> None:
    paths = sorted(
        {path for results in comparison.sets.values() for each in results.values() for path in each.unreadable}
    )
    if paths:
        more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
        named = ", ".join(paths[:MAX_NAMED])
        print(f"left out, since they cannot be read ({len(paths)}): {named}{more}", file=sys.stderr)


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
