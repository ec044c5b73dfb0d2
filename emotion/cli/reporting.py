"""`report`: a saved comparison as one file that anybody can read, in HTML or in Markdown."""

from __future__ import annotations

import argparse
from pathlib import Path

from emotion.cli.codes import DONE, add_runs_and_json, print_json
from emotion.errors import RunError
from emotion.run import Run
from emotion.runs import find_run


def add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument(
        "--comparison", metavar="FILE", help="a saved comparison of the run, by path or by name (default: the newest)"
    )
    parser.add_argument("--to", required=True, type=Path, metavar="FILE", help="ends in .html or .md")
    add_runs_and_json(parser)
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> int:
    from emotion.report import build_report
    from emotion.report.writing import check_ending, write_report

    check_ending(options.to)
    file = _comparison(find_run(options.run, root=options.runs), options.comparison)
    write_report(build_report(file), options.to)
    if options.json:
        print_json(comparison=str(file), file=str(options.to))
    else:
        print(f"written to {options.to}; no picture is in it")
    return DONE


def _comparison(run: Run, wanted: str | None) -> Path:
    """Return the file of a comparison.

    Raises:
        RunError: there is none.
    """
    kept = sorted(run.comparisons.glob("*.json"))
    if wanted is None and kept:
        return kept[-1]
    for path in [Path(wanted), run.comparisons / Path(wanted).name] if wanted else []:
        if path.is_file():
            return path
    if wanted:
        raise RunError(f"There is no comparison {wanted!r}: give the path that compare printed, or leave it out.")
    raise RunError(f"{run.name} was compared on nothing yet: run `python -m emotion compare` first.")
