"""What comparisons are timed with is to them what any other picture is."""

from __future__ import annotations

import numpy as np

from emotion.bench.predictions import PER_CLASS, SAMPLE, two_sets
from emotion.bench.workplace import Workplace
from emotion.pictures.decoding import open_picture
from emotion.pictures.duplicates import TrainedOn, fingerprint
from emotion.pictures.folders import find_pictures, list_pictures


def test_no_timed_picture_is_known_as_one_that_was_trained_on(workplace: Workplace) -> None:
    pictures = find_pictures(workplace.training_set)
    bits = np.array([fingerprint(open_picture(each.path)) for each in pictures])
    trained_on = TrainedOn(
        [str(each.path) for each in pictures], {each.sha256: str(each.path) for each in pictures}, bits
    )
    sets, sample = two_sets(workplace)
    assert [len(paths) for folder in sets.values() for paths in list_pictures(folder).values()] == [PER_CLASS] * 8
    assert len(sample) == 2 * SAMPLE
    assert trained_on.twins([each for folder in sets.values() for each in find_pictures(folder)]) == {}
