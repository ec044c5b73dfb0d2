"""Let visitors at a real server while everything goes wrong, and judge what is left: ``make soak``."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from helpers.run_folder import runs_in, status_of
from helpers.serving import ROOT
from helpers.waiting import until
from soak_place import Place, Record, Server, soak_place
from soak_verdict import Report, judge
from soak_visitors import LONG_SECONDS, TRAINING_SET, Faults, Person, predict_alone, predict_under_load, sample

VISITORS = 20
PAUSE_SECONDS, SHORT_PAUSE_SECONDS = 12.0, 4.0
PATIENCE_SECONDS = 180.0
GOING_ON = ("queued", "running")


def soak(seconds: float, *, visitors: int = VISITORS, seed: int = 0) -> Report:
    """Let that many visitors at a server for so long, with faults between, and return what came of it."""
    record, is_long, ended = Record(), seconds >= LONG_SECONDS, threading.Event()
    with soak_place() as place:
        server = Server(place)
        faults = Faults(place, server, record, seed=seed, ended=ended)
        pause = PAUSE_SECONDS if is_long else SHORT_PAUSE_SECONDS
        people = [Person(number, seed, pause, place, server, record, ended) for number in range(visitors)]
        try:
            server.start()
            shared = _shared_run(place, server, record)
            predict_alone(place, server, record, shared, count=40 if is_long else 10)
            record.began = time.monotonic()
            _at_once(
                lambda: faults.live(seconds=seconds),
                ended,
                lambda: sample(server, record, ended, every_seconds=1.0 if is_long else 0.5),
                lambda: predict_under_load(place, server, record, ended, shared),
                *(person.live for person in people),
            )
            took = time.monotonic() - record.began
            server.refuse_own_end()
            _settle(server, people)
            for person in people:
                # Twice, through a server that may have been started anew.
                for run in person.own_runs("finished") * 2:
                    person.ask_again(run)
                person.count_sets()
                person.visitor.http.close()
        finally:
            code = server.end()
        claims = judge(place, server, record, code=code)
        runs = dict(Counter(status_of(run) for run in runs_in(server.site.runs)))
    return Report.of(claims, record, runs=runs, seconds=round(took, 1), seed=seed, visitors=visitors)


def _shared_run(place: Place, server: Server, record: Record) -> str:
    """Let a run be trained that everybody may use, the server's own, and return its name."""
    host = Person(-1, 0, 1.0, place, server, record, threading.Event())
    host.visitor.enter()
    name: str = host.visitor.ask("train", TRAINING_SET, "Quick", "", 4, 16, "head", 0, False)["run"]
    run = server.site.runs / name
    until(lambda: status_of(run) == "finished", seconds=PATIENCE_SECONDS, what="the server's own training")
    host.ask_again(name)
    host.visitor.http.close()
    (run / "owner.json").unlink()
    return name


def _at_once(leading: Callable[[], None], ended: threading.Event, *tasks: Callable[[], None]) -> None:
    """Do everything at once until the leading task is over; whatever breaks off breaks the soak off."""
    broken: list[BaseException] = []

    def do(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001  # raised again below, where it is seen
            broken.append(error)
            ended.set()

    threads = [threading.Thread(target=do, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    do(leading)
    ended.set()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]


def _settle(server: Server, people: list[Person]) -> None:
    """Let everybody stop what goes on of theirs, and wait until nothing does."""
    for person in people:
        for run in person.own_runs("queued", "running", "stopping"):
            person.stop_run(run)
    until(
        lambda: all(status_of(run) not in GOING_ON for run in runs_in(server.site.runs)),
        seconds=PATIENCE_SECONDS, what="every training to end",
    )  # fmt: skip


def main() -> int:
    """Soak, write the report, and return 0 where every claim is met or not measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--visitors", type=int, default=VISITORS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    options = parser.parse_args()
    report = soak(options.seconds, visitors=options.visitors, seed=options.seed)
    report.write(options.out)
    print(report.to_markdown())
    return 0 if report.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
