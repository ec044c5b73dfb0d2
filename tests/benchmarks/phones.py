"""How fast and how large this is on photographs as phones take them, beside what their decoding alone costs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from benchmarks.bare import Bare
from benchmarks.figures import Reading, Row, ratio, take_turns
from benchmarks.place import BACKBONE, Place, say
from PIL import Image

from emotion.core.config import preset
from emotion.inference.classifier import Classifier
from emotion.runs.run import Run

PHONE, SMALL, QUALITY, A_CLASS = (4032, 3024), (256, 192), 88, 25
SIDE = preset("Quick", pictures="-").image_size


def phones(place: Place) -> Mapping[str, Reading | str]:
    sets = {name: _photographs(place, name, size) for name, size in (("phone", PHONE), ("small", SMALL))}
    photographs = sorted(sets["phone"].glob("*/*"))
    # As many views as Quick looks at: three of what is trained on, one of what is held back.
    bare = Bare(BACKBONE, [path for path in photographs for _ in range(3)][: 3 * len(photographs) - 2 * 15], side=SIDE)
    memory: dict[str, list[float]] = {name: [] for name in sets}

    def train(name: str) -> float:
        trained = place.train(cache=place.folder / "cold", pictures=sets[name])
        shutil.rmtree(place.folder / "cold")
        memory[name].append(float(trained["peak_memory_megabytes"]))
        return float(trained["seconds"])

    tasks = {"phone, s": lambda: train("phone"), "small, s": lambda: train("small")}
    tasks |= {"decoding, s": lambda: _decode(photographs), "bare forward, s": bare.forward}
    series = take_turns(tasks, list(tasks) * (1 if place.is_short else 3))
    floor = [sum(pair) for pair in zip(series["decoding, s"], series["bare forward, s"], strict=True)]
    classifier, one, alone = Classifier(Run(place.run)), photographs[0], Bare(BACKBONE, photographs[:1], side=SIDE)
    predicted, least = [], []
    for _ in range(3 if place.is_short else 20):
        began = time.perf_counter()
        classifier.predict(one)
        predicted.append(time.perf_counter() - began)
        least.append(_decode([one]) + alone.forward())
    note = f"{len(photographs)} JPEGs of {PHONE[0]} x {PHONE[1]}, drawn pictures with noise, quality {QUALITY}."
    return {
        "phones": Reading(ratio(series["phone, s"], floor), {**series, "floor, s": floor}, [note, bare.note]),
        "phones-small": Reading(ratio(series["phone, s"], series["small, s"]), {}),
        "phones-memory": Reading(ratio(memory["phone"], memory["small"]), {f"{n}, MB": m for n, m in memory.items()}),
        "phone-prediction": Reading(ratio(predicted[2:], least[2:]), {"prediction, s": predicted[2:], "s": least[2:]}),
    }


def photograph(path: Path, to: Path, size: tuple[int, int], noise: np.random.Generator) -> Path:
    """Save a picture as a JPEG of another size with noise, as a camera gives it."""
    with Image.open(path) as opened:
        values = np.asarray(opened.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.int16)
    values = values + noise.integers(-8, 9, values.shape, np.int16)
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(to, quality=QUALITY)
    return to


def _photographs(place: Place, name: str, size: tuple[int, int]) -> Path:
    say(f"  making {name} photographs")
    noise = np.random.default_rng(7)
    for path in place.training_pictures:
        folder = place.folder / name / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        if len(list(folder.iterdir())) < (4 if place.is_short else A_CLASS):
            photograph(path, folder / f"{path.stem}.jpg", size, noise)
    return place.folder / name


def _decode(paths: list[Path]) -> float:
    """Decode each once by ``draft``, on two threads; return the seconds."""

    def one(path: Path) -> None:
        with Image.open(path) as opened:
            opened.draft("RGB", (2 * SIDE, 2 * SIDE))
            opened.load()

    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, paths))
    return time.perf_counter() - began


ROWS = (
    Row("phones", "phones", "100 phone photographs, Quick, cold, over decoding them and a bare forward", most=1.5),
    Row("phones-small", "phones", "the same over the same pictures of 256 x 192", most=2.5),
    Row("phones-memory", "phones", "its peak memory over that of the small ones", most=1.3),
    Row("phone-prediction", "phones", "a prediction of one over its decoding and a bare forward", most=1.3),
)
