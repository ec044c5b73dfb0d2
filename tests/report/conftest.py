"""Saved comparisons of every kind, judged by a script on pictures drawn in a moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from run_scripts import finish, scores_of, training

from emotion.comparison import Request, compare, save_comparison
from emotion.config import TrainConfig
from emotion.errors import PictureError
from emotion.labels import EMOTIONS, emotion_meant
from emotion.pictures.folders import Picture, hash_file, list_pictures
from emotion.run import Run
from emotion.runs import create_run
from emotion.validation import save_validation

SKILL = {"human": 0.8, "dog": 0.2, "cat": 0.4}
MakeComparison = Callable[..., Path]


@pytest.fixture
def trained(tmp_path: Path, make_pictures: Callable[..., Path]) -> Run:
    """A finished run whose settings, split and validation pictures are recorded."""
    pictures = make_pictures("human_train", count=12)
    run = create_run(TrainConfig(pictures=str(pictures), epochs=4), root=tmp_path / "runs")
    run.note(
        classes=list(EMOTIONS),
        backbone={"name": "dinov2-small", "source": "bundled", "path": "/secret", "revision": "", "sha256": "5" * 64},
        versions={"python": "3.11.7", "torch": "2.13.0"},
    )  # fmt: skip
    finish(run, training(run.config()))
    rows = [(f"{label}/{path.name}", label, path) for label, paths in list_pictures(pictures).items() for path in paths]
    split: dict[str, list[dict[str, str]]] = {"train": [], "validation": []}
    for number, (picture, label, path) in enumerate(rows):
        part = split["validation" if number % 6 == 0 else "train"]
        part.append({"picture": picture, "label": label, "sha256": hash_file(path)})
    (run.path / "split.json").write_text(json.dumps(split))
    validated = [(name, label, scores_of(path, label=label, skill=0.7)) for name, label, path in rows]
    save_validation(validated[::6], epoch=4, classes=EMOTIONS, folder=run.path)
    return run


@pytest.fixture
def make_comparison(trained: Run, make_pictures: Callable[..., Path]) -> MakeComparison:
    """Return a function that compares sets of a few pictures a class and returns the comparison's file.

    ``classes`` are the class folders of all sets, ``twins`` maps names of pictures to training pictures,
    ``unreadable`` names pictures with the reason; the rest are fields of the request.
    """
    made: dict[tuple[str, tuple[str, ...]], Path] = {}

    def make(
        *,
        sets: Sequence[str] = ("human", "dog"),
        classes: tuple[str, ...] = EMOTIONS,
        twins: Mapping[str, str] | None = None,
        unreadable: Mapping[str, str] | None = None,
        changes: Mapping[str, Any] | None = None,
        **asked: Any,
    ) -> Path:
        folders: dict[str, Path] = {}
        for number, name in enumerate(sets):
            key = (name, classes)
            if key not in made:
                # Pixels must be of the colours that the stand-ins know; only the folders are called otherwise.
                made[key] = make_pictures(f"{number}_{len(made)}_eval", count=12)
                for old, new in zip(EMOTIONS, classes, strict=False):
                    (made[key] / old).rename(made[key] / new)
            folders[name] = made[key]
        skills = {folder.resolve(): SKILL.get(name, 0.5) for name, folder in folders.items()}

        def score(paths: Sequence[Path]) -> list[dict[str, float] | PictureError]:
            return [
                PictureError(f"{path.name} cannot be read ({unreadable[path.name]}: '{path}').")
                if unreadable and path.name in unreadable
                else scores_of(
                    path,
                    label=emotion_meant(path.parent.name),
                    skill=next(skill for folder, skill in skills.items() if path.resolve().is_relative_to(folder)),
                )
                for path in paths
            ]

        def find_twins(pictures: Sequence[Picture]) -> dict[Path, str]:
            return {each.path: twins[each.path.name] for each in pictures if twins and each.path.name in twins}

        request = Request(folders, **{"emotion": "happy", "size": 10, **asked})
        comparison = compare(
            score, request, run=trained, classes=EMOTIONS, precision="float32", find_twins=find_twins, checked=48
        )
        return save_comparison(replace(comparison, **(changes or {})), run=trained)

    return make
