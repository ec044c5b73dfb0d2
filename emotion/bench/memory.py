"""What a dashboard at work needs of the memory: its page, the preload, the predictor and a training."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from emotion.bench.figure import Bound, NotMeasured, Reading, Row
from emotion.bench.page import await_page, end_server, free_port, start_server
from emotion.bench.workplace import Workplace
from emotion.events import RunFinished
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run

MEMORY = Row(
    name="memory",
    title="peak memory (sum of PSS) of dashboard, preload, predictor after a prediction and one run at 224 px",
    unit="gigabytes",
    bound=Bound(direction="at most", limit=1.5),
)
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 900
PROC = Path("/proc")


def measure_memory(workplace: Workplace) -> dict[str, Reading]:
    """Serve a dashboard that predicts, then trains its queue on a cold cache; add up its processes meanwhile."""
    if not (PROC / "self" / "smaps_rollup").is_file():
        raise NotMeasured("this system does not tell the proportional set size of a process (/proc/*/smaps_rollup).")
    picture = next(iter(list_pictures(workplace.training_set).values()))[0]
    predicting = workplace.plain_run
    workplace.forget()
    workplace.say("  a dashboard that predicts and trains")
    queued = create_run(workplace.config(), root=workplace.workers.runs_folder)
    port = free_port()
    server = start_server(["-m", "emotion.bench.visited", str(predicting.path), str(picture)], port=port)
    try:
        await_page(server, port=port)
        samples = list(_samples_until_finished(server.pid, queued))
    finally:
        end_server(server)
    totals = [sum(parts.values()) / 1e9 for parts in samples]
    peak = max(samples, key=lambda parts: sum(parts.values()))
    parts = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in peak.items())
    return {
        MEMORY.name: Reading(
            value=max(totals),
            series={"sum, GB": [round(total, 4) for total in totals]},
            notes=[
                f"At the peak: {parts}.",
                f"A sample every {LOOK_SECONDS} s, from the served page to the finished run.",
            ],
        )
    }


def pss_of_tree(root: int) -> dict[int, int]:
    """Return the proportional set size in bytes of a process and all that it started, by process id."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in PROC.iterdir():
        if folder.name.isdecimal() and (parent := _parent(folder)) is not None:
            children[parent].append(int(folder.name))
    tree, waiting = dict[int, int](), [root]
    while waiting:
        process = waiting.pop(0)
        size = _pss(process)
        if size is not None:
            tree[process] = size
        waiting += sorted(children[process])
    return tree


def _samples_until_finished(root: int, run: Run) -> Iterator[dict[str, int]]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        yield _named(pss_of_tree(root), root)
        if isinstance(run.last_event(), RunFinished):
            return
        if run.status() in ("failed", "stopped", "interrupted"):
            raise NotMeasured(f"the dashboard's training {run.status()}.")
        time.sleep(LOOK_SECONDS)
    raise NotMeasured(f"the dashboard's training was not finished within {PATIENCE_SECONDS} seconds.")


def _named(tree: dict[int, int], root: int) -> dict[str, int]:
    """Name a dashboard's processes: the preload is forked from it, then the predictor and the training from that."""
    names: dict[str, int] = {}
    forked = ["predictor", "training"]
    for process, size in tree.items():
        command = _command(process)
        if process == root:
            name = "dashboard"
        elif "forkserver" not in command:
            name = "resource tracker"
        elif _parent(PROC / str(process)) == root:
            name = "preload"
        else:
            name = forked.pop(0) if forked else f"process {process}"
        names[name] = names.get(name, 0) + size
    return names


def _parent(folder: Path) -> int | None:
    try:
        # The program's name stands in brackets and may hold anything.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _command(process: int) -> str:
    try:
        return (PROC / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _pss(process: int) -> int | None:
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None  # It has just ended.
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)
