"""What visitors do, each on its own, with pauses as people make them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from soak_place import COMPARED_SETS, TRAINING_SET, Place
from soak_record import AWAY, DONE, Call, Record
from soak_server import Server
from soak_visitor import OddError, RefusedError, Visitor

# What a visitor may be told; everything else is odd.
EXPECTED = {
    "predict": {"run_unknown", "run_unusable"},
    "look": {"run_unknown"},
    "compare": {"run_unknown", "run_unusable"},
    "train": {"run_unusable", "refused"},
    "stop": {"run_unknown"},
    "import": {"import_refused", "refused"},
    "bad import": {"import_refused", "refused"},
    "nonsense": {"setting_invalid", "picture_set_unknown", "upload_missing", "picture_unreadable"},
    "reload": set(),
}
# How often each is done, of a hundred.
WEIGHTS = {
    "predict": 34, "look": 26, "compare": 7, "train": 7, "stop": 5, "import": 3, "bad import": 5, "nonsense": 5,
    "reload": 8,
}  # fmt: skip
NONSENSE: list[tuple[str, list[Any]]] = [
    ("train", ["given/human_train", "Quick", "", 0, 8, "", 42, False]),
    ("train", ["../../etc", "Quick", "", 2, 8, "", 42, False]),
    ("compare", [["given/dog_eval"], "", "happy", "many", 42, False]),
    ("predict", [{"path": "/etc/passwd"}, ""]),
    ("import_pictures", [None, "mine", "", False]),
]


@dataclass
class Person:
    """A visitor with a character: seeded choices, pauses of ``pause`` seconds on average, and runs of their own."""

    number: int
    seed: int
    pause: float
    place: Place
    server: Server
    record: Record
    ended: threading.Event
    runs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.seed}/{self.number}")
        self.visitor = Visitor(self.server.url)
        self._actions: dict[str, Callable[[], None]] = {
            "predict": self.predict,
            "look": self.look,
            "compare": self.compare,
            "train": self.train,
            "stop": self.stop,
            "import": self.bring,
            "bad import": self.bring_what_is_bad,
            "nonsense": self.ask_nonsense,
            "reload": self.visitor.reload,
        }

    def live(self) -> None:
        """Do one thing after another until the soak ends."""
        self.ended.wait(self.rng.uniform(0, self.pause))
        self.do("reload")
        if self.number % 3 == 0:
            self.do("train")
        while not self.ended.wait(self.rng.expovariate(1 / self.pause)):
            if self.server.is_up.wait(1.0):
                [action] = self.rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))
                self.do(action)

    def do(self, action: str) -> None:
        """Do one thing and note how it went."""
        at, kills = time.monotonic(), self.server.kills
        outcome, is_odd = DONE, False
        try:
            self._actions[action]()
        except RefusedError as error:
            outcome, is_odd = error.code, error.code not in EXPECTED[action]
            outcome = str(error) if is_odd else outcome
        except (httpx.TransportError, OddError) as error:
            # A server that goes away in the middle of an answer may have said half of it.
            was_away = self.server.kills != kills or not self.server.is_up.is_set()
            outcome, is_odd = (AWAY, False) if was_away else (f"{type(error).__name__}: {error}", True)
        self.record.add(Call(action, at, time.monotonic() - at, outcome, is_odd))

    def predict(self) -> None:
        """Let a run judge a picture: one's own, or the newest that can."""
        self.visitor.predict(self.rng.choice(self.place.pictures), self._some_run() if self.rng.random() < 0.5 else "")

    def look(self) -> None:
        """Look how a run stands; of one that is finished, hold what it says against what it said before."""
        if not self.runs:
            self.visitor.ask("runs")
            self.visitor.ask("picture_sets")
            return
        run = self.rng.choice(self.runs)
        if self.visitor.ask("run_status", run)["status"] == "finished":
            self.ask_again(run)

    def ask_again(self, run: str) -> None:
        """Hold what a run says of the reference picture against what it said before."""
        self.record.compare_with_before(run, self.visitor.predict(self.place.pictures[0], run)["scores"])

    def compare(self) -> None:
        """Compare two species."""
        size, seed = self.rng.randint(2, 6), self.rng.randint(0, 99)
        said = self.visitor.ask("compare", COMPARED_SETS, self._some_run(), "happy", size, seed, False)
        if [each["n"] for each in said["samples"]] != [size, size]:
            raise OddError(f"a comparison of {size} pictures has {said['samples']}")

    def train(self) -> None:
        """Start a training, often one that is over in a second, sometimes one that takes many."""
        is_long = self.rng.random() < 0.4
        epochs, depth = (15, "2") if is_long else (self.rng.randint(2, 6), "head")
        values = [TRAINING_SET, "Quick", "", epochs, self.rng.choice([4, 8, 16, 24]), depth, self.rng.randint(0, 999)]
        values.append(False)
        self.runs.append(self.visitor.ask("train", *values)["run"])

    def stop(self) -> None:
        """Stop one's newest run."""
        if self.runs:
            run = self.runs[-1]
            # Noted first: it may be stopped and the answer lost.
            self.record.asked_to_stop.add(run)
            self.visitor.ask("stop", run)

    def bring(self) -> None:
        """Bring a picture set."""
        name = f"{self.number} {self.rng.choice(['Rosa', 'Üzüm', '犬'])} {self.rng.randint(0, 9)}"
        archive = self.visitor.upload("dogs.zip", self.place.good_zip)
        said = self.visitor.ask("import_pictures", archive, name, "dog", False)
        if said["pictures"] != len(self.place.pictures[::4]):
            raise OddError(f"a set of {len(self.place.pictures[::4])} pictures came in as {said}")

    def bring_what_is_bad(self) -> None:
        """Bring a zip that no set can be made of."""
        name, content = self.rng.choice(list(self.place.bad_zips.items()))
        self.visitor.ask("import_pictures", self.visitor.upload(name, content), f"bad {self.number}", "", False)
        raise OddError(f"{name} became a set")

    def ask_nonsense(self) -> None:
        """Ask for what cannot be."""
        endpoint, values = self.rng.choice(NONSENSE)
        said = self.visitor.ask(endpoint, *values)
        raise OddError(f"{endpoint} took {values} and said {said}")

    def _some_run(self) -> str:
        finished = [run for run in self.runs if run in self.record.said]
        return self.rng.choice(finished) if finished else ""
