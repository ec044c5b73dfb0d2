"""What a soak shows: each claim with what was found, as a page and as JSON. Asks nothing of the server."""

from __future__ import annotations

import itertools
import json
import os
import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from helpers.run_folder import events_of, runs_in, status_of
from PIL import Image
from soak_place import DONE, FILLED, SERVER_KILLED, Place, Record, Sample, Server

SCHEMA = 1
MARKDOWN, JSON = "soak.md", "soak.json"
VERDICTS = {True: "met", False: "not met", None: "not measured"}
NO_DISK = "A small file system can only be mounted by root, on Linux: the disk was not filled."
SLOWER_AT_MOST = 3.0
# The middle of each window; what Python and the allocator keep moves by this much for no reason.
GROWS_AT_MOST, GROWS_BYTES, GROWS_FILES = 1.10, 40_000_000, 12
LEAST_SAMPLES, LEAST_SECONDS = 24, 90.0
# A server that was just started still imports what its models need: nobody calls that load.
SETTLED_SECONDS = 30.0
FORESEEN = ("The disk is full", "The memory did not suffice", "No space left")


@dataclass(frozen=True)
class Claim:
    """Something that must hold: whether it does (None: not measured), and what was found."""

    name: str
    is_met: bool | None
    found: str


def judge(place: Place, server: Server, record: Record, *, code: int) -> list[Claim]:
    """Return every claim; ``code`` is the server's exit code when it was asked to end."""
    runs = runs_in(server.site.runs)
    silent = [f"{each.name} was never heard" for each in runs if status_of(each) == "finished"]
    silent = [said for said in silent if said.split()[0] not in record.said]
    odd = [f"{call.action}: {call.outcome}" for call in record.calls if call.is_odd]
    filled = sum(text == FILLED for _, text in record.faults)
    return [
        _none("Nobody was told what no visitor should see", odd),
        _none("Every finished run loads and says what it said before", [*record.changed, *silent]),
        _none("Every run says truthfully what became of it", [lie for run in runs for lie in _lies(run, record)]),
        _none("Every picture set is whole", [*record.torn_sets, *_torn_pictures(server.site.sets)]),
        _none("No process outlived its server", server.left),
        Claim("The server ends in order when it is asked to", code == 0, f"exit code {code}"),
        _none("No traceback stands in the server's log", _tracebacks(place, server, record)),
        Claim(
            "The disk was filled", filled > 0 if place.is_limited else None, f"{filled} times" if filled else NO_DISK
        ),
        *_flat(record.samples),
        _fast(record),
    ]


def _none(name: str, found: Sequence[str]) -> Claim:
    shown = "; ".join(found[:5]) + (f"; and {len(found) - 5} more" if len(found) > 5 else "")
    return Claim(name, not found, shown or "none found otherwise")


def _lies(run: Path, record: Record) -> list[str]:
    status, last = status_of(run), (events_of(run) or [{}])[-1]
    has_model = (run / "checkpoint" / "model.safetensors").is_file()
    message, was_hurt = last.get("message", ""), run.name in record.hurt
    lies = {
        "is said to be trained, and nobody is there": status == "running",
        "still waits": status == "queued",
        "is finished and has no checkpoint": status == "finished" and not has_model,
        "is stopped and nobody asked for it": status == "stopped" and run.name not in record.asked_to_stop,
        "keeps an epoch and has no checkpoint": status == "stopped" and last.get("best_epoch") and not has_model,
        f"failed of what nobody did: {message}": status == "failed"
        and not was_hurt and not any(each in message for each in FORESEEN),
        "is interrupted and nobody did anything": status == "interrupted" and not (was_hurt or record.faults),
    }  # fmt: skip
    return [f"{run.name} {lie}" for lie, holds in lies.items() if holds]


def _torn_pictures(sets: Path) -> list[str]:
    torn = []
    for path in sets.glob("[!.]*/*/*"):
        try:
            Image.open(path).load()
        except (OSError, ValueError) as error:
            torn.append(f"{path.relative_to(sets)}: {error}")
    return torn


def _tracebacks(place: Place, server: Server, record: Record) -> list[str]:
    """Return what stands in the log, but for what Python's process starter says of a server that was killed."""
    was_killed = any(text == SERVER_KILLED for _, text in record.faults)
    lines = server.site.log.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [line for line in (place.folder / "events.jsonl").read_text().splitlines() if '"unexpected error"' in line]
    for number in (number for number, line in enumerate(lines) if line.startswith("Traceback")):
        frames = list(itertools.takewhile(lambda line: line.startswith(" "), lines[number + 1 :]))
        error = "".join(lines[number + 1 + len(frames) :][:1])
        files = [line for line in frames if line.startswith("  File ")]
        is_starters = all("/multiprocessing/" in file or '"<string>"' in file for file in files)
        if not (was_killed and is_starters and error.startswith(("EOFError", "_pickle.UnpicklingError: pickle data"))):
            found.append(f"stderr, line {number + 1}: {error[:200]}, {' / '.join(map(str.strip, frames))[-300:]}")
    return found


