"""`bench` and `choose`: how fast and how good this is, and what its recipe was chosen by, written as reports."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from emotion.cli.codes import DONE, JSON_HELP, STOPPED, print_json


def add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--full",
        action="store_true",
        help="also what takes an hour or looks at the evaluation sets: accuracy, whole peer runs, 50,000 pictures",
    )
    parser.add_argument(
        "--photos",
        type=Path,
        metavar="DIR",
        help="holds human_train, human_eval and dog_eval (default: ../shared/photos)",
    )
    parser.add_argument(
        "--peer",
        type=Path,
        metavar="FILE",
        help="the fine-tune to beat (default: ../shared/bench/reference_finetune.py)",
    )
    parser.add_argument(
        "--peer-seeds",
        type=int,
        nargs="+",
        metavar="SEED",
        help="seeds of the peer's whole runs, for `--full --only peer-accuracy`: one more is one more such run "
        "(default: its own, 42)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="where bench.md and bench.json go"
    )
    parser.add_argument(
        "--faceless", type=Path, metavar="DIR", help="holds folders of pictures without a face, for `--only unknown`"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these measurements alone")
    parser.add_argument("--backbone", default="dinov2-small", help="a name of `backbones`, a Hub id, or a local folder")
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    parser.set_defaults(command=_bench, parser=parser)


def add_choose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="DIR",
        help="the training pictures (default: ../shared/photos/human_train, else the drawn ones)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="where choice.md and choice.json go"
    )
    parser.add_argument(
        "--seeds", type=int, choices=range(1, 101), default=3, metavar="N", help="seeds 0 to N - 1 (default: 3)"
    )
    parser.add_argument("--backbone", default="dinov2-small", help="a name of `backbones`, a Hub id, or a local folder")
    parser.add_argument("--json", action="store_true", help=JSON_HELP)
    parser.set_defaults(command=_choose)


def _bench(options: argparse.Namespace) -> int:
    from emotion.bench.table import MEASUREMENTS, run_bench, sentence
    from emotion.bench.workplace import PEER, PEER_SEED, PHOTOS, open_workplace

    names = [measurement.name for measurement in MEASUREMENTS]
    unknown = [name for name in options.only or [] if name not in names]
    if unknown:
        options.parser.error(f"there is no measurement {unknown[0]!r}: choose from {', '.join(names)}")
    chosen = [measurement for measurement in MEASUREMENTS if measurement.name in (options.only or names)]
    # A host that stops us politely gets the same orderly end as Ctrl+C, without folders left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))
    if options.faceless and not options.faceless.is_dir():
        options.parser.error(f"{options.faceless} is no folder: give one that holds folders of pictures.")
    with open_workplace(
        photos=options.photos or PHOTOS,
        peer=options.peer or PEER,
        is_full=options.full,
        backbone=options.backbone,
        faceless=options.faceless,
        peer_seeds=options.peer_seeds or (PEER_SEED,),
    ) as workplace:
        report = run_bench(workplace, chosen)
    report.write(options.out)
    if options.json:
        print_json(**report.to_json())
        return DONE
    for figure in report.figures:
        print(f"{figure.row.name}: {sentence(figure)}")
    print(f"written to {options.out / 'bench.md'} and {options.out / 'bench.json'}")
    return DONE


def _choose(options: argparse.Namespace) -> int:
    from emotion.bench.choice import choose
    from emotion.bench.workplace import PHOTOS
    from emotion.pictures.drawn import DRAWN_FOLDER

    photographs = PHOTOS / "human_train"
    default = photographs if photographs.is_dir() else DRAWN_FOLDER / "human_train"
    choice = choose(
        options.pictures or default,
        backbone=options.backbone,
        seeds=options.seeds,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    choice.write(options.out)
    if options.json:
        print_json(**choice.to_json())
        return DONE
    print(choice.to_markdown())
    print(f"written to {options.out / 'choice.md'} and {options.out / 'choice.json'}")
    return DONE
