"""Let visitors at a real server while everything goes wrong, and judge what is left: ``make soak``."""

import argparse
import contextlib
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from helpers.run_folder import events_of, runs_in, status_of
from helpers.serving import ROOT, Site
from helpers.waiting import until
from PIL import Image
from soak_visitors import DONE, TRAINING_SET, Person, Soak, fill_disk, hurt_training, kill_server, make_room

VISITORS, LONG_SECONDS, PACE_SECONDS = 20, 120.0, 10
SETS, PER_CLASS, DISK_MEGABYTES = ("human_train", "human_eval", "dog_eval"), 12, 3000
# How much of the server's needs moves for no reason between quarters of its life; there are fewer than so many samples
# where it is too short to tell.
GROWS, SPARE = 1.10, {"memory": 40_000_000, "open files": 12, "threads": 12}
SLOWER, LEAST = 3.0, 180
# A server that was just started still imports what its models need: nobody calls that load.
SETTLED_SECONDS = 30.0
Fault = Callable[[Soak], None]
CUT_OFF = ("EOFError", "ConnectionResetError", "_pickle.UnpicklingError: pickle data")
FORESEEN = ("The disk is full", "The memory did not suffice", "No space left")


@contextlib.contextmanager
def prepared() -> Iterator[Soak]:
    """A public server that is not yet started, its runs, sets and cache on a small disk where one can be made."""
    with tempfile.TemporaryDirectory(prefix="emotion-soak-") as text, contextlib.ExitStack() as stack:
        root, disk, is_limited = Path(text), Path(text) / "disk", False
        disk.mkdir()
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", disk]
            subprocess.run(mount, check=True, capture_output=True)
            stack.callback(subprocess.run, ["umount", "--lazy", disk], check=True)
            is_limited = True
        for label in (label for name in SETS for label in (ROOT / "assets" / "faces" / name).glob("*/")):
            (root / "pictures" / label.parent.name / label.name).mkdir(parents=True)
            for path in sorted(label.iterdir())[:PER_CLASS]:
                shutil.copy(path, root / "pictures" / label.parent.name / label.name)
        environment = {"EMOTION_PICTURES": str(root / "pictures"), "EMOTION_LOG": str(root / "events.jsonl")}
        site = Site(root / "site", environment=environment, public=True)
        site.runs, site.sets, site.cache = (disk / name for name in ("runs", "sets", "cache"))
        yield Soak(site, is_limited)


def soak(seconds: float, *, visitors: int = VISITORS, seed: int = 0) -> dict[str, Any]:
    """Let that many visitors at a server for so long, with faults between, and return what came of it."""
    with prepared() as soak:
        host, *people = (
            Person(soak, number, seed, 12.0 if seconds >= LONG_SECONDS else 4.0) for number in range(-1, visitors)
        )
        try:
            soak.start()
            # A run that everybody may use, the server's own.
            host.visitor.enter()
            host.runs = [host.visitor.ask("train", TRAINING_SET, "Quick", "", 4, 16, "head", 0, False)["run"]]
            shared = soak.site.runs / host.runs[0]
            until(lambda: status_of(shared) == "finished", what="the server's own training")
            (shared / "owner.json").unlink()
            host.ask_again(shared.name)
            for _ in range(20):
                host.do("watched_prediction")
            idle, soak.calls = [call.seconds for call in soak.calls], []
            at_once(soak, partial(make_faults, soak, seconds, seed), soak.sample, host.watch, *(
                person.live for person in people
            ))  # fmt: skip
            for person in people:
                person.leave()
            until(lambda: {status_of(run) for run in runs_in(soak.site.runs)}.isdisjoint({"queued", "running"}))
        finally:
            code = soak.end()
        return {
            "created": time.time(), "seconds": seconds, "visitors": visitors, "seed": seed, "faults": soak.faults,
            "claims": judge(soak, idle, code), "runs": Counter(status_of(run) for run in runs_in(soak.site.runs)),
            "calls": {name: told([call for call in soak.calls if call.action == name])
                      for name in sorted({call.action for call in soak.calls})},
        }  # fmt: skip


def make_faults(soak: Soak, seconds: float, seed: int) -> None:
    """Make one fault after another; that of the server early, so that what comes after lasts long enough to measure."""
    rng, began = random.Random(seed), time.monotonic()
    kill, starve = partial(hurt_training, kills=True), partial(hurt_training, kills=False)
    plan: list[tuple[float, Fault]] = [(0.15, fill_disk), (0.3, kill), (0.45, kill_server), (0.8, starve)]
    if seconds >= LONG_SECONDS:
        plan += [(at / seconds, rng.choice([kill, starve])) for at in range(PACE_SECONDS, int(seconds), PACE_SECONDS)]
    for share, fault in sorted(plan, key=lambda each: each[0]):
        if soak.ended.wait(max(0.0, began + share * seconds - time.monotonic())):
            return
        fault(soak)
        make_room(soak)
    soak.ended.wait(max(0.0, began + seconds - time.monotonic()))


