"""Cues: each moves one parameter, can be seen, and is shown on fixed individuals."""

from dataclasses import asdict
from itertools import pairwise

import pytest

from emotion.drawing.canvas import STYLES
from emotion.drawing.cues import BASES, CUES, base_of, draw_cue, expressions_of, find_cue, individuals
from emotion.drawing.expression import NEUTRAL, RANGES
from emotion.drawing.faces_set import SETS, drawings_of
from emotion.drawing.moods import MOODS
from emotion.drawing.portrait import draw, draw_series
from emotion.errors import ConfigError

CASES = [(cue, species) for cue in CUES.values() for species in cue.species]


@pytest.mark.parametrize(("cue", "species"), CASES, ids=lambda value: getattr(value, "name", value))
def test_a_cue_can_be_seen_on_each_species_that_has_it(cue, species):
    sitter = individuals(species)[0]
    low, *_, high = expressions_of(cue, base="neutral", species=species)
    middle = expressions_of(cue, base="neutral", species=species)[len(cue.values) // 2]
    faces = draw_series(species, sitter.identity, [low, middle, high], sitter.seed)
    assert len({face.tobytes() for face in faces}) == 3


@pytest.mark.parametrize("cue", CUES.values(), ids=lambda cue: cue.name)
def test_a_cue_moves_one_parameter_from_end_to_end_of_its_range(cue):
    assert (cue.values[0], cue.values[-1]) == RANGES[cue.name]
    assert all(low < high for low, high in pairwise(cue.values))
    for base in BASES:
        for species in cue.species:
            faces = [asdict(each) for each in expressions_of(cue, base=base, species=species)]
            assert [face[cue.name] for face in faces] == list(cue.values)
            assert all({**face, cue.name: 0} == {**faces[0], cue.name: 0} for face in faces)


def test_ears_are_a_cue_of_animals_alone():
    for name in ("ear_lift", "ear_back"):
        person = individuals("human")[0]
        moved = [
            draw("human", person.identity, each, person.seed).tobytes()
            for each in expressions_of(CUES[name], base="neutral", species="human")
        ]
        assert len(set(moved)) == 1
        assert "human" not in CUES[name].species


def test_the_face_beneath_is_neutral_or_the_most_usual_mood():
    assert base_of("neutral", species="dog") == NEUTRAL
    for species, moods in MOODS.items():
        for emotion, choices in moods.items():
            face = base_of(emotion, species=species)
            weight, mood = choices[0]
            assert weight == max(each for each, _ in choices)
            assert all(getattr(face, name) == value for name, value in mood.items())


def test_teeth_are_shown_in_an_open_mouth_and_never_close_one():
    assert all(face.mouth_opening == 0.4 for face in expressions_of(CUES["teeth"], base="neutral", species="human"))
    assert all(face.mouth_opening == 0.75 for face in expressions_of(CUES["teeth"], base="happy", species="dog"))


@pytest.mark.parametrize("species", MOODS)
def test_the_individuals_are_fixed_cover_every_style_and_are_not_trained_on(species):
    five, twenty = individuals(species), individuals(species, 20)
    assert (len(five), len(twenty)) == (5, 20)
    assert twenty[:4] == five[:4]
    assert {each.identity.style for each in five[:4]} == set(STYLES)
    assert len({each.seed for each in twenty}) == 20
    evaluated = {each.seed for chosen in SETS if chosen.name == f"{species}_eval" for each in drawings_of(chosen)}
    assert {each.seed for each in twenty} <= evaluated


def test_a_series_draws_what_single_pictures_would_be():
    dog = individuals("dog")[1]
    faces = expressions_of(CUES["mouth_opening"], base="sad", species="dog")
    singles = [draw("dog", dog.identity, face, dog.seed, plain=True).tobytes() for face in faces]
    series = draw_series("dog", dog.identity, faces, dog.seed, plain=True)
    assert [face.tobytes() for face in series] == singles


def test_a_cue_is_drawn_on_its_individual_at_every_value():
    cat, cue = individuals("cat")[2], CUES["tear"]
    expected = [
        draw("cat", cat.identity, face, cat.seed).tobytes() for face in expressions_of(cue, base="sad", species="cat")
    ]
    assert [face.tobytes() for face in draw_cue(cue, base="sad", individual=cat)] == expected


def test_unknown_cues_bases_and_numbers_are_refused():
    with pytest.raises(ConfigError, match="no cue 'nose'"):
        find_cue("nose")
    with pytest.raises(ConfigError, match="no face 'bored'"):
        base_of("bored", species="dog")
    for number in (0, -1, 161):
        with pytest.raises(ConfigError, match="choose from 1 to 160"):
            individuals("cat", number)
