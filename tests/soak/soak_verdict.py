"""What a soak shows: each claim with what was found. Judges files and figures, and asks nothing of the server."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from soak_place import NO_DISK, Place
from soak_record import DONE, FILLED, SERVER_KILLED, Record, percentile
from soak_watch import Sample

from emotion.errors import EmotionError
from emotion.events import RunFailed, RunFinished, RunStopped
from emotion.run import Run
from emotion.runs import list_runs
from emotion.sets.saved import list_sets
from emotion.writing import hash_file

SLOWER_AT_MOST = 3.0
# The middle of each window; what Python and the allocator keep moves by this much for no reason.
GROWS_AT_MOST, GROWS_BYTES, GROWS_FILES = 1.10, 40_000_000, 12
LEAST_SAMPLES, LEAST_SECONDS = 24, 90.0
# A server that was just started still imports what its models need: nobody calls that load.
SETTLED_SECONDS = 30.0
FULL, STARVED = "The disk is full", "The memory did not suffice"


@dataclass(frozen=True)
class Claim:
    """Something that must hold: whether it does (None: not measured), and what was found."""

    name: str
    is_met: bool | None
    found: str


def judge(
    place: Place, record: Record, samples: Sequence[Sample], idle: Sequence[float], *, left: Sequence[str], code: int
) -> list[Claim]:
    """Return every claim. ``left`` outlived their server, ``code`` is its exit code when it was asked to end."""
    return [
        _none("Nobody was told what no visitor should see", record.odd()),
        _none("Every finished run loads and says what it said before", [*record.changed, *_silent(place, record)]),
        _none("Every run says truthfully what became of it", _untrue(place, record)),
        _none("Every picture set is whole", _torn_sets(place)),
        _none("No process outlived its server", left),
        Claim("The server ends in order when it is asked to", code == 0, f"exit code {code}"),
        _none("No traceback stands in the server's log", _tracebacks(place, record)),
        _filled(place, record),
        *_flat(samples),
        _fast(record, idle),
    ]


def _none(name: str, found: Sequence[str]) -> Claim:
    shown = "; ".join(found[:5]) + (f"; and {len(found) - 5} more" if len(found) > 5 else "")
    return Claim(name, not found, shown or "none found otherwise")


def _filled(place: Place, record: Record) -> Claim:
    times = sum(text == FILLED for _, text in record.faults)
    return Claim("The disk was filled", times > 0 if place.is_limited else None, f"{times} times" if times else NO_DISK)


def _silent(place: Place, record: Record) -> list[str]:
    finished = [run.name for run in list_runs(place.runs) if run.status() == "finished"]
    return [f"{name} is finished and was never heard" for name in finished if name not in record.said]


def _untrue(place: Place, record: Record) -> list[str]:
    found = []
    for run in list_runs(place.runs):
        try:
            found += [f"{run.name} {said}" for said in _lies(run, record)]
        except EmotionError as error:
            found.append(f"{run.name} cannot be read: {error}")
    return found


def _lies(run: Run, record: Record) -> list[str]:
    status, last = run.status(), run.last_event()
    was_hurt = run.name in record.killed | record.starved or bool(record.faults)
    if status in ("running", "stopping"):
        return ["is said to be trained, and nobody is there"]
    if status == "queued":
        return ["still waits"]
    if isinstance(last, RunFinished) and not _has_checkpoint(run):
        return ["is finished and has no checkpoint"]
    if isinstance(last, RunStopped):
        if run.name not in record.asked_to_stop:
            return ["is stopped and nobody asked for it"]
        return ["keeps an epoch and has no checkpoint"] if last.best_epoch and not _has_checkpoint(run) else []
    if isinstance(last, RunFailed):
        is_foreseen = last.message.startswith((FULL, STARVED)) or "No space left" in last.message
        is_ours = run.name in record.starved | record.killed
        return [] if is_foreseen or is_ours else [f"failed of what nobody did: {last.message}"]
    return [] if was_hurt else ["is interrupted and nobody did anything to it"]


def _has_checkpoint(run: Run) -> bool:
    return (run.checkpoint / "model.safetensors").is_file()


def _torn_sets(place: Place) -> list[str]:
    found = []
    for saved in list_sets(place.sets):
        try:
            rows = saved.manifest.pictures
            files = {path.relative_to(saved.folder).as_posix() for path in saved.folder.glob("*/*")}
            if files != {row.file for row in rows}:
                found.append(f"{saved.key} holds other files than its manifest")
            found += [
                f"{saved.key}/{row.file} is torn" for row in rows if hash_file(saved.folder / row.file) != row.sha256
            ]
        except (EmotionError, OSError) as error:
            found.append(f"{saved.key}: {error}")
    return found


def _tracebacks(place: Place, record: Record) -> list[str]:
    was_killed = any(text == SERVER_KILLED for _, text in record.faults)
    found = tracebacks(place.errors.read_text(encoding="utf-8", errors="replace"), server_was_killed=was_killed)
    return found + [
        f"log: {event.get('what')}, {event.get('trace')}"
        for event in events_of(place.log)
        if event["event"] == "unexpected error"
    ]


def tracebacks(said: str, *, server_was_killed: bool) -> list[str]:
    """Return each traceback of a server's stderr, last line first, but those that only a killed server explains."""
    lines = said.splitlines()
    found = []
    for number in (number for number, line in enumerate(lines) if line.startswith("Traceback")):
        frames = list(itertools.takewhile(lambda line: line.startswith(" "), lines[number + 1 :]))
        error = "".join(lines[number + 1 + len(frames) :][:1])
        if not (server_was_killed and _is_of_an_orphan(frames, error)):
            found.append(f"stderr, line {number + 1}: {error[:200]}, {' / '.join(map(str.strip, frames))[-300:]}")
    return found


