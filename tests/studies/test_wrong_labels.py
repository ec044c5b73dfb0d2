"""Labels that were changed on purpose come first, and what was found stays beside the set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.errors import PictureError
from emotion.job import paced
from emotion.sets.editing import relabel_pictures
from emotion.sets.importing import import_set
from emotion.sets.saved import SavedSet
from emotion.sets.suspects import FILE, Suspect, keep_suspects, kept_suspects
from emotion.studies.study import Progress
from emotion.studies.wrong_labels import FindWrongLabels, find_suspects

CLASSES = ("happy", "sad", "angry", "tired")
DRAWN = Path(__file__).parents[2] / "assets" / "faces" / "human_train"


def imported(source: Path, root: Path) -> SavedSet:
    steps = import_set(source, name="mine", root=root)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: SavedSet = end.value
            return found


def answer(steps: object) -> str:
    while True:
        try:
            next(steps)  # type: ignore[call-overload]  # a generator
        except StopIteration as end:
            return str(end.value)


def clouds(count: int, *, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Features of four classes around four centres, with more directions than pictures of a class."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, 64)) * 1.2
    truth = np.repeat(np.arange(4), count)
    return centres[truth] + rng.normal(size=(4 * count, 64)), [CLASSES[each] for each in truth]


@pytest.mark.parametrize("count", [8, 60])
def test_changed_labels_come_before_the_others_and_name_the_class_they_came_from(count: int) -> None:
    features, truth = clouds(count)
    given, changed = list(truth), [0, count, 2 * count]
    for row in changed:
        given[row] = CLASSES[(CLASSES.index(truth[row]) + 1) % 4]
    found = find_suspects(features, given)
    ranked = sorted(range(len(found)), key=lambda row: -found[row].doubt)
    assert set(ranked[:3]) == set(changed)
    assert [found[row].nearest for row in changed] == [truth[row] for row in changed]


def test_the_order_does_not_end_where_a_probability_would_be_one() -> None:
    features, truth = clouds(60)
    doubts = [each.doubt for each in find_suspects(features * 100, truth)]
    assert len(set(doubts)) > len(doubts) * 0.9


def test_too_few_pictures_are_one_sentence(make_pictures: object, tmp_path: Path) -> None:
    found = imported(make_pictures(count=3), tmp_path / "sets")  # type: ignore[operator]  # the fixture's function
    with pytest.raises(PictureError, match="too few pictures to tell"):
        answer(FindWrongLabels(found.folder).carry_out())


def test_what_was_found_is_forgotten_of_a_picture_that_is_relabelled(make_pictures: object, tmp_path: Path) -> None:
    found = imported(make_pictures(count=3), tmp_path / "sets")  # type: ignore[operator]  # the fixture's function
    rows = found.manifest.pictures
    keep_suspects(found, {row.sha256: Suspect(row.label, "sad", 1.5) for row in rows[:2]})
    assert kept_suspects(found) == {row.sha256: Suspect(row.label, "sad", 1.5) for row in rows[:2]}
    relabel_pictures(found, [rows[0].file], "tired")
    assert set(kept_suspects(SavedSet(found.folder))) == {rows[1].sha256}
    (found.folder / FILE).write_text("[torn", encoding="utf-8")
    assert kept_suspects(SavedSet(found.folder)) == {}


def test_a_page_hears_of_the_first_step_and_of_few_after_it() -> None:
    def steps(count: int):  # type: ignore[no-untyped-def]  # a generator for one test
        for number in range(count):
            yield Progress(number, count, "counting")
        return "done"

    heard = list(paced(steps(10_000), seconds=60))
    assert [each.done for each in heard] == [0]


@pytest.mark.slow
@pytest.mark.skipif(
    not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: `make run` once"
)
def test_changed_labels_of_drawn_people_come_before_the_others(tmp_path: Path) -> None:
    found = imported(DRAWN, tmp_path / "sets")
    rng = np.random.default_rng(0)
    rows = found.manifest.pictures
    wrong = {rows[place].sha256 for place in rng.choice(len(rows), 60, replace=False)}
    for row in rows:
        if row.sha256 in wrong:
            relabel_pictures(SavedSet(found.folder), [row.file], CLASSES[(CLASSES.index(row.label) + 2) % 4])
    said = answer(FindWrongLabels(found.folder).carry_out())
    assert "nearer to another class" in said
    suspects = kept_suspects(SavedSet(found.folder))
    assert roc_auc_score([sha256 in wrong for sha256 in suspects], [each.doubt for each in suspects.values()]) > 0.9
