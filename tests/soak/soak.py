"""Let visitors at a real server while everything goes wrong, and judge what is left: ``make soak``."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
from benchmarks.machine import load, machine
from soak_actions import Person
from soak_faults import LONG_SECONDS, Faults
from soak_place import ROOT, Place, soak_place
from soak_record import Record
from soak_report import SoakReport
from soak_server import Server
from soak_verdict import judge
from soak_watch import Watch

from emotion.config import TrainConfig
from emotion.run import Run
from emotion.runs import create_run, list_runs

VISITORS = 20
PAUSE_SECONDS, SHORT_PAUSE_SECONDS = 12.0, 4.0
PATIENCE_SECONDS = 180.0
LOOK_SECONDS = 0.2
GOING_ON = ("queued", "running", "stopping")


def soak(seconds: float, *, visitors: int = VISITORS, seed: int = 0) -> SoakReport:
    """Let that many visitors at a server for so long, with faults between, and return what came of it."""
    load_before, record, is_long = load(), Record(), seconds >= LONG_SECONDS
    with soak_place() as place:
        server, ended = Server(place), threading.Event()
        watch = Watch(place, server, record, ended, seconds_between=1.0 if is_long else 0.5)
        shared = _of_the_server(place)
        try:
            server.start()
            _await(lambda: shared.status() == "finished", "the server's own training to finish")
            watch.predict_idle(shared.name, count=40 if is_long else 10)
            record.began = time.monotonic()
            pause = PAUSE_SECONDS if is_long else SHORT_PAUSE_SECONDS
            people = [Person(number, seed, pause, place, server, record, ended) for number in range(visitors)]
            faults = Faults(place, server, record, seed=seed, ended=ended)
            _at_once(
                seconds,
                ended,
                lambda: faults.live(seconds=seconds),
                watch.sample,
                lambda: watch.predict_under_load(shared.name),
                *(person.live for person in people),
            )
            took = time.monotonic() - record.began
            server.refuse_own_end()
            _settle(place, people)
            _hear_again(people)
        finally:
            code = _end(server)
        return SoakReport(
            created=time.time(),
            seconds=took,
            seed=seed,
            visitors=visitors,
            machine=machine(load_before),
            claims=judge(place, record, watch.samples, watch.idle, left=[*server.left, *_left(server)], code=code),
            record=record,
            samples=watch.samples,
            idle=watch.idle,
            runs=dict(Counter(run.status() for run in list_runs(place.runs))),
        )


def _of_the_server(place: Place) -> Run:
    """Queue a run that everybody may use: the server trains it when it starts."""
    place.runs.mkdir()
    return create_run(TrainConfig(pictures=str(place.folder / "pictures" / "human_train"), epochs=4), root=place.runs)


def _at_once(seconds: float, ended: threading.Event, *tasks: Callable[[], None]) -> None:
    """Do everything at once for so long; whatever breaks off breaks the soak off."""
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
    ended.wait(seconds)
    ended.set()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]


def _settle(place: Place, people: list[Person]) -> None:
    """Let everybody stop what goes on of theirs, and wait until nothing does."""
    for person in people:
        for run in _own_runs(person, *GOING_ON):
            person.record.asked_to_stop.add(run)
            person.visitor.ask("stop", run)
    _await(lambda: all(run.status() not in GOING_ON for run in list_runs(place.runs)), "every training to end")


def _hear_again(people: list[Person]) -> None:
    """Ask every finished run twice more, through a server that may have been started anew."""
    for person in people:
        for run in _own_runs(person, "finished"):
            for _ in range(2):
                person.ask_again(run)
        person.visitor.close()


def _own_runs(person: Person, *statuses: str) -> list[str]:
    """Return the runs that a visitor may see, those too whose name never reached them since the server was killed."""
    return [each["run"] for each in person.visitor.ask("runs") if each["status"] in statuses]


def _end(server: Server) -> int:
    with contextlib.suppress(httpx.TransportError):
        return server.end()
    return -1


def _left(server: Server) -> list[str]:
    """Return what still works in the place a while after its server has ended."""
    with contextlib.suppress(TimeoutError):
        _await(lambda: not server.processes(), "all processes to end", patience=60.0)
    return [f"process {each.pid} is still there" for each in server.processes()]


def _await(condition: Callable[[], bool], what: str, *, patience: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(LOOK_SECONDS)


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
