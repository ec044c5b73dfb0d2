"""One run as HTML: its status, its facts, and its validation pictures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emotion.analysis import ScoredPicture
from emotion.analysis.blocks import Block, Facts, Gallery, Text, judged
from emotion.core.config import TrainConfig
from emotion.core.events import EpochDone, Event, RunFinished, RunStarted, StepDone
from emotion.core.format import count, duration
from emotion.report.material import place_of, plain_name
from emotion.report.training import confusion_table, settings_table
from emotion.runs.run import Run
from emotion.runs.validation import Validation
from emotion.server.limits import is_public
from emotion.ui.html import data_uris, sentence, status_box
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunSummary
from emotion.ui.words import NOTHING_YET, progress, skipped

SIDE = 132
MAX_SHOWN, MOST_WRONG = 24, 8
NO_VALIDATION = "Its validation pictures appear here once an epoch is kept."
# No one can follow a curve that is drawn in less.
BLINK_SECONDS = 2.0


def status_html(
    summary: RunSummary | None,
    events: Sequence[Event],
    *,
    called: str,
    before: str = "",
    queue_place: int | None = None,
) -> str:
    """Return a run's status: a chip, a sentence preceded by ``before``, its name, and a bar; None is no run."""
    if summary is None:
        return status_box("idle", "ready", NOTHING_YET, None)
    said = progress(events, summary.status, queue_place=queue_place, is_guests=bool(summary.run.guest))
    share = said.share if summary.status != "finished" else None
    line = status_box(summary.status, summary.status, before + said.sentence, share, detail=called)
    return line + sentence(skipped(events))


def replay_of(events: Sequence[Event]) -> str:
    """Return the caption of a replay, for a finished training too short to be seen; empty for others."""
    times = [event.elapsed_seconds for event in events if isinstance(event, StepDone | EpochDone)]
    seconds = times[-1] - times[0] if times else 0.0
    is_finished = any(isinstance(event, RunFinished) for event in events)
    return f"replay of {duration(seconds)}" if is_finished and 0 < seconds < BLINK_SECONDS else ""


def facts_html(run: Run, events: Sequence[Event]) -> str:
    """Return a run's weights, pictures, device, time, memory and software, and all of its settings."""
    record, config = run.record(), run.config()
    backbone, versions = record.get("backbone", {}), record.get("versions", {})
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    finished = next((event for event in reversed(events) if isinstance(event, RunFinished)), None)
    facts = [("Trained", f"{_depth_words(config.depth)} of {Path(config.backbone).name}")]
    if backbone:
        facts.append(("Weights", f"{backbone['source']}, sha256 {backbone['sha256'][:16]}…"))
    if started:
        processes = "" if started.processes == 1 else f", {started.processes} processes"
        pictures = f"{started.train_pictures:,} to train on, {started.validation_pictures:,} to validate on"
        facts += [("Pictures", pictures), ("Computed", f"on {started.device} in {started.precision}{processes}")]
    if events:
        facts.append(("Time", duration(events[-1].elapsed_seconds)))
    if finished and finished.peak_memory_megabytes:
        facts.append(("Memory", f"{finished.peak_memory_megabytes:,.0f} MB at its peak"))
    if versions:
        facts.append(("Software", ", ".join(f"{name} {version}" for name, version in versions.items())))
    return rendered([Facts(facts), settings_table(config)], name="run-facts")


def shown_config(config: TrainConfig) -> TrainConfig:
    """Return settings without the server's paths on a public server."""
    if not is_public():
        return config
    return replace(config, pictures=place_of(config.pictures), backbone=plain_name(config.backbone))


def confusion_html(validation: Validation | None) -> str:
    """Return the confusion matrix of the validation pictures, whose cells open their pictures."""
    if validation is None:
        return sentence(NO_VALIDATION)
    return rendered([confusion_table(validation, opens=True)], name="confusion")


def cell_html(validation: Validation, folder: Path, *, label: str, said: str) -> str:
    """Return the pictures of one cell of the confusion matrix, the most confident first."""
    found = validation.cell(label, said)
    what = f"{label}, called {said}" if label != said else f"{label}, rightly called so"
    return _gallery(f"{count(len(found), 'picture')}: {what}", found, folder)


def most_wrong_html(validation: Validation | None, folder: Path) -> str:
    """Return the pictures whose correct class got the lowest probability."""
    wrong = validation.most_wrong(MOST_WRONG) if validation else []
    return _gallery("Got most wrong", wrong, folder) if wrong else ""


def _gallery(title: str, pictures: Sequence[ScoredPicture], folder: Path) -> str:
    shown, hidden = pictures[:MAX_SHOWN], len(pictures) - MAX_SHOWN
    uris = data_uris([folder / each.picture for each in shown], side=SIDE)
    blocks: list[Block] = [Gallery(title, [judged(each, uri) for each, uri in zip(shown, uris, strict=True)])]
    if hidden > 0:
        blocks.append(Text(f"and {count(hidden, 'more picture')}.", "note"))
    return rendered(blocks, name="run-pictures")


def _depth_words(depth: object) -> str:
    """Return the trained part of the model, in words."""
    if depth == "head":
        return "classifier"
    return "everything" if depth == "all" else f"last {depth} block{'' if depth == 1 else 's'}"
