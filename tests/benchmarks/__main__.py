"""``make bench``: how fast this is on this machine, and with ``--accuracy`` how good, written as a page and a JSON."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from benchmarks.accuracy import measure_accuracy
from benchmarks.figures import NotMeasured, Reading, speed_page, speed_values, taken, write
from benchmarks.machine import machine
from benchmarks.place import BACKBONE, ROOT, open_place, say
from benchmarks.speed import MEASUREMENTS, ROWS

DRAWN = "There were no photographs: the drawn set of assets/faces stands in. The bounds were set for photographs."
SHORT = " Taken on few pictures and hardly any repetition: a look whether it works, no measurement."


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="holds human_train, human_eval and dog_eval")
    parser.add_argument("--peer", type=Path, metavar="FILE", help="a plain full fine-tune to compare with")
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--short", action="store_true", help="few pictures, hardly any repetition: does it work?")
    parser.add_argument("--accuracy", action="store_true", help="how good in place of how fast; needs --photos")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="of --accuracy: 0 to N - 1 (default: 5)")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "results", metavar="DIR", help="where the files go")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # as by Ctrl+C: no folder and no child stays
    for path in (options.photos and options.photos / "human_train", options.peer, BACKBONE):
        if path and not path.exists():
            parser.error(f"there is no {path}.")
    if options.accuracy and not options.photos:
        parser.error("--accuracy needs --photos: drawn pictures say nothing of real ones.")
    if options.accuracy:
        measure_accuracy(options.photos, seeds=options.seeds, to=options.to)
        return
    began, load_before = time.time(), os.getloadavg()[0]
    readings: dict[str, Reading | str] = {}
    names = options.only or list(MEASUREMENTS)
    with open_place(photos=options.photos, peer=options.peer, is_short=options.short) as place:
        for name in names:
            say(name)
            try:
                readings |= MEASUREMENTS[name](place)
            except NotMeasured as error:
                readings |= {row.name: str(error) for row in ROWS if row.measurement == name}
    found = [(row, readings[row.name]) for row in ROWS if row.name in readings]
    for row, each in found:
        say(f"{row.name}: {row.reached(each)}, {row.bound}: {row.verdict(each)}")
    on, pictures = machine(load_before), "On photographs." if options.photos else DRAWN
    head = f"{taken(time.time() - began)} by `make bench`. {on} {pictures}{SHORT if options.short else ''}"
    values = {"machine": on, "pictures": pictures, "is_short": options.short, "figures": speed_values(found)}
    write(options.to, "speed", speed_page(found, head), values)


if __name__ == "__main__":
    main()
