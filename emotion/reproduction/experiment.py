"""The steps of the report's experiment: four trainings, two samples of twenty, the grid, and what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from emotion.comparison import Request
from emotion.config import preset
from emotion.errors import PictureError, RunError
from emotion.events import EpochDone, RunFinished, RunStarted, without_void
from emotion.job import result_of
from emotion.pictures.drawn import is_drawn
from emotion.run import Run
from emotion.runs import create_run
from emotion.serving import Server
from emotion.studies.controls import Control, keep_control, offered
from emotion.studies.cue_probe import CueProbe, keep_probe
from emotion.studies.feature_map import KEPT_AS as MAP
from emotion.studies.feature_map import FeatureMap
from emotion.studies.keeping import keep
from emotion.studies.luck import KEPT_AS as LUCK
from emotion.studies.luck import Luck
from emotion.studies.study import Study

# In the report's order; the last one's run is the one that is compared.
BATCH_SIZES = (8, 16, 4, 24)
REPORT_SIZE, REPORT_EMOTION, SEED = 20, "happy", 42
SPECIES = ("human", "dog", "cat")
PAIR = ("human", "dog")
# One cue of the mouth, one of the brows, one of the lids.
CUES = ("mouth_curve", "brow_angle", "lid_opening")
R = TypeVar("R")


@dataclass(frozen=True)
class Trained:
    """One of the four trainings."""

    batch_size: int
    run: Run
    finished: RunFinished

    @property
    def validation_pictures(self) -> int:
        """How many pictures it was validated on."""
        events = without_void(self.run.events())
        return next(event.validation_pictures for event in events if isinstance(event, RunStarted))

    @property
    def validation_losses(self) -> list[tuple[float, float]]:
        """Each epoch and its validation loss, in nats; epoch 0 is before any training."""
        return [(event.epoch, event.validation.loss) for event in self.run.events() if isinstance(event, EpochDone)]


@dataclass(frozen=True)
class Outcome:
    """What the experiment left behind, all of it in run folders.

    ``twenty`` is the comparison of the report's two samples; ``grid`` that of every picture of every species;
    ``pair`` that of twenty people and twenty dogs of each emotion, beside which controls, luck and map are kept.
    """

    pictures: Path
    trained: Sequence[Trained]
    twenty: Path
    grid: Path
    pair: Path

    @property
    def run(self) -> Run:
        """The run that is compared."""
        return self.trained[-1].run


@dataclass(frozen=True)
class Experiment:
    """``pictures`` holds ``human_train`` and a set ``…_eval`` of each species; ``say`` hears what goes on."""

    pictures: Path
    runs_folder: Path
    backbone: str
    say: Callable[[str], None]

    def run(self) -> Outcome:
        """Carry everything out.

        Raises:
            EmotionError: a set is missing, or a training or a comparison failed.
        """
        sets = {name: self.pictures / f"{name}_eval" for name in SPECIES}
        for folder in (self.pictures / "human_train", *sets.values()):
            if not folder.is_dir():
                raise PictureError(f"There is no {folder}: give a folder that holds human_train and the sets …_eval.")
        trained = [self._train(batch_size) for batch_size in BATCH_SIZES]
        run, server = trained[-1].run, Server()
        pair = {name: sets[name] for name in PAIR}
        self.say("comparing twenty happy people with twenty happy dogs")
        _, twenty = server.compare(run, Request(pair, emotion=REPORT_EMOTION, size=REPORT_SIZE, seed=SEED))
        self.say("comparing every picture of every species")
        _, grid = server.compare(run, Request(sets, size=None, seed=SEED))
        self.say("comparing twenty of each emotion")
        comparison, pair_file = server.compare(run, Request(pair, size=REPORT_SIZE, seed=SEED))
        for control in offered(comparison):
            keep_control(pair_file, self._study(server, Control(run, str(pair_file), control.name)))
        keep(twenty, LUCK, self._study(server, Luck(run, str(twenty))).to_json())
        keep(grid, MAP, self._study(server, FeatureMap(run, str(grid))).to_json())
        if is_drawn(self.pictures):
            for cue in CUES:
                keep_probe(run, self._study(server, CueProbe(run, cue)))
        return Outcome(self.pictures, trained, twenty, grid, pair_file)

    def _train(self, batch_size: int) -> Trained:
        from emotion.training.session import train_run

        self.say(f"training with batches of {batch_size}")
        asked = preset("Quick", pictures=str(self.pictures / "human_train"), backbone=self.backbone)
        run = create_run(replace(asked, batch_size=batch_size), root=self.runs_folder)
        last = list(train_run(run))[-1]
        if not isinstance(last, RunFinished):
            raise RunError(getattr(last, "message", f"The training {run.name} did not finish: run this again."))
        return Trained(batch_size, run, last)

    def _study(self, server: Server, study: Study[R]) -> R:
        what = {Control: "control", CueProbe: "cue", Luck: "luck", FeatureMap: "map of features"}[type(study)]
        self.say(f"{what} {getattr(study, 'name', getattr(study, 'cue', ''))}".strip())
        answer: R = result_of(server.study(study))
        return answer
