"""What the backbone's one look at the pictures will cost, from what it cost in an earlier run on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from emotion.config import TrainConfig
from emotion.events import RunStarted, TrunkProgress
from emotion.runs import Run
from emotion.ui.run_board import RunSummary
from emotion.ui.words import count, duration

NOTHING_FROZEN = "Nothing is frozen: in every epoch each picture passes the whole backbone, forth and back."


def look_cost(config: TrainConfig, *, pictures: int, runs: Sequence[RunSummary]) -> str:
    """Return a sentence on how often the frozen backbone looks, and how long that takes; ``runs`` are newest first."""
    if config.depth == "all":
        return NOTHING_FROZEN
    trained_on = pictures - round(pictures * config.validation_share)
    looks = pictures + (config.views - 1) * trained_on
    views = f", {config.views} views of those trained on" if config.views > 1 else ""
    said = f"The backbone looks once at {count(pictures, 'picture')}{views}"
    alike = (each.run for each in runs if _looks_alike(each.config, config))
    pace = next((pace for pace in map(_seconds_a_look, alike) if pace), None)
    if pace is None:
        return f"{said}: the first run shows how long that takes here."
    return f"{said}: about {duration(max(1.0, round(looks * pace)))} at the pace of the last run."


def _looks_alike(one: TrainConfig, other: TrainConfig) -> bool:
    return one.depth != "all" and (one.backbone, one.image_size, one.precision) == (
        other.backbone, other.image_size, other.precision,
    )  # fmt: skip


def _seconds_a_look(run: Run) -> float | None:
    events = run.events()
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    last = next((event for event in reversed(events) if isinstance(event, TrunkProgress)), None)
    if started is None or last is None or not last.done:
        return None
    return (last.elapsed_seconds - started.elapsed_seconds) / last.done
