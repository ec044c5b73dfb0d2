"""Services as visitors may use them: on their own and on what is shared, within a public server's limits. Logs."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TypeVar

from emotion.cache.store import cache_folder
from emotion.comparison import Comparison, Request
from emotion.config import TrainConfig
from emotion.data.sets import sets_folder
from emotion.errors import RefusedError
from emotion.job import Job, Progress
from emotion.prediction import Prediction
from emotion.run import Run
from emotion.server.limits import PublicLimits
from emotion.server.logs import log, logged
from emotion.server.visitors import ADDRESS_SHARE, VISITORS_SHARE, Room, Turns
from emotion.studies.study import Study
from emotion.sweep import SweepMember
from emotion.ui.picture_sets import list_picture_sets
from emotion.ui.run_board import RunBoard
from emotion.ui.services import Services
from emotion.ui.uploads import uploads_folder
from emotion.ui.visitor import current_address
from emotion.ui.words import ENDED

R = TypeVar("R")
# About what a run of a small backbone takes until it has ended.
RUN_BYTES = 250_000_000
NO_COOKIE = "This public server knows its visitors by a cookie, and yours sent none: allow cookies and reload the page."
NOT_OFFERED = "Those pictures are not offered to you here: choose one of the picture sets in the list."


class VisitedServices:
    """Wraps the services for the page. Without ``limits``, on one's own machine, everything is let through.

    ``board`` knows whose event is being handled and which runs there are.
    """

    def __init__(self, services: Services, board: RunBoard, limits: PublicLimits | None) -> None:
        self._services, self._board, self._limits = services, board, limits
        self.runs_folder = services.runs_folder
        # Between counting and starting nobody else may start.
        self._starting = threading.Lock()
        self._turns = Turns()
        # Visitors who have begun something, by the address that they came from; forgotten by a restart.
        self._neighbours: defaultdict[str, set[str]] = defaultdict(set)
        owned, others = [services.runs_folder, sets_folder()], [cache_folder(), uploads_folder()]
        self.room = Room(owned, others, limit=limits.disk_gigabytes * 1e9) if limits else None

    def start_training(self, config: TrainConfig, *, sweep: SweepMember | None = None, owner: str | None = None) -> Run:
        """Start a training that is the visitor's; ``owner`` is whoever visits, whatever is given.

        Raises:
            EmotionError: it cannot be started, or is beyond a limit.
        """
        visitor = self._board.visitor()
        with logged("training asked for", visitor=visitor), self._starting:
            if self._limits:
                self._limits.check(config)
                self._require_offered([Path(config.pictures)])
                self._require_turn(self._limits, visitor)
            run = self._services.start_training(config, sweep=sweep, owner=visitor)
        log("training queued", visitor=visitor, run=run.name, epochs=config.epochs)
        return run

    def resume_training(self, run: Run) -> None:
        """Let the visitor's own run go on.

        Raises:
            EmotionError: it cannot, is somebody else's, or one more is beyond a limit.
        """
        visitor = self._board.visitor()
        with logged("training resumed", visitor=visitor, run=run.name), self._starting:
            own = self._board.as_visitor(run)
            own.require_own()
            if self._limits:
                self._limits.check(own.config())
                self._require_turn(self._limits, visitor, is_new=False)
            self._services.resume_training(own)

    def queue_place(self, run: Run) -> int | None:
        """Return how many trainings go before a waiting run; None if it does not wait here."""
        return self._services.queue_place(run)

    def predict(self, run: Run, picture: Path, *, name: str = "") -> Prediction:
        """Return what a run that the visitor may use says of a picture.

        Raises:
            EmotionError: the picture or the run cannot be used.
        """
        visitor = self._board.visitor()
        with (
            logged("prediction", visitor=visitor, run=run.name),
            self._turns.one_of(visitor, address=current_address()),
        ):
            return self._services.predict(self._board.as_visitor(run), picture, name=name)

    def compare(self, run: Run, request: Request) -> tuple[Comparison, Path]:
        """Score samples of sets that the visitor may use.

        Raises:
            EmotionError: a set, its sample or the run cannot be used.
        """
        with logged("comparison", visitor=self._board.visitor(), run=run.name, sets=len(request.sets)):
            if self._limits:
                self._require_offered(request.sets.values())
            return self._services.compare(self._board.as_visitor(run), request)

    def study(self, study: Study[R]) -> Generator[Progress, None, R]:
        """Carry out a study of a run that the visitor may use.

        Raises:
            EmotionError: it cannot be answered.
        """
        self._board.as_visitor(study.run)
        with logged("study", visitor=self._board.visitor(), run=study.run.name, what=type(study).__name__):
            return (yield from self._services.study(study))

    def do(self, job: Job[R]) -> Generator[Progress, None, R]:
        """Carry out a job; on a public server only while there is room.

        Raises:
            EmotionError: it cannot be done.
        """
        with logged("job", visitor=self._board.visitor(), what=type(job).__name__):
            if not self._limits or not self.room:
                return (yield from self._services.do(job))
            self._require_share(self.room, self._board.visitor())
            with self.room.reserved(self._limits.set_megabytes * 1_000_000):
                return (yield from self._services.do(job))

    def _require_offered(self, folders: Iterable[Path]) -> None:
        offered = {each.folder.absolute() for each in list_picture_sets()}
        if not all(folder.absolute() in offered for folder in folders):
            raise RefusedError(NOT_OFFERED)

    def _require_turn(self, limits: PublicLimits, visitor: str | None, *, is_new: bool = True) -> None:
        everybody = self._board.of_everybody()
        going = [each.owner.owner for each in everybody if each.status not in ENDED]
        if self.room:
            near = self._require_share(self.room, visitor)
            self.room.require(RUN_BYTES * (len(going) + 1))
        limits.check_queue(
            mine=going.count(visitor or ""), near=sum(owner in near for owner in going), in_all=len(going)
        )
        if is_new:
            mine = [each.owner.owner for each in everybody if each.owner.owner in near]
            limits.check_runs(mine.count(visitor or ""), near=len(mine))

    def _require_share(self, room: Room, visitor: str | None) -> set[str]:
        """Let pass who has not filled their share of the disk, nor has their address; return who came from there."""
        if not visitor:
            raise RefusedError(NO_COOKIE)
        near = self._neighbours[current_address()]
        near.add(visitor)
        room.require_share([visitor], share=VISITORS_SHARE)
        room.require_share(near, share=ADDRESS_SHARE)
        return near
