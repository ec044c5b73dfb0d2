"""All pictures that the sets of a comparison hold, of which a study draws. Opens those that might be trained on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emotion.analysis.comparison import Comparison
from emotion.core.errors import PictureError
from emotion.core.progress import Progress
from emotion.data.folders import Picture, find_pictures
from emotion.runs.run import Run
from emotion.training.shipped import trained_on


@dataclass(frozen=True)
class Pool:
    """The pictures of a set by class, in the order of their paths.

    ``trained_on`` counts those that are left out because the run was trained on them, under another name perhaps.
    """

    pictures: dict[str, list[Path]]
    trained_on: int


def pools(comparison: Comparison, run: Run, *, labels: Sequence[str]) -> Generator[Progress, None, dict[str, Pool]]:
    """Return what each set of a comparison holds by now of the given classes, read as the comparison read it.

    Raises:
        PictureError: a set is gone, or none of its pictures can be used.
    """
    known = trained_on(run)
    found = {name: pictures_of(comparison, name, labels) for name in comparison.sets}
    total = sum(map(len, found.values()))
    done, result = 0, {}
    for name, pictures in found.items():
        yield Progress(done, total, f"listing the pictures of {name}")
        twins = known.twins(pictures)
        done += len(pictures)
        usable = [picture for picture in pictures if picture.path not in twins]
        if not usable:
            raise PictureError(f"None of the {len(pictures)} pictures of {name} can be used: compare another set.")
        by_label = {label: [each.path for each in usable if each.label == label] for label in labels}
        result[name] = Pool({label: paths for label, paths in by_label.items() if paths}, len(twins))
    return result


def pictures_of(comparison: Comparison, name: str, labels: Sequence[str]) -> list[Picture]:
    """Return what a set holds by now of the given classes, by a look at names only.

    Raises:
        PictureError: the set is gone.
    """
    mapping = comparison.mapping.get(name, {})
    pictures = find_pictures(Path(comparison.folders[name]))
    meant = [Picture(each.path, mapping.get(each.label, each.label) or "") for each in pictures]
    return [each for each in meant if each.label in labels]
