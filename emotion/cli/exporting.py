"""`export`: a run's checkpoint as a folder that others can use, and as ONNX."""

from __future__ import annotations

import argparse
from pathlib import Path

from emotion.cli.codes import DONE, add_runs_and_json, print_json
from emotion.runs import find_run


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--onnx", action="store_true", help="write model.onnx beside the checkpoint")
    add_runs_and_json(parser)
    parser.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> int:
    from emotion.server.publish import export_run

    files = export_run(find_run(options.run, root=options.runs), options.to, onnx=options.onnx)
    if options.json:
        print_json(to=str(options.to), files=[path.relative_to(options.to).as_posix() for path in files])
    else:
        print(f"written to {options.to}: {', '.join(path.name for path in files)}")
    return DONE
