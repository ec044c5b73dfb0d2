"""The command line: the same settings and code as the dashboard. Imports nothing heavy until it is needed."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import typer

from emotion.backbones.hub import ignore_unusable_proxies
from emotion.cli import results, stores, training
from emotion.core.errors import EmotionError

PROGRAM = "python -m emotion"

app = typer.Typer(
    help="Fine-tune an image classifier on human emotions and find out whether it can read a dog.",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (
    *(training.train, training.resume, training.reproduce),
    *(results.predict, results.compare, results.transfer, results.report, results.export, results.push),
    *(stores.runs, stores.space),
):
    app.command()(command)
for name, group in (("pictures", stores.pictures), ("backbones", stores.backbones), ("cache", stores.cache)):
    app.add_typer(group, name=name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 could not, 2 wrong usage, 130 stopped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A letter that the console lacks is written as its number.
        sys.stdout.reconfigure(errors="backslashreplace")
    ignore_unusable_proxies()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if "" in words:
            # Python takes an empty path for the working directory, which nobody means.
            raise typer.BadParameter("An empty word names nothing: give a value, or leave its option out.")
        code: int | None = app(words, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return code or 0
    except typer.TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
        sentence = error.format_message().replace("Value error, ", "")
        print(f"{sentence} (usage: {command} --help)", file=sys.stderr)
        return error.exit_code
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who reads has had enough (`| head`). Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be written or read ({error.strerror}): choose another place.", file=sys.stderr)
        return 1