def _flat(samples: Sequence[Sample]) -> list[Claim]:
    """Compare an early and a late quarter of the longest time that one server lived, without its first quarter."""
    lives = [[each for each in samples if each.incarnation == life] for life in {each.incarnation for each in samples}]
    longest = max(lives, key=len, default=[])
    quarter = len(longest) // 4
    early, late = longest[quarter : 2 * quarter], longest[3 * quarter :]
    measures: list[tuple[str, Callable[[Sample], float], float, str, float]] = [
        ("The server's memory stays flat", lambda each: each.server, GROWS_BYTES, "MB", 1e6),
        ("The memory of server and children stays flat", lambda each: each.tree, GROWS_BYTES, "MB", 1e6),
        ("The server's open files stay flat", lambda each: each.files, GROWS_FILES, "files", 1),
        ("The server's threads stay flat", lambda each: each.threads, GROWS_FILES, "threads", 1),
    ]
    if len(longest) < LEAST_SAMPLES or longest[-1].at - longest[0].at < LEAST_SECONDS:
        return [Claim(name, None, "too short to tell") for name, *_ in measures]
    claims = []
    for name, value, spare, unit, scale in measures:
        before, after = (statistics.median(map(value, window)) for window in (early, late))
        found = f"{before / scale:.0f} to {after / scale:.0f} {unit} between an early and a late quarter (medians)"
        claims.append(Claim(name, after <= max(before * GROWS_AT_MOST, before + spare), found))
    return claims


def _fast(record: Record) -> Claim:
    watched = [call for call in record.calls if call.action == "watched prediction" and call.outcome == DONE]
    loaded = [
        call.seconds for call in watched if not any(0 < call.at - start < SETTLED_SECONDS for start in record.starts)
    ]
    name = f"A prediction's 95th percentile under load is at most {SLOWER_AT_MOST:g} times that of an idle server"
    if len(loaded) < LEAST_SAMPLES or not record.idle:
        return Claim(name, None, "too few to tell")
    before, after = percentile(record.idle, 0.95), percentile(loaded, 0.95)
    found = f"{after:.2f} s under load ({len(loaded)} taken), {before:.2f} s idle: {after / before:.1f} times"
    return Claim(name, after <= SLOWER_AT_MOST * before, found)


@dataclass(frozen=True)
class Report:
    """Every claim with its verdict, what visitors did and how it came out, as plain ``values``."""

    claims: list[Claim]
    record: Record = field(repr=False)
    values: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, claims: list[Claim], record: Record, *, runs: dict[str, int], **more: Any) -> Report:
        """Gather it; ``runs`` counts runs by status, ``more`` says of which soak."""
        outcomes = record.outcomes()
        machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
        told = [{**asdict(each), "verdict": VERDICTS[each.is_met]} for each in claims]
        calls = {name: {"outcomes": dict(found), **_times(record.seconds_of(name))} for name, found in outcomes.items()}
        faults = dict(Counter(text for _, text in record.faults))
        runs = {**runs, "deleted meanwhile": record.retired}
        values = {"schema": SCHEMA, "created": time.time(), "machine": machine, **more, "claims": told, "calls": calls}
        return cls(claims, record, {**values, "idle_prediction": _times(record.idle), "faults": faults, "runs": runs})

    @property
    def is_met(self) -> bool:
        return all(claim.is_met is not False for claim in self.claims)

    def to_markdown(self) -> str:
        values, idle = self.values, self.values["idle_prediction"]
        day = time.strftime("%Y-%m-%d %H:%M", time.localtime(values["created"]))
        whole = f"{values['visitors']} visitors for {values['seconds']:.0f} s, seed {values['seed']}"
        claims = [f"| {each['name']} | {each['verdict']} | {_cell(each['found'])} |" for each in values["claims"]]
        calls = [
            f"| {name} | {_cell(_counts(found['outcomes']))} | {found['median']:.2f} s | {found['p95']:.2f} s |"
            for name, found in values["calls"].items()
        ]
        return "\n".join([
            "# Soak", "", f"{day}, {whole}; {values['machine']}.", "",
            "| claim | verdict | found |", "|---|---|---|", *claims, "",
            f"**Faults made**: {_counts(values['faults'])}.", "",
            f"**Runs at the end**: {_counts(values['runs'])}.", "",
            "| what visitors did | how it came out | median | 95th percentile |", "|---|---|---|---|", *calls, "",
            f"An idle server predicts in {idle['median']:.2f} s (95th percentile {idle['p95']:.2f} s).", "",
        ])  # fmt: skip

    def write(self, folder: Path) -> None:
        """Write the page and the JSON into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / JSON).write_text(json.dumps(self.values, indent=1) + "\n", encoding="utf-8")
        (folder / MARKDOWN).write_text(self.to_markdown(), encoding="utf-8")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share (0 to 1) of the values does not exceed; 0 of none."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0


def _times(seconds: Sequence[float]) -> dict[str, float]:
    """Return how many there are, the median, the 95th percentile and the longest, in seconds."""
    found = {"median": percentile(seconds, 0.5), "p95": percentile(seconds, 0.95), "max": max(seconds, default=0.0)}
    return {"count": len(seconds)} | {name: round(value, 4) for name, value in found.items()}


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items(), key=lambda each: -each[1])) or "none"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
