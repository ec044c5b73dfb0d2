"""The pictures of a report: those left out, those ticked, and how to draw and judge them again."""

from __future__ import annotations

import base64
import hashlib
import io
import shlex
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePath

from PIL import Image

from emotion.analysis.blocks import Block, Command, Facts, Gallery, Section, Shown, Table, Text, judged, row
from emotion.core.config import command_line
from emotion.core.errors import PictureError
from emotion.core.files import hash_file
from emotion.core.format import capital, count, exact_percent, listed
from emotion.core.scored import ScoredPicture
from emotion.data.decoding import open_picture
from emotion.data.folders import within
from emotion.report.material import Material, place_of

SIDE = 176


def left_out(material: Material) -> Section:
    """Return the pictures left out of the samples: near-duplicates of training pictures, and unreadable ones."""
    comparison = material.comparison
    twins, unreadable, remembered = [], [], []
    for name, folder in comparison.folders.items():
        result, colour = comparison.pooled(name), comparison.colour(name)
        for path, twin in result.near_duplicates.items():
            twins.append(row(name, within(path, folder), within(twin, material.config.pictures), colour=colour))
        for path, why in result.unreadable.items():
            unreadable.append(row(name, within(path, folder), material.tidy(why), colour=colour))
        if result.is_trained_on:
            remembered.append(name)
    checked = (
        f"Each sample was held against {count(comparison.checked, 'picture')} that the run was trained or validated "
        "on, by content and by look, mirrored or not."
        if comparison.checked
        else "The training pictures were not where they had been, so that at most equal files could be found."
    )
    found = f"{count(len(twins), 'near-duplicate')} found and left out" if twins else "No near-duplicate was found"
    blocks: list[Block] = [
        Text(f"{checked} {found}{'; the next pictures by seed took their places' if twins else ''}.")
    ]
    if twins:
        caption = "Pictures that were trained on, under another name perhaps"
        head = ("Picture of the set", "Picture that was trained or validated on")
        blocks.append(Table(caption, "Set", head, twins, is_text=True))
    if unreadable:
        caption = "Pictures that cannot be read, replaced by the next ones"
        blocks.append(Table(caption, "Set", ("Picture", "Why"), unreadable, is_text=True))
    if remembered:
        blocks.append(Text(f"{capital(listed(remembered))}: nothing but training pictures, left in.", "warning"))
    return Section("Pictures left out", blocks)


def shown(material: Material, ticked: Collection[str]) -> Section | None:
    """Return the pictures whose content's SHA-256, or path, is ticked; None if there are none.

    A picture that is gone or has changed is not shown.
    """
    galleries, chosen, wanted = [], 0, set(ticked)
    for name in material.comparison.sets:
        own = [each for each in material.comparison.pooled(name).pictures if {each.sha256, each.picture} & wanted]
        chosen += len(own)
        pictures = [small for each in own if (small := _shown(each, name))]
        if pictures:
            galleries.append(Gallery(name, pictures))
    if not chosen:
        return None
    found = sum(len(gallery.pictures) for gallery in galleries)
    was, missing = "was" if found == 1 else "were", chosen - found
    gone = f" {capital(count(missing, 'ticked picture'))} cannot be shown: gone, or changed since." if missing else ""
    said = f"{capital(count(found, 'picture'))} of the sample that {was} ticked to be shown.{gone}"
    return Section("Pictures", [Text(said), *galleries])


def _shown(picture: ScoredPicture, name: str) -> Shown | None:
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


def repeating(material: Material) -> Section:
    """Return the exact commands, with placeholders for folders, and the numbers to check a repetition against."""
    comparison, versions = material.comparison, material.run.record().get("versions") or {}
    kept = shlex.join(["--run", material.run.name, "--comparison", material.file.name])
    facts = [
        ("Seeds", f"{material.config.seed} of the training, {comparison.seed} of the samples"),
        ("Precision", f"{comparison.precision}; in another one, or on another machine, expect small differences"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items()) or "not recorded"),
    ]
    for part, title in (("train", "Trained on"), ("validation", "Validated on")):
        hashes = sorted(each.sha256 for each in material.split.get(part, []))
        together = hashlib.sha256("\n".join(hashes).encode("ascii")).hexdigest()
        facts += [(title, f"{count(len(hashes), 'picture')}, together sha256 {together}")] if hashes else []
    if material.split:
        facts.append(("Together", "the SHA-256 of the pictures’ sorted SHA-256s, one a line"))
    return Section(
        "How to repeat it",
        [
            Text("In the project’s folder. Where “path/to” stands, put where the pictures lie."),
            Command("Train the model anew; the run’s name is printed, and is new.", _train(material)),
            Command("Compare: draw the same samples from the same sets, and judge them.", _compare(material)),
            Command("Write this report.", f"python -m emotion report {kept} --to report.html"),
            Facts(facts),
            _sample(material),
        ],
    )


def _train(material: Material) -> str:
    config, backbone = material.config, material.config.backbone
    if PurePath(backbone).is_absolute():
        backbone = f"path/to/{PurePath(backbone).name}"
    line = command_line(replace(config, pictures=place_of(config.pictures), backbone=backbone))
    processes = material.started.processes if material.started else 1
    return line if processes == 1 else line.replace("python", f"torchrun --nproc-per-node {processes}", 1)


def _compare(material: Material) -> str:
    comparison = material.comparison
    words = ["python", "-m", "emotion", "compare", "--run", material.run.name]
    for name, folder in comparison.folders.items():
        words += ["--set", f"{name}={place_of(folder)}"]
    words += ["--emotion", material.emotion or "all"]
    words += ["--size", "all" if comparison.size is None else str(comparison.size), "--seed", str(comparison.seed)]
    words += ["--use-aliases"] if comparison.use_aliases else []
    words += ["--relaxed-as-tired"] if comparison.relaxed_as_tired else []
    return shlex.join(words)


def _sample(material: Material) -> Table:
    rows = [
        row(
            name,
            within(each.picture, folder),
            each.label,
            each.predicted,
            exact_percent(each.correct_confidence),
            each.sha256,
            colour=material.comparison.colour(name),
        )
        for name, folder in material.comparison.folders.items()
        for each in material.comparison.pooled(name).pictures
    ]
    head = ("Picture", "Shows", "Said", "Correct class", "SHA-256")
    caption = f"The sample: {count(len(rows), 'picture')} with their hashes"
    return Table(caption, "Set", head, rows, is_text=True, is_folded=True)
