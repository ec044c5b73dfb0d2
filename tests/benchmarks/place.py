"""Where the benchmarks work: a temporary folder that the user's runs, sets and cache never meet, and ways in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from benchmarks.figures import NotMeasured
from helpers.serving import OURS, Site
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
BACKBONE = Path(os.environ.get("EMOTION_MODELS", ROOT / "models")) / "dinov2-small"
# The settings that the bounds of speed name: 224 pixels, one view. Without them it is the Quick preset.
PLAIN = ("--image-size", "224", "--augmentation", "off")
CROPS, SAMPLE = 40, 20
SHORT = 12  # pictures a class, where it is only looked whether all of this works
SAMPLE_SECONDS, LOOK_SECONDS, SETTLE_SECONDS = 0.2, 0.005, 0.5


@dataclass(frozen=True)
class Place:
    """``pictures`` holds ``human_train``, and two sets of crops of its happy pictures, ``human_eval`` and ``dog_eval``.

    As they are, training pictures are known by their content: a comparison would be spared what every other pays for.
    """

    folder: Path
    peer: Path | None
    is_short: bool

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    @property
    def training_pictures(self) -> list[Path]:
        return sorted((self.pictures / "human_train").glob("*/*"))

    @property
    def compared_pictures(self) -> list[Path]:
        """As many crops as a comparison of 20 and 20 takes."""
        return [p for name in ("human_eval", "dog_eval") for p in sorted(self.pictures.glob(f"{name}/*/*"))[:SAMPLE]]

    @cached_property
    def run(self) -> Path:
        """A finished run of the Quick preset, trained when it is first asked for."""
        return Path(self.train()["run"])

    @property
    def environment(self) -> dict[str, str]:
        """That of a program of ours that works here."""
        given = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        places = {f"EMOTION_{name.upper()}": str(self.folder / name) for name in ("runs", "sets", "cache")}
        return {**given, **places, "EMOTION_MODELS": str(BACKBONE.parent), "GRADIO_ANALYTICS_ENABLED": "False"}

    def emotion(self, *arguments: object, cache: Path | None = None) -> dict[str, Any]:
        """Run ``python -m emotion … --json`` and return what it prints last."""
        given = self.environment | ({"EMOTION_CACHE": str(cache)} if cache else {})
        return last_line([sys.executable, "-m", "emotion", *arguments, "--json"], given)

    def train(self, *options: object, cache: Path | None = None, pictures: Path | None = None) -> dict[str, Any]:
        """Train on ``human_train``, or other pictures, and return what the command says."""
        say(f"  training {' '.join(map(str, options)) or 'Quick'}")
        return self.emotion("train", "--pictures", pictures or self.pictures / "human_train", *options, cache=cache)

    def train_cold(self, *options: object) -> float:
        """Return the seconds of a training that knows none of its pictures, from its start to its last event."""
        cache = self.folder / "cold"
        trained = self.train(*options, cache=cache)
        shutil.rmtree(cache)
        shutil.rmtree(trained["run"])
        return float(trained["seconds"])


@contextmanager
def open_place(*, photos: Path | None, peer: Path | None, is_short: bool) -> Iterator[Place]:
    """Make the folders, and delete them afterwards. The drawn set stands in where there are no photographs."""
    with tempfile.TemporaryDirectory(prefix="emotion-bench-") as text:
        place = Place(Path(text), peer.resolve() if peer else None, is_short)
        source = (photos or ROOT / "assets" / "faces") / "human_train"
        for folder in (each for each in source.iterdir() if each.is_dir()):
            (place.pictures / "human_train" / folder.name).mkdir(parents=True)
            for path in sorted(folder.iterdir())[: SHORT if is_short else None]:
                # With a byte behind the picture, so that its features are not those that come with the project.
                copy = place.pictures / "human_train" / folder.name / path.name
                copy.write_bytes(path.read_bytes() + b"\0")
        happy = sorted((source / "happy").iterdir())
        for number, name in enumerate(("human_eval", "dog_eval")):
            for path in happy[number * CROPS : (number + 1) * CROPS]:
                _crop(path, place.pictures / name / "happy")
        yield place


def train_served(client: Any, site: Site, key: str, *batch_sizes: int) -> float:
    """Ask a dashboard for a training of each batch size at once; return the seconds until the last has finished."""
    say(f"  served trainings, batch {', '.join(map(str, batch_sizes))}")
    began = time.perf_counter()
    runs = [client.predict(picture_set=key, batch_size=size, api_name="/train")["run"] for size in batch_sizes]
    for run in runs:
        while (event := _last_event(site.runs / run)) not in ("RunFinished", "RunFailed", "RunStopped"):
            time.sleep(LOOK_SECONDS)
        if event != "RunFinished":
            raise NotMeasured(f"a training of the dashboard ended with {event}.")
    seconds = time.perf_counter() - began
    time.sleep(SETTLE_SECONDS)  # Its process still has to end before the next one begins.
    return seconds


@contextmanager
def watching_memory(pid: int | None) -> Iterator[list[dict[int, float]]]:
    """Yield a list that fills with samples: the PSS, in GB, of a process and of each of its children."""
    samples: list[dict[int, float]] = []
    ended = threading.Event()

    def watch() -> None:
        root = psutil.Process(pid)
        while not ended.wait(SAMPLE_SECONDS):
            sizes = {}
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):  # It has just ended.
                    sizes[process.pid] = process.memory_full_info().pss / 1e9
            samples.append(sizes)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        ended.set()
        thread.join()


def last_line(command: Sequence[object], environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a command and return the JSON object that it prints last; one that fails was not measured."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"{words[1:4]} failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def say(text: str) -> None:
    """Tell the person who waits what is done now."""
    print(text, file=sys.stderr, flush=True)


def _last_event(run: Path) -> str:
    file = run / "events.jsonl"
    lines = file.read_bytes().splitlines(keepends=True) if file.is_file() else []
    return str(json.loads(lines[-1])["event"]) if lines and lines[-1].endswith(b"\n") else ""


def _crop(path: Path, folder: Path) -> None:
    """Save a picture without a tenth of it on each side, of the size that it had."""
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    frame = (picture.width // 10, picture.height // 10, picture.width * 9 // 10, picture.height * 9 // 10)
    picture.resize(picture.size, Image.Resampling.BICUBIC, box=frame).save(folder / f"{path.stem}.jpg", quality=90)
