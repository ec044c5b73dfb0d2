"""`space`: the folder to push as a Hugging Face Space, and the command that pushes it."""

from __future__ import annotations

import argparse
from pathlib import Path

from emotion.cli.codes import DONE, JSON_HELP, print_json


def add_space(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to", type=Path, default=Path("space"), metavar="DIR",
        help="a new folder, or one that this command wrote before (default: space)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    parser.set_defaults(command=_space)


def _space(options: argparse.Namespace) -> int:
    from emotion.server.space import write_space

    space = write_space(options.to)
    if options.json:
        print_json(space=str(space.folder), files=space.files, bytes=space.bytes, push=space.push)
    else:
        print(f"written to {space.folder}: {space.files:,} files, {space.bytes / 1e6:.1f} MB")
        print(f"push it with: {space.push}")
    return DONE
