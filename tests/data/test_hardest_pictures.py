"""Labels that were changed on purpose come first, and what was found stays beside the set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import EMOTIONS
from helpers.sets import Sets, result_of
from sklearn.metrics import roc_auc_score

from emotion.analysis.hardest import FindHardest, find_suspects
from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.core.errors import PictureError
from emotion.core.files import hash_file
from emotion.data.findings import kept_suspects
from emotion.data.sets import SavedSet

DRAWN = Path(__file__).parents[2] / "assets" / "faces" / "human_train"


def clouds(count: int, *, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Features of four classes around four centres, with more directions than pictures of a class."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(4, 64)) * 1.2
    truth = np.repeat(np.arange(4), count)
    return centres[truth] + rng.normal(size=(4 * count, 64)), [EMOTIONS[each] for each in truth]


@pytest.mark.parametrize("count", [8, 60])
def test_changed_labels_come_before_the_others_and_name_the_class_they_came_from(count: int):
    features, truth = clouds(count)
    given, changed = list(truth), [0, count, 2 * count]
    for row in changed:
        given[row] = EMOTIONS[(EMOTIONS.index(truth[row]) + 1) % 4]
    found = find_suspects(features, given)
    ranked = sorted(range(len(found)), key=lambda row: -found[row].doubt)
    assert set(ranked[:3]) == set(changed)
    assert [found[row].nearest for row in changed] == [truth[row] for row in changed]


def test_the_order_does_not_end_where_a_probability_would_be_one():
    features, truth = clouds(60)
    doubts = [each.doubt for each in find_suspects(features * 100, truth)]
    assert len(set(doubts)) > len(doubts) * 0.9


def test_too_few_pictures_are_one_sentence(sets: Sets, make_pictures: Callable[..., Path]):
    made = sets.bring(make_pictures(count=3))
    with pytest.raises(PictureError, match="too few pictures to tell"):
        result_of(FindHardest(made.folder).carry_out())


@pytest.mark.slow
@pytest.mark.skipif(not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: run `make run`")
def test_changed_labels_of_drawn_people_come_before_the_others_until_they_are_put_right(sets: Sets):
    made = sets.bring(DRAWN)
    wrong = set()
    for label, names in {label: made.names(label)[::10] for label in made.counts}.items():
        wrong |= {hash_file(made.folder / name) for name in names}
        sets.relabel(names, EMOTIONS[(EMOTIONS.index(label) + 2) % 4])
    assert "nearer to another class" in result_of(FindHardest(made.folder).carry_out())
    suspects = kept_suspects(SavedSet(made.folder))
    doubts = {sha256: each.doubt for sha256, each in suspects.items()}
    assert roc_auc_score([sha256 in wrong for sha256 in doubts], list(doubts.values())) > 0.9
    first = max(doubts, key=doubts.__getitem__)
    [name] = [name for name in sets.show().names() if hash_file(made.folder / name) == first]
    sets.relabel([name], suspects[first].nearest)
    assert set(kept_suspects(SavedSet(made.folder))) == set(doubts) - {first}
