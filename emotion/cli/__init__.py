"""The command line: the same settings and code as the dashboard. Imports nothing heavy until it is needed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from emotion.cli import (
    caching,
    comparing,
    exporting,
    hosting,
    importing,
    listing,
    predicting,
    pushing,
    reporting,
    reproducing,
    training,
)
from emotion.cli.codes import COULD_NOT, STOPPED
from emotion.errors import EmotionError
from emotion.hub import ignore_unusable_proxies


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 could not, 2 wrong usage, 130 stopped."""
    ignore_unusable_proxies()
    parser = argparse.ArgumentParser(
        prog="python -m emotion",
        description="Fine-tune an image classifier on human emotions and find out whether it can read a dog.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    training.add_train(
        commands.add_parser("train", help="train on a folder that holds one folder of pictures per class")
    )
    training.add_resume(commands.add_parser("resume", help="go on with a training that was cut off"))
    predicting.add_predict(commands.add_parser("predict", help="say what a run makes of pictures"))
    comparing.add_compare(commands.add_parser("compare", help="score samples of several species with one run"))
    importing.add_pictures(
        commands.add_parser("pictures", help="import picture sets of your own, list and delete them")
    )
    reproducing.add_reproduce(
        commands.add_parser("reproduce", help="run the report's whole experiment and write every figure and table")
    )
    reporting.add_report(commands.add_parser("report", help="write a saved comparison as one file to hand on"))
    exporting.add_export(
        commands.add_parser("export", help="write a run's checkpoint as a folder for others, or as ONNX")
    )
    pushing.add_push(commands.add_parser("push", help="push a run's checkpoint to the Hugging Face Hub"))
    hosting.add_space(commands.add_parser("space", help="write the folder to push as a Hugging Face Space"))
    listing.add_runs(commands.add_parser("runs", help="list the runs"))
    listing.add_backbones(commands.add_parser("backbones", help="list the backbones, or fetch one"))
    caching.add_cache(commands.add_parser("cache", help="show what is kept of earlier looks at pictures, or clear it"))
    try:
        options = parser.parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = options.command
        code = command(options)
        sys.stdout.flush()
        return code
    except EmotionError as error:
        print(error, file=sys.stderr)
        return COULD_NOT
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        # Who reads has had enough (`| head`). Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT
