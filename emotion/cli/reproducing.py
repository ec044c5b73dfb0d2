"""`reproduce`: the report's whole experiment, as one page and one JSON."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from emotion.backbones.registry import DEFAULT
from emotion.cli.codes import DONE, add_runs_and_json, note_drawn, print_json
from emotion.data.drawn import DRAWN_FOLDER


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--photos", type=Path, metavar="DIR", default=DRAWN_FOLDER,
        help="a folder that holds human_train, human_eval, dog_eval and cat_eval (default: the drawn sets)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("docs/results"), metavar="DIR", help="where the files go")
    parser.add_argument("--backbone", default=DEFAULT, help="a name of `backbones`, a Hub id, or a local folder")
    add_runs_and_json(parser)
    parser.set_defaults(command=_reproduce)


def _reproduce(options: argparse.Namespace) -> int:
    from emotion.reproduce import reproduce

    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    pictures = options.photos.absolute()
    page, run, files = reproduce(pictures, options.out, runs=options.runs, backbone=options.backbone, say=say)
    seconds = time.perf_counter() - began
    if options.json:
        print_json(run=str(run.path), seconds=seconds, files=[str(path) for path in files])
        return DONE
    print(page.answer)
    print(f"{seconds:.0f} s, {files[0]} and {files[1]}")
    note_drawn([pictures])
    return DONE
