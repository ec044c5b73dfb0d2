"""What the dashboard needs done by others. Passed in, so that a test of the page runs without a model."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Protocol, TypeVar

from emotion.comparison import Comparison, Request
from emotion.config import TrainConfig
from emotion.job import Job, Progress
from emotion.prediction import Prediction
from emotion.run import Run
from emotion.studies.study import Study
from emotion.sweep import SweepMember

R = TypeVar("R")


class Services(Protocol):
    """Trainings, predictions and comparisons, each done outside the server process."""

    runs_folder: Path

    def start_training(self, config: TrainConfig, *, sweep: SweepMember | None = None, owner: str | None = None) -> Run:
        """Make a run folder and start its training in a process of its own; return at once.

        Trainings go one after another. ``sweep`` is its place among runs that are started together, ``owner`` the hash
        of the visitor whose it is, None on one's own machine.

        Raises:
            EmotionError: it cannot be started.
        """

    def resume_training(self, run: Run) -> None:
        """Let a run that was cut off go on; return at once.

        Raises:
            EmotionError: it is finished or is being trained, or its folder cannot be written.
        """

    def queue_place(self, run: Run) -> int | None:
        """Return how many trainings go before a waiting run; None if it does not wait here."""

    def predict(self, run: Run, picture: Path, *, name: str = "") -> Prediction:
        """Return what a run says of one picture file, which is called ``name`` in a message about it.

        Raises:
            EmotionError: the picture or the run cannot be used.
        """

    def compare(self, run: Run, request: Request) -> tuple[Comparison, Path]:
        """Score samples of several sets; return the comparison and the file in the run folder that keeps it.

        Raises:
            EmotionError: a set, its sample or the run cannot be used.
        """

    def do(self, job: Job[R]) -> Generator[Progress, None, R]:
        """Carry out a job; yield how far it is and return its result. Whoever closes it ends it.

        Raises:
            EmotionError: it cannot be done.
        """

    def study(self, study: Study[R]) -> Generator[Progress, None, R]:
        """Carry out a study of a run; yield how far it is and return the answer. Whoever closes it ends it.

        Raises:
            EmotionError: it cannot be answered.
        """
