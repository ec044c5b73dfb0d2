"""A training that a test performs itself: the run folder's lock held, its events written, as another process would."""

import fcntl
import json
from pathlib import Path
from typing import IO, Any, Self

SCORES = {"loss": 1.1, "accuracy": 0.5, "correct_confidence": 0.4}


class ScriptedTraining:
    """A run that goes on as long as the context lasts; afterwards it is cut off, unless it failed.

    ``template`` is a finished run, whose settings it takes; ``owner`` is what its ``owner.json`` says.
    """

    def __init__(self, template: Path, run: Path, *, owner: dict[str, Any] | None = None, **settings: Any) -> None:
        self.path = run
        run.mkdir(parents=True)
        record = json.loads((template / "config.json").read_text("utf-8"))
        record["config"] |= settings
        self.epochs: int = record["config"]["epochs"]
        if owner:
            (run / "owner.json").write_text(json.dumps(owner))
        (run / "config.json").write_text(json.dumps(record), "utf-8")
        self._lock: IO[str] | None = None
        self._seconds = 0.0

    def __enter__(self) -> Self:
        self._lock = (self.path / "lock").open("a")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock:
            self._lock.close()

    def write(self, name: str, **values: Any) -> None:
        """Append an event, such as ``StepDone``, to events.jsonl."""
        self._seconds += 1
        line = json.dumps({"event": name, "elapsed_seconds": self._seconds, **values})
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def begin(self, *, pictures: int = 40) -> None:
        """Tell that the pictures are listed, and of the first validation."""
        classes = ["happy", "sad", "angry", "tired"]
        self.write(
            "RunStarted", classes=classes, train_pictures=pictures, validation_pictures=pictures // 5,
            epochs=self.epochs, steps_per_epoch=2, device="cpu", precision="float32", processes=1,
        )  # fmt: skip
        self.epoch(0)

    def look(self, done: int, total: int) -> None:
        """Tell how many of the pictures are looked at."""
        self.write("TrunkProgress", done=done, total=total, remaining_seconds=5.0)

    def epoch(self, number: int, *, accuracy: float = 0.5, loss: float = 1.1, is_best: bool = False) -> None:
        """Tell of an epoch's two steps and of its validation."""
        for step in (1, 2) if number else ():
            self.write(
                "StepDone", epoch=number, step=2 * (number - 1) + step, loss=loss, accuracy=accuracy,
                learning_rate=1e-3, pictures_per_second=100.0, remaining_seconds=30.0,
            )  # fmt: skip
        trained = {"train_loss": loss if number else None, "train_accuracy": accuracy if number else None}
        scores = {**SCORES, "loss": loss, "accuracy": accuracy}
        self.write(
            "EpochDone", epoch=number, **trained, validation=scores, is_best=is_best, remaining_seconds=30.0
        )  # fmt: skip

    def fail(self, message: str) -> None:
        """Tell why it could not go on."""
        self.write("RunFailed", message=message)
