"""A run as HTML: its status, its facts and its validation pictures; and a sweep: its table, and what it is worth."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from emotion.analysis import ScoredPicture
from emotion.analysis.blocks import Block, Facts, Gallery, Row, Table, Text, judged, row
from emotion.core.config import TrainConfig
from emotion.core.events import EpochDone, Event, RunFinished, RunStarted, StepDone
from emotion.core.format import count, duration, percent
from emotion.core.labels import chance_level
from emotion.report.material import place_of, plain_name
from emotion.report.training import confusion_table, settings_table
from emotion.runs.run import Run
from emotion.runs.sweep import SweepMember, title_of, value_text
from emotion.runs.validation import Validation, smallest_difference
from emotion.server.limits import is_public
from emotion.ui.html import data_uris, sentence, status_box
from emotion.ui.rendering import rendered
from emotion.ui.run_board import RunSummary
from emotion.ui.words import ENDED, NOTHING_YET, progress, skipped

SIDE = 132
MAX_SHOWN, MOST_WRONG = 24, 8
NO_VALIDATION = "Its validation pictures appear here once an epoch is kept."
SWEEP_HEAD = ("Status", "Epoch kept", "Validation loss", "Validation accuracy", "Time")
# No one can follow a curve that is drawn in less.
BLINK_SECONDS = 2.0


def status_html(
    summary: RunSummary | None, events: Sequence[Event], *, name: str = "", before: str = "", place: int | None = None
) -> str:
    """Return a run's status: a chip, a sentence preceded by ``before``, its ``name``, and a bar; None is no run.

    ``place`` is a queued run's place in the queue, from 1.
    """
    if summary is None:
        return status_box("idle", "ready", NOTHING_YET, None)
    said = progress(events, summary.status, queue_place=place, is_guests=bool(summary.run.guest))
    share = said.share if summary.status != "finished" else None
    line = status_box(summary.status, summary.status, before + said.sentence, share, detail=name)
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
    trained = {"head": "classifier", "all": "everything", 1: "last block"}.get(
        config.depth, f"last {config.depth} blocks"
    )
    facts = {"Trained": f"{trained} of {Path(config.backbone).name}"}
    if backbone := record.get("backbone"):
        facts["Weights"] = f"{backbone['source']}, sha256 {backbone['sha256'][:16]}…"
    for each in events:
        if isinstance(each, RunStarted):
            processes = "" if each.processes == 1 else f", {each.processes} processes"
            counts = f"{each.train_pictures:,} to train on, {each.validation_pictures:,} to validate on"
            facts |= {"Pictures": counts, "Computed": f"on {each.device} in {each.precision}{processes}"}
        elif isinstance(each, RunFinished) and each.peak_memory_megabytes:
            facts["Memory"] = f"{each.peak_memory_megabytes:,.0f} MB at its peak"
    if events:
        facts["Time"] = duration(events[-1].elapsed_seconds)
    if versions := record.get("versions"):
        facts["Software"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    return rendered([Facts([*facts.items()]), settings_table(config)], name="run-facts")


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


def runs_of(summaries: Iterable[RunSummary], sweep_id: str) -> list[RunSummary]:
    """Return the existing runs of a sweep, in the order of their values."""
    found = [each for each in summaries if each.sweep and each.sweep.id == sweep_id]
    return sorted(found, key=lambda each: _member(each).place)


def is_going(runs: Iterable[RunSummary]) -> bool:
    """Whether one of the runs is training or queued."""
    return any(each.status not in ENDED for each in runs)


def best_of(runs: Iterable[RunSummary]) -> RunSummary | None:
    """Return the finished run with the lowest validation loss, the criterion that also selects a run's best epoch."""
    scored = [(each.best.loss, each) for each in runs if each.best and each.status == "finished"]
    return min(scored, key=lambda pair: pair[0])[1] if scored else None


def in_hand(runs: Sequence[RunSummary]) -> RunSummary:
    """Return the running or next run; once all have ended, the best one."""
    order = ("running", "stopping", "queued")
    going = sorted((each for each in runs if each.status in order), key=lambda each: each.status == "queued")
    return going[0] if going else best_of(runs) or runs[-1]


def place_in(runs: Sequence[RunSummary]) -> str:
    """Return the current training's place in its sweep: "Batch size 8, 2 of 4. "; empty once it is over."""
    if not is_going(runs):
        return ""
    current = in_hand(runs)
    return f"{_member(current).title.capitalize()}, {runs.index(current) + 1} of {len(runs)}. "


def sweep_blocks(runs: Sequence[RunSummary]) -> list[Block]:
    """Return a table with one row per value and the best one marked, and a reading of it; nothing without runs."""
    if not runs:
        return []
    name, best = title_of(_member(runs[0]).setting).capitalize(), best_of(runs)
    finished = sum(each.status == "finished" for each in runs)
    title = f"{name}: {finished} of {count(len(runs), 'run')} finished"
    table = Table(title, name, SWEEP_HEAD, [_row(each, is_best=each is best) for each in runs])
    said = _weighed(runs, best) if best else ""
    return [table, Text(said, "note")] if said else [table]


def _weighed(runs: Sequence[RunSummary], best: RunSummary) -> str:
    """Return which value is best, and whether that could be chance."""
    started = next((event for event in best.curve if isinstance(event, RunStarted)), None)
    if started is None:
        return ""
    pictures, chance = started.validation_pictures, percent(chance_level(len(started.classes)))
    said = f"Of {count(pictures, 'validation picture')}; chance is {chance}."
    said += f" Lowest validation loss: {_member(best).title}."
    shares = [each.best.accuracy for each in runs if each.best and each.status == "finished"]
    if len(shares) > 1:
        reach = smallest_difference(round(sum(shares) / len(shares) * pictures), pictures)
        said += f" Accuracies less than about {reach * 100:.0f} points apart cannot be told from luck"
        if not is_going(runs):
            gap = max(shares) - min(shares)
            still = "no value is shown to be better" if gap < reach else "the best of several looks better than it is"
            said += f"; the widest gap here is {gap * 100:.0f}: {still}"
        said += "."
    if _member(best).setting == "seed":
        return f"{said} Each seed draws its own split: how far the runs lie apart is luck."
    return f"{said} Every run used seed {best.config.seed}, and with it the same split."


def _row(summary: RunSummary, *, is_best: bool) -> Row:
    # A queued run that is asked to stop counts as stopping until it is withdrawn.
    is_leaving = summary.status == "queued" and summary.run.stop_requested()
    best = summary.best
    scores = (str(summary.best_epoch), f"{best.loss:.3f}", percent(best.accuracy)) if best else ("–", "–", "–")
    name = value_text(_member(summary).value) + (" best" if is_best else "")
    time = duration(summary.seconds) if summary.curve else "–"
    return row(name, "stopping" if is_leaving else summary.status, *scores, time)


def _member(summary: RunSummary) -> SweepMember:
    """Return a run's place in its sweep: what comes here has one."""
    assert summary.sweep is not None
    return summary.sweep
