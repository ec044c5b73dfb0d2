"""Build a report from a comparison's file: its question, results, checks and pictures, its limits, its repetition."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Mapping
from pathlib import Path, PurePath

from PIL import Image

from emotion.analysis.blocks import Block, Facts, Gallery, Report, Section, Shown, Table, Text, judged, row
from emotion.analysis.comparison import REFERENCE, Comparison
from emotion.analysis.findings import caveats, headline, plural
from emotion.analysis.results import differences, results
from emotion.analysis.studies import STUDIES
from emotion.core.errors import PictureError
from emotion.core.files import hash_file
from emotion.core.format import capital, count, in_words, listed, moment, percent
from emotion.core.labels import DRAWN_NOTE
from emotion.core.scored import ScoredPicture
from emotion.data.decoding import open_picture
from emotion.data.drawn import is_drawn
from emotion.data.folders import within
from emotion.report.limits import limits
from emotion.report.material import Material, plain_name, without_places
from emotion.report.training import model, repeating

# Of a shown picture, in pixels.
SIDE = 176


def build_report(comparison_file: Path, *, ticked: Collection[str] = ()) -> Report:
    """Return the report of a saved comparison, with its run and its saved studies.

    ``ticked`` are the SHA-256s or the paths of the pictures to show; by default none. The report contains no paths of
    folders. Raises RunError or ConfigError if the comparison or its run cannot be read.
    """
    material = Material.of(comparison_file)
    comparison, emotion = material.comparison, material.emotion
    sizes = {result.n for result in comparison.results(emotion).values()}
    pictures = f"{capital(count(sizes.pop(), 'picture'))} a set" if len(sizes) == 1 else "Sets of different sizes"
    sections = [
        asked(material),
        model(material),
        Section("Results", results(comparison, emotion)),
        Section("Differences between the sets", differences(comparison, emotion)),
        left_out(material),
        checks(material),
        _shown(comparison, set(ticked)),
        limits(material),
        repeating(material),
    ]
    return Report(
        title=_title(comparison, emotion),
        dateline=f"Report card of a comparison, {moment(comparison.created)}",
        answer=" ".join(headline(comparison, emotion)),
        basis="Right: the correct class is the most likely one. In brackets 95 % intervals. "
        f"{pictures}, seed {comparison.seed}, judged at 95 %, computed in {comparison.precision}. "
        f"Run {material.run.name}, {plain_name(material.config.backbone)}.",
        warnings=[*([DRAWN_NOTE] if material.is_drawn else []), *caveats(comparison, emotion)],
        sections=[section for section in sections if section.blocks],
    )


def _title(comparison: Comparison, emotion: str | None) -> str:
    # A model of people is asked about the other species.
    others = [
        plural(name) for name in comparison.sets if not (name == comparison.reference and name.startswith(REFERENCE))
    ]
    asked_of = listed(others or [plural(comparison.reference)])
    return f"Does this model read {f'{emotion} ' if emotion else 'the emotions of '}{asked_of}?"


def asked(material: Material) -> Section:
    """Return the question: the model, the pictures and the level of chance."""
    comparison, emotion, emotions = material.comparison, material.emotion, material.comparison.emotions()
    chance, of = percent(comparison.chance), in_words(len(comparison.classes))
    drawing = "" if comparison.size is None else f", drawn in the order of seed {comparison.seed}"
    size = "every picture" if comparison.size is None else count(comparison.size, "picture")
    kept = sorted({material.file.name, *(path.name for path in material.file.parent.glob("*.json"))})
    facts = {
        "Emotion shown": f"“{emotion}” alone" if emotion else f"each of {listed(emotions)}",
        "Sample": f"{size} of {'each set' if emotion else 'each emotion of each set'}{drawing}",
        "Chance": f"{chance}, one of {of} classes",
        "Looks": f"comparison {kept.index(material.file.name) + 1} of {len(kept)} that are kept of this run",
    }
    task = (
        f"A classifier of pictures learned {listed(comparison.classes)} from the pictures of "
        f"“{PurePath(material.config.pictures).name}”. Here it is shown pictures of other sets, each with the emotion "
        "that people say it shows. The question is whether what it learned carries over."
    )
    measure = (
        "The measure is the mean correct-class confidence: the probability that the model gives to the correct class, "
        "averaged over pictures. Beside it stands how many pictures are right: their correct class is the most likely "
        f"one. Guessing among {of} classes gets {chance} of either; that is chance."
    )
    return Section("What was asked", [Text(task), Text(measure), Facts(list(facts.items())), sets_table(comparison)])


def sets_table(comparison: Comparison) -> Table:
    """Return the sets of a comparison, and the class that each class folder was read as."""
    rows = []
    for name, folder in comparison.folders.items():
        place = PurePath(folder).name, "drawn by this project" if is_drawn(folder) else ""
        classes = _read_as(comparison.mapping.get(name, {}))
        rows.append(row(name, place, f"{comparison.pooled(name).n:,}", classes, colour=comparison.colour(name)))
    caption = "The sets, and what their class folders were read as"
    return Table(caption, "Set", ("Folder", "Pictures", "Classes"), rows, is_text=True)


def _read_as(mapping: Mapping[str, str | None]) -> str:
    same = [folder for folder, label in mapping.items() if label == folder]
    parts = [f"{listed(same)} as named"] if same else []
    parts += [f"{folder} read as {label}" for folder, label in mapping.items() if label and label != folder]
    parts += [f"{folder} not used" for folder, label in mapping.items() if not label]
    return "; ".join(parts) or "not recorded"


def left_out(material: Material) -> Section:
    """Return the pictures left out of the samples: near-duplicates of training pictures, and unreadable ones."""
    comparison, trained_on = material.comparison, material.config.pictures
    places = [trained_on, *comparison.folders.values(), str(material.run.path)]
    results = {name: comparison.pooled(name) for name in comparison.folders}
    rows = []
    for name, result in results.items():
        reasons = {path: f"trained on as {within(twin, trained_on)}" for path, twin in result.near_duplicates.items()}
        reasons |= {path: without_places(why, places) for path, why in result.unreadable.items()}
        for path, why in reasons.items():
            rows.append(row(name, within(path, comparison.folders[name]), why, colour=comparison.colour(name)))
    checked = "The training pictures were not where they had been, so that at most equal files could be found."
    if comparison.checked:
        checked = (
            f"Each sample was held against {count(comparison.checked, 'picture')} that the run was trained or "
            "validated on, by content and by look, mirrored or not."
        )
    found = "No near-duplicate was found."
    if twins := sum(len(result.near_duplicates) for result in results.values()):
        found = f"{count(twins, 'near-duplicate')} found and left out; the next pictures by seed took their places."
    blocks: list[Block] = [Text(f"{checked} {found}")]
    if rows:
        caption = "Pictures left out, and replaced by the next ones by seed"
        blocks.append(Table(caption, "Set", ("Picture", "Why"), rows, is_text=True))
    if remembered := [name for name, result in results.items() if result.is_trained_on]:
        blocks.append(Text(f"{capital(listed(remembered))}: nothing but training pictures, left in.", "warning"))
    return Section("Pictures left out", blocks)


def checks(material: Material, *names: str) -> Section:
    """Return the results of a comparison's studies, or of the named ones, and which were not made."""
    blocks: list[Block] = []
    lacking = []
    for study in STUDIES:
        if study.is_reported and (not names or study.name in names):
            if found := study.kept(material.file):
                blocks += [Text(study.title, "heading"), *study.blocks(found, material.comparison)]
            else:
                lacking.append(study.title.lower())
    if lacking:
        blocks.append(Text(f"Not checked: {listed(lacking)}.", "note"))
    return Section("Checks", blocks)


