"""The form of a comparison: run, emotion, sample, sets, and how class names are read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.analysis import Comparison, Request
from emotion.core.errors import ConfigError, PictureError
from emotion.core.labels import ALIASES_SETTING, EMOTIONS, RELAXED_SETTING, RELAXED_WARNING, alias_offer, is_relaxed
from emotion.runs.run import Run
from emotion.ui.events import Stoppable, Values
from emotion.ui.html import slot
from emotion.ui.picture_sets import NO_SETS, PictureSet, evaluation_sets, list_picture_sets, names_by_species
from emotion.ui.run_board import trained_on_drawn

DEFAULT_SIZE, DEFAULT_SEED = 20, 42
TICKED_SPECIES = ("human", "dog")


class CompareForm:
    """The form's widgets; ``inputs`` are the arguments of ``read``, in order. ``work`` compares."""

    def __init__(self, run: gr.Dropdown) -> None:
        sets = evaluation_sets(list_picture_sets())
        self.run = run
        with gr.Row(elem_classes="controls"):
            self.emotion = gr.Dropdown(
                list(EMOTIONS), value="happy", label="Emotion", scale=2, min_width=140, elem_id="compare-emotion"
            )
            self.size = gr.Number(DEFAULT_SIZE, label="Pictures per set", precision=0, minimum=2, scale=1, min_width=80)
            self.seed = gr.Number(DEFAULT_SEED, label="Seed", precision=0, minimum=0, scale=1, min_width=70)
        self.sets = gr.CheckboxGroup(
            offered(sets), value=_ticked(sets, is_drawn=True), label="Sets to compare", elem_id="compare-sets",
            info=None if sets else NO_SETS,
        )  # fmt: skip
        with gr.Row(elem_classes="actions"):
            self.go = gr.Button("Compare", variant="primary", elem_id="compare", scale=1, min_width=140)
            self.grid = gr.Button("All emotions", elem_id="compare-grid", scale=1, min_width=140)
            self.stop = gr.Button("Stop", variant="stop", visible=False, elem_id="compare-stop", scale=0, min_width=90)
            # Always there: what unhides a part of a tab is lost where the tab has not been opened yet.
            self.saved = gr.Dropdown([], label="Saved comparisons of this run", elem_id="saved", scale=3, min_width=260)
        names = [label for each in sets for label in each.pictures()]
        offer = alias_offer(names)
        # Each of them only where a set has names that it affects.
        self.aliases = gr.Checkbox(label=ALIASES_SETTING, info=offer, visible=bool(offer), elem_id="compare-aliases")
        self.relaxed = gr.Checkbox(
            label=RELAXED_SETTING, info=RELAXED_WARNING, visible=any(map(is_relaxed, names)), elem_id="compare-relaxed"
        )
        self.status = slot("compare-status")
        self.work = Stoppable([self.go, self.grid], self.stop, self.status)
        self.inputs: list[Any] = [self.emotion, self.sets, self.size, self.seed, self.aliases, self.relaxed]

    def read(
        self,
        emotion: str | None,
        keys: Sequence[str] | None,
        size: float | None,
        seed: float | None,
        use_aliases: bool,
        relaxed_as_tired: bool,
    ) -> Request:
        """Return the request from the form's values, as ``requested`` does."""
        chosen = [each for each in evaluation_sets(list_picture_sets()) if each.key in (keys or [])]
        names = {"use_aliases": use_aliases, "relaxed_as_tired": relaxed_as_tired}
        return requested(chosen, emotion=emotion, size=size, seed=seed, **names)

    def fit_to(self, run: Run) -> Values:
        """Offer the run's classes and tick the sets of the kind (drawn or photographed) it was trained on."""
        sets = evaluation_sets(list_picture_sets())
        value = _ticked(sets, is_drawn=trained_on_drawn(run))
        classes = list(run.record().get("classes") or EMOTIONS)
        # The choice stays, unless the run has other classes.
        other: dict[str, Any] = {} if set(classes) == set(EMOTIONS) else {"value": classes[0]}
        return {
            self.emotion: gr.Dropdown(classes, **other),
            self.sets: gr.CheckboxGroup(offered(sets), value=value),
        }


def requested(
    sets: Sequence[PictureSet], *, emotion: str | None, size: float | None, seed: float | None, **names: bool
) -> Request:
    """Return a request for these sets; emotion None means all emotions. ``names`` say how class names are read.
    Raises PictureError without a set; ConfigError if a number is missing, or no sample can be of that size.
    """
    if not sets:
        raise PictureError("No set is ticked: tick at least one, better two.")
    if size is None or seed is None:
        raise ConfigError("Sample size or seed is empty: give whole numbers, for instance 20 and 42.")
    if size < 1:
        raise ConfigError(f"Sample size is {size:g}: use a whole number from 1.")
    return Request(names_by_species(list(sets)), emotion=emotion, size=int(size), seed=int(seed), **names)


def is_asked(request: Request, comparison: Comparison) -> bool:
    """Whether a comparison answers a request; one of all emotions answers a request for any emotion."""
    folders = {name: str(Path(folder).absolute()) for name, folder in request.sets.items()}
    settings = ("size", "seed", "use_aliases", "relaxed_as_tired")
    is_same = all(getattr(request, each) == getattr(comparison, each) for each in settings)
    return is_same and folders == comparison.folders and comparison.emotion in (None, request.emotion)


def offered(sets: Sequence[PictureSet]) -> list[tuple[str, str]]:
    """Return the sets as choices: titles and keys."""
    return [(each.title, each.key) for each in sets]


def _ticked(sets: Sequence[PictureSet], *, is_drawn: bool) -> list[str]:
    """Return the keys of the sets ticked by default: humans and dogs, of the kind that fits the run."""
    of_kind = [each for each in sets if each.is_drawn == is_drawn] or list(sets)
    return [each.key for each in of_kind if each.species in TICKED_SPECIES]
