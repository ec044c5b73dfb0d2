"""`reproduce`: the report's whole experiment, every figure and table."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from emotion.backbones.registry import DEFAULT
from emotion.cli.codes import DONE, add_runs_and_json, note_drawn, print_json
from emotion.pictures.drawn import DRAWN_FOLDER


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--photos", type=Path, metavar="DIR",
        help="a folder that holds human_train, human_eval, dog_eval and cat_eval (default: the drawn sets)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="where the files go")
    parser.add_argument("--backbone", default=DEFAULT, help="a name of `backbones`, a Hub id, or a local folder")
    add_runs_and_json(parser)
    parser.set_defaults(command=_reproduce)


def _reproduce(options: argparse.Namespace) -> int:
    from emotion.reproduction.document import document
    from emotion.reproduction.experiment import Experiment
    from emotion.reproduction.files import write_files

    began = time.perf_counter()
    pictures = options.photos or DRAWN_FOLDER

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    outcome = Experiment(pictures.absolute(), options.runs, options.backbone, say).run()
    seconds = time.perf_counter() - began
    report = document(outcome, seconds=seconds)
    files = write_files(report, options.out / ("photographs" if options.photos else "drawn"))
    if options.json:
        print_json(run=str(outcome.run.path), seconds=seconds, files=[str(path) for path in files])
        return DONE
    print(report.answer)
    print(f"{seconds:.0f} s, {len(files)} files in {files[0].parent}")
    note_drawn([pictures])
    return DONE
