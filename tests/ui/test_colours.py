"""The colours that carry a meaning stay apart for every common kind of colour vision, and lines stand out."""

from itertools import combinations

import pytest
from coloraide import Color

from emotion.core.labels import EMOTION_COLOURS, SECOND_COLOURS, SPECIES_COLOURS
from emotion.report.training import TRAINING_COLOUR, VALIDATION_COLOUR
from emotion.ui.training_curves import RUN_COLOURS, run_look

APART = 14
# The grounds of a chart, light and dark.
GROUNDS = ("#FFFFFF", "#171C29")
GROUPS = {
    "emotions": tuple(EMOTION_COLOURS.values()),
    "species": tuple(SPECIES_COLOURS.values()),
    **{f"a second {name}": (*SPECIES_COLOURS.values(), shade) for name, shade in SECOND_COLOURS.items()},
    "runs": RUN_COLOURS,
    "training and validation": (TRAINING_COLOUR, VALIDATION_COLOUR),
}


def seen(colour: str, vision: str) -> Color:
    """Return a colour as it is seen: by Machado et al. 2009 (doi 10.1109/TVCG.2009.113) at severity 1."""
    if vision == "normal":
        return Color(colour)
    return Color(colour).filter(vision, 1, method="machado").clip("srgb")


@pytest.mark.parametrize("vision", ["normal", "protan", "deutan", "tritan"])
@pytest.mark.parametrize("group", GROUPS)
def test_the_colours_of_a_group_stay_apart(group: str, vision: str):
    """Any two differ by a CIEDE2000 of 14 and more.

    One is about what can just be told apart side by side, as large patches; dots and lines with others in between
    need many times that. The measure of "many" is the palette that is recommended for this: in Okabe and Ito's
    seven colours the closest two differ by 10.9 (tritanopia), and we ask for a quarter more.
    """
    pairs = combinations([seen(colour, vision) for colour in GROUPS[group]], 2)
    assert min(one.delta_e(two, method="2000") for one, two in pairs) > APART


def test_each_of_a_dozen_runs_has_a_colour_and_mark_of_its_own():
    assert len({run_look(number) for number in range(12)}) == 12


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_line_stands_out_from_its_ground(ground: str):
    """At 3 to 1, as WCAG 1.4.11 asks of graphics: a line's colour is all there is, where a bar has its number."""
    faint = {colour: Color(colour).contrast(ground) for colour in (*RUN_COLOURS, TRAINING_COLOUR, VALIDATION_COLOUR)}
    assert min(faint.values()) >= 3, faint
