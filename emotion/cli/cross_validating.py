"""`cross-validate`: how good settings are, told by the pictures that are trained on alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from emotion.cli.codes import DONE, JSON_HELP, note_drawn, print_json
from emotion.cli.settings import add_settings, settings_of

KINDS = ("hard", "near-duplicates")


def add_cross_validate(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)
    parser.add_argument(
        "--seeds", type=int, choices=range(1, 101), default=1, metavar="N", help="seeds 0 to N - 1 (default: 1)"
    )
    parser.add_argument(
        "--folds",
        nargs="+",
        choices=KINDS,
        default=KINDS,
        metavar="KIND",
        help="what is never on both sides: near-duplicates, or whole neighbourhoods of look-alikes (hard); default: "
        "both, by turns",
    )
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    parser.set_defaults(command=_cross_validate)


def _cross_validate(options: argparse.Namespace) -> int:
    config = settings_of(options)
    from emotion.bench.cross_validation import cross_validate

    found = cross_validate(
        config,
        seeds=range(options.seeds),
        kinds=options.folds,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    if options.json:
        print_json(**found.to_json())
        return DONE
    for sentence in found.sentences():
        print(sentence)
    note_drawn([Path(config.pictures)])
    return DONE
