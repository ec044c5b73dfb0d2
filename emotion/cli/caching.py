"""`cache`: what is kept of earlier looks at pictures, and how to be rid of it."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict

from emotion.cli.codes import DONE, JSON_HELP, print_json
from emotion.training.cache import Entry, open_cache


def add_cache(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_show)
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    actions = parser.add_subparsers(metavar="clear")
    clear = actions.add_parser("clear", help="delete what no training uses just now")
    clear.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object on the last line"
    )
    clear.set_defaults(command=_clear)


def _show(options: argparse.Namespace) -> int:
    cache = open_cache()
    entries = cache.entries()
    if options.json:
        rows = [asdict(entry) for entry in entries]
        print_json(folder=str(cache.folder), limit=cache.limit, size=cache.size(), entries=rows)
        return DONE
    for entry in entries:
        print(_line(entry))
    print(f"{cache.size() / 1e6:,.1f} MB of at most {cache.limit / 1e6:,.0f} MB in {cache.folder}")
    return DONE


def _clear(options: argparse.Namespace) -> int:
    cache = open_cache()
    freed, left = cache.clear(), cache.size()
    if options.json:
        print_json(folder=str(cache.folder), freed=freed, size=left)
        return DONE
    used = f"; {left / 1e6:,.1f} MB are in use" if left else ""
    print(f"{freed / 1e6:,.1f} MB deleted from {cache.folder}{used}")
    return DONE


def _line(entry: Entry) -> str:
    recipe = entry.recipe
    blocks = recipe.get("trained_blocks")
    what = "features" if not blocks else f"tokens before the last {blocks} blocks"
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_used))
    return (
        f"{entry.rows:>8,} {what}, {recipe.get('image_size')} px, {recipe.get('precision')}, "
        f"weights {str(recipe.get('weights'))[:12]}: {entry.size / 1e6:,.1f} MB, last used {used}"
    )
