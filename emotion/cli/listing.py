"""`runs` and `backbones`: what there is."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from emotion.cli.codes import DONE, JSON_HELP, add_runs_and_json, print_json
from emotion.errors import RunError
from emotion.events import RunFinished
from emotion.runs import list_runs


def add_runs(parser: argparse.ArgumentParser) -> None:
    add_runs_and_json(parser)
    parser.set_defaults(command=_runs)


def add_backbones(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_backbones)
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    actions = parser.add_subparsers(metavar="pull NAME")
    pull = actions.add_parser("pull", help="fetch a backbone now")
    pull.add_argument("name")
    pull.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=JSON_HELP)
    pull.set_defaults(command=_pull)


def _runs(options: argparse.Namespace) -> int:
    rows = []
    for run in list_runs(options.runs):
        try:
            config, last = run.record()["config"], run.last_event()
        except RunError as error:
            # One damaged run does not hide the others.
            print(error, file=sys.stderr)
            continue
        accuracy = last.validation.accuracy if isinstance(last, RunFinished) else None
        rows.append({"run": str(run.path), "status": run.status(), "accuracy": accuracy, "config": config})
    if options.json:
        print_json(runs=rows)
        return DONE
    for row in rows:
        shown = "" if row["accuracy"] is None else f"  validation accuracy {row['accuracy']:.3f}"
        settings = f"batch {row['config']['batch_size']}, {row['config']['epochs']} epochs"
        print(f"{row['run']}  {row['status']:<11}  {settings}{shown}")
    if not rows:
        print(f"No runs in {options.runs} yet: make one with `python -m emotion train --pictures DIR`.")
    return DONE


def _backbones(options: argparse.Namespace) -> int:
    from emotion.backbones.registry import list_backbones

    rows = list_backbones()
    if options.json:
        print_json(backbones=[asdict(row) for row in rows])
        return DONE
    for row in rows:
        here = "here" if row.here else "not here"
        print(f"{row.name:<40} {row.megabytes:>4.0f} MB  {here:<9} {row.title}")
    return DONE


def _pull(options: argparse.Namespace) -> int:
    from emotion.backbones.registry import locate

    source = locate(options.name)
    if options.json:
        print_json(**source.to_json())
        return DONE
    print(f"{source.name} is in {source.path} (sha256 {source.sha256})")
    return DONE
