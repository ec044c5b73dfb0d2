"""Times and counts are said as a person says them."""

import pytest

from emotion.core.format import count, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.012, "12 ms"), (0.14, "0.1 s"), (9.96, "10 s"), (59.6, "1 min"), (200, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_a_time_is_told_in_the_unit_that_a_person_would_take(seconds: float, words: str):
    assert duration(seconds) == words


def test_one_is_singular_and_thousands_have_their_comma():
    assert count(1, "picture") == "1 picture"
    assert count(1200, "picture") == "1,200 pictures"
