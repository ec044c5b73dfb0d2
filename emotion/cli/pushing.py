"""`push`: a run's checkpoint to the Hugging Face Hub. The token is the environment's or the login's, no argument."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from emotion.cli.codes import DONE, add_runs_and_json, print_json
from emotion.errors import HubError
from emotion.job import result_of
from emotion.runs import find_run
from emotion.words import megabytes

if TYPE_CHECKING:
    from emotion.job import Progress

NO_TOKEN = "There is no token of the Hub: set HF_TOKEN to one with write permission, or log in with `hf auth login`."


def add_push(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument("--to", required=True, metavar="USER/NAME", help="the repository, made where there is none")
    parser.add_argument("--public", action="store_true", help="let everybody see a new repository (default: private)")
    add_runs_and_json(parser)
    parser.set_defaults(command=_push)


def _push(options: argparse.Namespace) -> int:
    from huggingface_hub import get_token

    from emotion.server.publish import Push

    token = get_token()
    if not token:
        raise HubError(NO_TOKEN)
    run = find_run(options.run, root=options.runs)
    steps = Push(run=run, repository=options.to, token=token, private=not options.public).carry_out()
    pushed = result_of(steps, tell=_show_progress)
    if options.json:
        print_json(address=pushed.address, commit=pushed.commit, private=pushed.private, bytes=pushed.bytes)
    else:
        seen = "private" if pushed.private else "public"
        print(f"pushed to {pushed.address} ({seen}, {megabytes(pushed.bytes)} in one commit)")
    return DONE


def _show_progress(step: Progress) -> None:
    if sys.stderr.isatty():
        print(f"\r{step.doing:<90}\r", end="", file=sys.stderr, flush=True)