def at_once(soak: Soak, leading: Callable[[], None], *tasks: Callable[[], None]) -> None:
    """Do everything at once until the leading task is over; whatever breaks off breaks the soak off."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        others = [pool.submit(task) for task in tasks]
        for other in others:
            other.add_done_callback(lambda other: soak.ended.set() if other.exception() else None)
        try:
            leading()
        finally:
            soak.ended.set()
    for other in others:
        other.result()


def judge(soak: Soak, idle: list[float], code: int) -> dict[str, list[str] | None]:
    """Return every claim with what was found against it; None where it was not measured.

    ``idle`` are the seconds of predictions while nobody else asked, ``code`` is the exit code of a server that was
    asked to end.
    """
    runs, filled = runs_in(soak.site.runs), soak.faults["filled the disk"]
    unheard = [run.name for run in runs if status_of(run) == "finished" and run.name not in soak.said]
    return {
        "Nobody was told what no visitor should see": soak.odd,
        "Every finished run says what it said before": [*soak.changed, *unheard],
        "Every run says truthfully what became of it": [lie for run in runs for lie in lies(run, soak)],
        "Every picture set is whole": [*soak.torn, *torn_pictures(soak.site.sets)],
        "No process outlived its server": soak.left,
        "The server ends in order when it is asked to": [f"exit code {code}"] if code else [],
        "No traceback stands in the server's log": tracebacks(soak),
        "The disk was filled": ([] if filled else ["never"]) if soak.is_limited else None,
        **{f"Flat: the server's {what}": grown(soak, place) for place, what in enumerate(SPARE)},
        f"A prediction under load takes at most {SLOWER:g} times as long as alone (95th percentile)": slow(soak, idle),
    }


def lies(run: Path, soak: Soak) -> list[str]:
    status, last = status_of(run), (events_of(run) or [{}])[-1]
    has_model, was_hurt = (run / "checkpoint" / "model.safetensors").is_file(), run.name in soak.hurt
    found = {
        "has no checkpoint": not has_model and (status == "finished" or last.get("best_epoch")),
        "is stopped and nobody asked for it": status == "stopped" and run.name not in soak.asked_to_stop,
        f"failed of what nobody did: {last.get('message')}": status == "failed"
        and not was_hurt and not any(each in last["message"] for each in FORESEEN),
        "is interrupted and nobody did anything": status == "interrupted" and not (was_hurt or soak.faults),
    }  # fmt: skip
    return [f"{run.name} {lie}" for lie, holds in found.items() if holds]


def torn_pictures(sets: Path) -> list[str]:
    torn = []
    for path in sets.glob("[!.]*/*/*"):
        try:
            Image.open(path).load()
        except (OSError, ValueError) as error:
            torn.append(f"{path.relative_to(sets)}: {error}")
    return torn


def tracebacks(soak: Soak) -> list[str]:
    """Return what stands in the logs, but for what Python's process starter says of a server that was killed."""
    events = (soak.site.root.parent / "events.jsonl").read_text("utf-8").splitlines()
    log = soak.site.log.read_text("utf-8", errors="replace")
    errors = re.findall(r"^Traceback.*\n(?:[ ].*\n)*.*", log, re.MULTILINE)
    ours = [error for error in errors if str(ROOT / "emotion") in error or not any(each in error for each in CUT_OFF)]
    return [line for line in events if '"unexpected error"' in line] + [error[-500:] for error in ours]


def grown(soak: Soak, place: int) -> list[str] | None:
    """Compare an early and a late quarter of the longest time that one server lived, without its first quarter."""
    lives = [[each[2][place] for each in soak.samples if each[1] == life] for life in range(1, len(soak.starts) + 1)]
    longest = max(lives, key=len)
    if len(longest) < LEAST:
        return None
    _, early, _, late = (float(np.median(quarter)) for quarter in np.array_split(longest, 4))
    is_flat = late <= max(early * GROWS, early + [*SPARE.values()][place])
    return [] if is_flat else [f"{early:,.0f} in an early quarter, {late:,.0f} in a late one (medians)"]


def slow(soak: Soak, idle: list[float]) -> list[str] | None:
    watched = [call for call in soak.calls if (call.action, call.outcome) == ("watched_prediction", DONE)]
    loaded = [each.seconds for each in watched if all(not 0 < each.at - at < SETTLED_SECONDS for at in soak.starts[1:])]
    if len(loaded) < 24:
        return None
    before, after = np.quantile(idle, 0.95), np.quantile(loaded, 0.95)
    return [] if after <= SLOWER * before else [f"{after:.2f} s under load, {before:.2f} s alone"]


def told(calls: list[Any]) -> dict[str, Any]:
    seconds = [call.seconds for call in calls if call.outcome == DONE] or [0.0]
    median, p95 = np.quantile(seconds, (0.5, 0.95)).tolist()
    return {"outcomes": Counter(call.outcome for call in calls), "median": median, "p95": p95}


def write(report: dict[str, Any], folder: Path) -> None:
    """Write ``soak.md`` and ``soak.json`` into a folder."""

    def counts(found: dict[str, int]) -> str:
        return ", ".join(f"{name} {count}" for name, count in found.items()) or "none"

    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(report["created"]))
    lines = [
        "# Soak", "",
        f"{day}, {report['visitors']} visitors for {report['seconds']:.0f} s, seed {report['seed']}. "
        f"Faults made: {counts(report['faults'])}. Runs at the end: {counts(report['runs'])}.", "",
        "| claim | verdict | found against it |", "|---|---|---|",
        *(f"| {claim} | {'not measured' if found is None else 'not met' if found else 'met'} "
          f"| {'; '.join((found or [])[:5]).replace('|', '/')} |" for claim, found in report["claims"].items()), "",
        "| what visitors did | how it came out | median | 95th percentile |", "|---|---|---|---|",
        *(f"| {name} | {counts(found['outcomes'])} | {found['median']:.2f} s | {found['p95']:.2f} s |"
          for name, found in report["calls"].items()), "",
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.md").write_text("\n".join(lines), "utf-8")
    (folder / "soak.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def main() -> int:
    """Soak, write the report, and return 0 where every claim is met or not measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--visitors", type=int, default=VISITORS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    options = parser.parse_args()
    report = soak(options.seconds, visitors=options.visitors, seed=options.seed)
    write(report, options.out)
    print((options.out / "soak.md").read_text("utf-8"))
    return int(any(report["claims"].values()))


if __name__ == "__main__":
    sys.exit(main())
