"""Drawn faces: the same arguments give the same bits, and what is asked for can be seen."""

import random
from dataclasses import asdict
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from emotion.core.errors import PictureError
from emotion.core.labels import EMOTIONS
from emotion.faces.canvas import STYLES
from emotion.faces.controls import DRAWN_CONTROLS, drawing_of, is_redrawable, redrawn
from emotion.faces.cues import BASES, CUES, draw_cue, expressions_of, individuals
from emotion.faces.expression import NEUTRAL, RANGES, Expression, expression_of
from emotion.faces.faces_set import FOLDER, SETS, drawings_of
from emotion.faces.identity import SPECIES, identity_of
from emotion.faces.palette import PLAIN_BACKGROUND
from emotion.faces.portrait import draw

FACES = Path(__file__).resolve().parents[2] / FOLDER
SAMPLE = ["human_eval/happy/human_003", "dog_eval/sad/dog_011", "cat_eval/angry/cat_024", "dog_eval/tired/dog_039"]


def difference(first: Image.Image, second: Image.Image, box: tuple[int, int, int, int] | None = None) -> float:
    """Return the mean difference of two pictures, in a box, in grey levels."""
    return sum(ImageStat.Stat(ImageChops.difference(first.crop(box), second.crop(box))).mean) / 3


@pytest.mark.parametrize("species", SPECIES)
def test_the_same_arguments_give_the_same_bits_and_another_seed_or_expression_another_picture(species):
    identity = identity_of(species, seed=11)
    faces = [NEUTRAL, *(expression_of(e, species=species, strength=1, rng=random.Random(2)) for e in EMOTIONS)]
    pictures = [draw(species, identity, face, 11) for face in faces]
    assert {(each.size, each.mode) for each in pictures} == {((224, 224), "RGB")}
    assert draw(species, identity, faces[-1], 11).tobytes() == pictures[-1].tobytes()
    assert draw(species, identity, faces[-1], 12).tobytes() != pictures[-1].tobytes()
    # One individual looks another way in each emotion than in the others and at rest.
    assert min(difference(one, other) for one, other in combinations(pictures, 2)) > 0.5


@pytest.mark.parametrize("species", SPECIES)
def test_expressions_of_an_emotion_vary_stay_in_range_and_grow_with_strength(species):
    rng = random.Random(3)
    for emotion in EMOTIONS:
        drawn = [expression_of(emotion, species=species, strength=rng.uniform(0.6, 1.2), rng=rng) for _ in range(30)]
        assert len(set(drawn)) == len(drawn)
        for face in drawn:
            assert all(low <= getattr(face, name) <= high for name, (low, high) in RANGES.items())
    curves = [expression_of("happy", species=species, strength=s, rng=random.Random(8)).mouth_curve for s in (0.3, 1)]
    assert 0 < curves[0] < curves[1]


@pytest.mark.parametrize("name", SAMPLE)
def test_each_control_changes_its_own_part_and_no_other(name):
    picture = FACES / f"{name}.webp"
    drawing = drawing_of(picture)

    def drawn(expression: Expression, *, plain: bool = False) -> Image.Image:
        return draw(drawing.species, drawing.identity, expression, drawing.seed, plain=plain)

    expected = {f"{part}_neutral": drawn(drawing.expression.without(part)) for part in ("eyes", "brows", "mouth")}
    expected |= {"unchanged": drawn(drawing.expression), "background_removed": drawn(drawing.expression, plain=True)}
    assert set(DRAWN_CONTROLS) == set(expected) - {"unchanged"}
    after = {control: redrawn(picture, change) for control, change in DRAWN_CONTROLS.items()}
    for control, changed in after.items():
        assert min(expected, key=lambda other: difference(changed, expected[other])) == control
    # Without a change it has the pixels of its file.
    assert redrawn(picture).tobytes() == Image.open(picture).convert("RGB").tobytes()
    # Without its backdrop the corner is even, a little tinted by the light, and the face stays.
    corner, bare = (0, 0, 16, 16), after["background_removed"]
    assert difference(bare, Image.new("RGB", bare.size, PLAIN_BACKGROUND), corner) < 16
    assert max(ImageStat.Stat(bare.crop(corner)).stddev) < 2
    assert difference(bare, redrawn(picture), (90, 90, 134, 134)) < 5


def test_a_picture_that_was_not_drawn_is_refused_in_one_sentence(tmp_path):
    photo = tmp_path / "dog_eval" / "happy" / "dog.jpg"
    photo.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(photo)
    assert is_redrawable(FACES / "dog_eval")
    assert not is_redrawable(photo.parents[1])
    for manifest in (None, "[]", "torn"):
        if manifest is not None:
            (tmp_path / "dog_eval" / "manifest.json").write_text(manifest)
        with pytest.raises(PictureError, match=r"^happy/dog\.jpg is not a drawn picture [^.]*\.$"):
            redrawn(photo)


@pytest.mark.parametrize("cue", CUES.values(), ids=CUES)
def test_a_cue_moves_one_parameter_over_its_range_and_can_be_seen(cue):
    assert (cue.values[0], cue.values[-1]) == RANGES[cue.name]
    assert all(low < high for low, high in pairwise(cue.values))
    for species in cue.species:
        for base in BASES:
            faces = [asdict(each) for each in expressions_of(cue, base=base, species=species)]
            assert [face[cue.name] for face in faces] == list(cue.values)
            assert all({**face, cue.name: 0} == {**faces[0], cue.name: 0} for face in faces)
        sitter = individuals(species)[0]
        pictures = list(draw_cue(cue, base="neutral", individual=sitter))
        last = expressions_of(cue, base="neutral", species=species)[-1]
        assert pictures[-1].tobytes() == draw(species, sitter.identity, last, sitter.seed).tobytes()
        assert len({pictures[at].tobytes() for at in (0, len(pictures) // 2, -1)}) == 3


@pytest.mark.parametrize("species", SPECIES)
def test_cues_are_shown_on_the_same_individuals_of_every_style_none_of_them_trained_on(species):
    five, twenty = individuals(species), individuals(species, 20)
    assert (len(five), len({each.seed for each in twenty}), twenty[:4]) == (5, 20, five[:4])
    assert {each.identity.style for each in five[:4]} == set(STYLES)
    [evaluated] = [chosen for chosen in SETS if chosen.name == f"{species}_eval"]
    assert {each.seed for each in twenty} <= {each.seed for each in drawings_of(evaluated)}
