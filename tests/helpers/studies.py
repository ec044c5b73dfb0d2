"""Further questions to a saved comparison, asked as the page asks them, and the file that their answer is kept in."""

import json
from pathlib import Path
from typing import Any

from PIL import Image


def ask(comparison: Path, question: str, **asked: Any) -> dict[str, Any]:
    """Ask a study by its name, such as "luck", of a comparison's file; return what its answer's file holds.

    The answer of a control is that of its ``name`` alone, unless all are asked for.

    Raises:
        EmotionError: it cannot be answered; the text says why.
    """
    from emotion.analysis.studies import Question
    from emotion.core.progress import result_of
    from emotion.runs.run import Run
    from emotion.server.model_process import carry_out

    run, kept = Run(comparison.parents[1]), comparison.with_suffix("")
    result_of(carry_out(Question(run, question, str(comparison), asked)))
    if question == "controls":
        answers = _read(kept / "controls.json")
        return answers if asked["name"] == "all" else dict(answers[asked["name"]])
    if question == "cues":
        return _read(run.path / "probes" / f"{asked['cue']}.json")
    return _read(kept / f"{question}.json")


def cue_faces(cue: str, species: str, *, individuals: int) -> list[list[Image.Image]]:
    """Return the drawn individuals of a species with a cue at each of its values."""
    from emotion.faces import cues

    sitters = cues.individuals(species, individuals)
    return [list(cues.draw_cue(cues.find_cue(cue), base="neutral", individual=each)) for each in sitters]


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text("utf-8")))
