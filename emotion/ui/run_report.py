"""What is known of one run, as the page shows it: how it stands, its confusion matrix, its worst mistakes, settings."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emotion.analysis import ScoredPicture
from emotion.core.config import TrainConfig, command_line
from emotion.core.events import Event, RunFinished, RunStarted
from emotion.core.format import count, duration, percent
from emotion.core.labels import chance_level, colour_of
from emotion.report.naming import place_of, plain_name
from emotion.runs.run import Run
from emotion.runs.validation import Validation, most_confused
from emotion.server.limits import is_public
from emotion.ui.thumbnails import data_uris

SIDE = 132
MAX_SHOWN = 24
MOST_WRONG = 8
NO_VALIDATION = "Its validation pictures appear here once an epoch is kept."


def facts_html(run: Run, events: Sequence[Event]) -> str:
    """Return what a run was and cost, in a few lines."""
    record = run.record()
    config, backbone = run.config(), record.get("backbone", {})
    started = next((event for event in events if isinstance(event, RunStarted)), None)
    finished = next((event for event in reversed(events) if isinstance(event, RunFinished)), None)
    facts = {"Trained": f"{_depth_words(config.depth)} of {Path(config.backbone).name}"}
    if backbone:
        facts["Weights"] = f"{backbone['source']}, sha256 {backbone['sha256'][:16]}…"
    if started:
        processes = "" if started.processes == 1 else f", {started.processes} processes"
        facts["Pictures"] = f"{started.train_pictures:,} to train on, {started.validation_pictures:,} to validate on"
        facts["Computed"] = f"on {started.device} in {started.precision}{processes}"
    if events:
        facts["Time"] = duration(events[-1].elapsed_seconds)
    if finished and finished.peak_memory_megabytes:
        facts["Memory"] = f"{finished.peak_memory_megabytes:,.0f} MB at its peak"
    rows = "".join(f"<div><dt>{name}</dt><dd>{html.escape(text)}</dd></div>" for name, text in facts.items())
    return f'<dl class="run-facts">{rows}</dl>'


def _depth_words(depth: object) -> str:
    """Return what of the model was trained, in words."""
    if depth == "head":
        return "classifier"
    return "everything" if depth == "all" else f"last {depth} block{'' if depth == 1 else 's'}"


def shown_config(config: TrainConfig) -> TrainConfig:
    """Return settings as a visitor may read them: on a public server without the server's folders."""
    if not is_public():
        return config
    return replace(config, pictures=place_of(config.pictures), backbone=plain_name(config.backbone))


def command_html(config: TrainConfig) -> str:
    """Return the command that asks for the same training, with a button that copies it."""
    command = html.escape(command_line(config))
    return (
        f'<div class="command"><div><b>The same on the command line</b><button type="button">Copy</button></div>'
        f'<pre tabindex="0" aria-label="The same on the command line">{command}</pre></div>'
    )


def settings_html(config: TrainConfig, versions: Mapping[str, str]) -> str:
    """Return every setting and the versions of what it ran on, folded away."""
    rows = {name.replace("_", " "): value for name, value in config.to_json().items()}
    cells = "".join(_row(name, value) for name, value in [*rows.items(), *versions.items()])
    return f'<details class="run-settings"><summary>All settings</summary><table>{cells}</table></details>'


def confusion_html(validation: Validation | None) -> str:
    """Return the confusion matrix of the validation pictures as a table of buttons, with precision and recall."""
    if validation is None:
        return f'<p class="note">{NO_VALIDATION}</p>'
    classes, counts = validation.classes, validation.confusion()
    shown = most_confused(counts)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in shown)
    rows = []
    for each in (each for each in validation.per_class() if each.label in shown):
        cells = "".join(_cell(each.label, said, counts[each.label][said], each.support) for said in shown)
        precision = "never said" if each.precision is None else percent(each.precision)
        rows.append(
            f'<tr><th scope="row"><i style="background:{colour_of(each.label)}"></i>{html.escape(each.label)}</th>'
            f'{cells}<td class="measure">{precision}</td><td class="measure">{percent(each.recall)}</td>'
            f'<td class="measure">{each.support}</td></tr>'
        )
    total, right = len(validation.pictures), sum(counts[name][name] for name in classes)
    basis = (
        f"{right} of {count(total, 'validation picture')} right in epoch {validation.epoch}, chance "
        f"{percent(chance_level(len(classes)))}. Press a number to see its pictures."
    )
    if len(shown) < len(classes):
        basis += f" Of its {len(classes):,} classes the {len(shown)} that are confused most often."
    return (
        f'<div class="confusion"><p class="note">{basis}</p><div class="confusion-scroll" tabindex="0" role="region" '
        'aria-label="Confusion matrix"><table><thead><tr><td class="corner">shows ↓ said →</td>'
        f'{head}<th scope="col" class="measure">Precision</th><th scope="col" class="measure">Recall</th>'
        f'<th scope="col" class="measure">Pictures</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div></div>'
    )


def cell_html(validation: Validation, folder: Path, *, label: str, said: str) -> str:
    """Return the pictures of one cell of the confusion matrix, the surest first."""
    found = validation.cell(label, said)
    what = f"{label}, called {said}" if label != said else f"{label}, rightly called so"
    return _gallery(f"{count(len(found), 'picture')}: {what}", found, folder)


def most_wrong_html(validation: Validation | None, folder: Path) -> str:
    """Return the pictures whose correct class got the least probability."""
    wrong = validation.most_wrong(MOST_WRONG) if validation else []
    return _gallery("Got most wrong", wrong, folder) if wrong else ""


def _gallery(title: str, pictures: Sequence[ScoredPicture], folder: Path) -> str:
    shown = pictures[:MAX_SHOWN]
    uris = data_uris([folder / each.picture for each in shown], side=SIDE)
    figures = "".join(_figure(each, uri) for each, uri in zip(shown, uris, strict=True))
    more = (
        f'<p class="note">and {count(len(pictures) - MAX_SHOWN, "more picture")}.</p>' if pictures[MAX_SHOWN:] else ""
    )
    return (
        f'<section class="pictures"><h3>{html.escape(title)}</h3><div class="gallery">{figures}</div>{more}</section>'
    )


def _figure(picture: ScoredPicture, uri: str) -> str:
    label, said = html.escape(picture.label), html.escape(picture.predicted)
    return (
        f'<figure style="--said:{colour_of(picture.predicted)}"><img src="{uri}" alt="{label}, said {said}">'
        f"<figcaption><b>{label} {percent(picture.correct_confidence)}</b>"
        f"<span>said {said} {percent(picture.scores[picture.predicted])}</span></figcaption></figure>"
    )


def _cell(label: str, said: str, number: int, support: int) -> str:
    share = number / support if support else 0.0
    kind = "right" if label == said else "wrong"
    if not number:
        return '<td class="empty">0</td>'
    name = html.escape(f"{number} {label} called {said}")
    return (
        f'<td class="{kind}" style="--share:{share:.2f}"><button type="button" data-label="{html.escape(label)}" '
        f'data-said="{html.escape(said)}" aria-label="{name}">{number}</button></td>'
    )


def _row(name: str, value: Any) -> str:
    return f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>'
