"""Saved comparisons whose every score a test chose, in the form that a run folder keeps."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from helpers.command import Emotion
from helpers.markdown import plain
from helpers.pictures import EMOTIONS

Scores = dict[str, float]


def scores(**given: float) -> Scores:
    """Return probabilities of the four emotions: those given, and the rest shared alike."""
    rest = (1 - sum(given.values())) / (len(EMOTIONS) - len(given)) if len(given) < len(EMOTIONS) else 0.0
    return {label: given.get(label, rest) for label in EMOTIONS}


def around(centre: float, *, label: str = "happy", n: int = 20, spread: float = 0.1) -> list[Scores]:
    """Return scores of ``n`` pictures whose probability of ``label`` is spread evenly around a centre."""
    return [scores(**{label: centre + spread * (number / (n - 1) - 0.5)}) for number in range(n)]


def by_a_model(n: int, *, seed: int, temperature: float, shift: float = 0.0) -> dict[str, list[Scores]]:
    """Return scores by true class of a model that knows the true probabilities and says them sharper by a temperature.

    With a ``shift`` (0 to 1) the truth is nearer to chance than the model knows.
    """
    rng = np.random.default_rng(seed)
    known = rng.dirichlet(np.full(4, 0.7), n).clip(1e-9)
    truth = (rng.random((n, 1)) > ((1 - shift) * known + shift / 4).cumsum(1)).sum(1).clip(0, 3)
    said = known**temperature / (known**temperature).sum(1, keepdims=True)
    return {
        label: [dict(zip(EMOTIONS, row, strict=True)) for row in said[truth == place].tolist()]
        for place, label in enumerate(EMOTIONS)
    }


def write_comparison(
    run: Path, sets: Mapping[str, Mapping[str, Sequence[Scores]]], *, name: str = "20260101-000000-000000", **more: Any
) -> Path:
    """Write a comparison of sets of emotions into a run's folder and return its file; ``more`` are its other fields."""
    results = {
        set_name: {
            label: {
                "pictures": [
                    {
                        "picture": f"/sets/{set_name}/{label}/{number}.png",
                        "sha256": f"{len(set_name)}{number:063}",
                        "label": label,
                        "scores": each,
                    }
                    for number, each in enumerate(rows)
                ]
            }
            for label, rows in emotions.items()
        }
        for set_name, emotions in sets.items()
    }
    labels = {label for emotions in sets.values() for label in emotions}
    values = {
        "schema": 2, "run": str(run), "created": 1.8e9, "seed": 42, "size": 20, "classes": list(EMOTIONS),
        "precision": "float32", "folders": {each: f"/sets/{each}" for each in sets}, "sets": results,
        "emotion": labels.pop() if len(labels) == 1 else None,
    }  # fmt: skip
    file = run / "comparisons" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({**values, **more}), "utf-8")
    return file


def compared(emotion: Emotion, run: Path, *words: object, **sets: Path) -> Any:
    """Compare sets: return the JSON object of the command, with what its file holds under "saved"."""
    named = [word for name, folder in sets.items() for word in ("--set", f"{name}={folder}")]
    said = emotion("compare", "--run", run, *named, *words, "--json")
    assert said.code == 0, said.err
    return {**said.json, "saved": json.loads(Path(said.json["file"]).read_text()), "err": said.err}


def report_of(emotion: Emotion, run: Path, *words: object) -> str:
    """Return the report of the run's newest comparison, or of the one that is asked for, as plain Markdown."""
    card = run / "card.md"
    said = emotion("report", "--run", run, "--to", card, *words)
    assert said.code == 0, said.err
    return plain(card.read_text("utf-8"))
