"""Further questions to a saved comparison, asked as the page asks them, and the file that their answer is kept in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image


def ask(comparison: Path, question: str, **asked: Any) -> dict[str, Any]:
    """Ask "luck", "controls", "saliency", "map" or "cues" of a comparison's file; return what its answer's file holds.

    The answer of a control is that of its ``name`` alone.

    Raises:
        EmotionError: it cannot be answered; the text says why.
    """
    from emotion.analysis import controls, cue_probe, explaining, feature_map, keeping, load_comparison, luck
    from emotion.runs.run import Run
    from emotion.server.model_process import Models, carry_out

    run, kept = Run(comparison.parents[1]), comparison.with_suffix("")
    study: Any = {
        "luck": lambda: luck.Luck(run, str(comparison), **asked),
        "controls": lambda: controls.Control(run, str(comparison), **asked),
        "saliency": lambda: explaining.ExplainSample(run, load_comparison(comparison), **asked),
        "map": lambda: feature_map.FeatureMap(run, str(comparison), **asked),
        "cues": lambda: cue_probe.CueProbe(run, **asked),
    }[question]()
    steps = carry_out(Models(), study)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        answer: Any = end.value
    if question == "controls":
        controls.keep_control(comparison, answer)
        return dict(_read(kept / "controls.json")[answer.name])
    if question == "cues":
        cue_probe.keep_probe(run, answer)
        return _read(run.path / "probes" / f"{answer.cue}.json")
    keeping.keep(comparison, question, answer.to_json())
    return _read(kept / f"{question}.json")


def cue_faces(cue: str, species: str, *, individuals: int) -> list[list[Image.Image]]:
    """Return the drawn individuals of a species with a cue at each of its values."""
    from emotion.faces import cues

    sitters = cues.individuals(species, individuals)
    return [list(cues.draw_cue(cues.find_cue(cue), base="neutral", individual=each)) for each in sitters]


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text("utf-8")))