def _shown(comparison: Comparison, ticked: set[str]) -> Section:
    """Return the pictures whose content's SHA-256, or path, is ticked; one that is gone or has changed is counted."""
    blocks: list[Block] = []
    found = missing = 0
    for name in comparison.sets:
        own = [each for each in comparison.pooled(name).pictures if {each.sha256, each.picture} & ticked]
        if pictures := [small for each in own if (small := _small(each, name))]:
            blocks.append(Gallery(name, pictures))
        found, missing = found + len(pictures), missing + len(own) - len(pictures)
    said = f"{capital(count(found, 'ticked picture'))} of the sample."
    if missing:
        said += f" {capital(count(missing, 'ticked picture'))} cannot be shown: gone, or changed since."
    return Section("Pictures", [Text(said), *blocks] if found + missing else [])


def _small(picture: ScoredPicture, name: str) -> Shown | None:
    path = Path(picture.picture)
    try:
        if hash_file(path) != picture.sha256:
            return None
        small = open_picture(path, side=SIDE)
    except (OSError, PictureError):
        return None
    small.thumbnail((SIDE, SIDE))
    # Without metadata, such as where the picture was taken.
    bare, buffer = Image.frombytes("RGB", small.size, small.tobytes()), io.BytesIO()
    bare.save(buffer, "WEBP", quality=82, method=4)
    uri = f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    return judged(picture, uri, name=name)