def _is_of_an_orphan(frames: Sequence[str], error: str) -> bool:
    """Return whether Python's own process starter says that whoever asked it for a process was killed meanwhile."""
    places = [line for line in frames if line.startswith("  File ")]
    is_starter = all("/multiprocessing/" in place or '"<string>"' in place for place in places)
    return is_starter and error.startswith(("EOFError", "_pickle.UnpicklingError: pickle data was truncated"))


def events_of(log: Path) -> list[dict[str, object]]:
    """Return the events of a server's log; lines that a kill has torn are passed over."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _flat(samples: Sequence[Sample]) -> list[Claim]:
    """Compare an early and a late quarter of the longest time that one server lived, without its first quarter."""
    lives = {
        each.incarnation: [other for other in samples if other.incarnation == each.incarnation] for each in samples
    }
    longest = max(lives.values(), key=len, default=[])
    quarter = len(longest) // 4
    early, late = longest[quarter : 2 * quarter], longest[3 * quarter :]
    measures: list[tuple[str, Callable[[Sample], float], float, str, float]] = [
        ("The server's memory stays flat", lambda each: each.server, GROWS_BYTES, "MB", 1e6),
        ("The memory of server and children stays flat", lambda each: each.tree, GROWS_BYTES, "MB", 1e6),
        ("The server's open files stay flat", lambda each: each.files, GROWS_FILES, "files", 1),
        ("The server's threads stay flat", lambda each: each.threads, GROWS_FILES, "threads", 1),
    ]
    claims = []
    for name, value, spare, unit, scale in measures:
        if len(longest) < LEAST_SAMPLES or longest[-1].at - longest[0].at < LEAST_SECONDS:
            claims.append(Claim(name, None, "too short to tell"))
            continue
        before, after = (statistics.median(map(value, window)) for window in (early, late))
        found = f"{before / scale:.0f} to {after / scale:.0f} {unit} between an early and a late quarter (medians)"
        claims.append(Claim(name, after <= max(before * GROWS_AT_MOST, before + spare), found))
    return claims


def _fast(record: Record, idle: Sequence[float]) -> Claim:
    loaded = [
        call.seconds
        for call in record.calls
        if call.action == "watched prediction"
        and call.outcome == DONE
        and not any(0 < call.at - start < SETTLED_SECONDS for start in record.starts)
    ]
    name = f"A prediction's 95th percentile under load is at most {SLOWER_AT_MOST:g} times that of an idle server"
    if len(loaded) < LEAST_SAMPLES or not idle:
        return Claim(name, None, "too few to tell")
    before, after = percentile(idle, 0.95), percentile(loaded, 0.95)
    found = (
        f"{after:.2f} s under load ({len(loaded)} taken), {before:.2f} s idle ({len(idle)}): {after / before:.1f} times"
    )
    return Claim(name, after <= SLOWER_AT_MOST * before, found)
