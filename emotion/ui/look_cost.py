"""What the backbone's look at the pictures will cost, from what is known of earlier runs on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from emotion.core.config import TrainConfig
from emotion.core.events import TrunkProgress
from emotion.core.format import count, duration
from emotion.ui.run_board import RunSummary


def looks_sentence(config: TrainConfig, *, most: int, runs: Sequence[RunSummary]) -> str:
    """Return what it costs to look at pictures of which ``most`` may not be known yet; ``runs`` are newest first."""
    pace = seconds_a_look(config, runs)
    time = f", about {_whole(most * pace)} at the pace of the last run" if pace else ""
    return f"Up to {count(most, 'picture')} still to be looked at, once{time}."


def seconds_a_look(config: TrainConfig, runs: Sequence[RunSummary]) -> float | None:
    """Return how long a picture took in the newest run that had new ones to look at; None where none had.

    ``runs`` are newest first; one counts that looked with the same backbone, image size and precision.
    """
    looks = (_look_of(each) for each in runs if _looks_alike(each.config, config))
    return next((look.pace for look in looks if look and look.pace), None)


class _Look:
    """How an earlier run's look went: how many views, whether they are kept, and seconds for each that was new."""

    def __init__(self, first: TrunkProgress, last: TrunkProgress) -> None:
        self.total, self.kept = last.total, last.kept
        new = last.done - last.known
        self.pace = (last.elapsed_seconds - first.elapsed_seconds) / new if new else 0.0


def _look_of(summary: RunSummary) -> _Look | None:
    looks = [event for event in summary.run.events() if isinstance(event, TrunkProgress)]
    return _Look(looks[0], looks[-1]) if looks and looks[-1].done == looks[-1].total else None


def _looks_alike(one: TrainConfig, other: TrainConfig) -> bool:
    return one.depth != "all" and (one.backbone, one.image_size, one.precision) == (
        other.backbone, other.image_size, other.precision,
    )  # fmt: skip


def _sees_the_same(earlier: TrainConfig, config: TrainConfig) -> bool:
    same_views = config.views == 1 or (earlier.augmentation, earlier.seed) == (config.augmentation, config.seed)
    return (earlier.pictures, earlier.depth) == (config.pictures, config.depth) and same_views


def _whole(seconds: float) -> str:
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else duration(whole)
