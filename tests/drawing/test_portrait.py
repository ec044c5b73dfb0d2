"""Drawing: the same arguments give the same bits, in every style, on Pillow alone."""

import json
import random
import subprocess
import sys

import pytest

from emotion.drawing.canvas import STYLES
from emotion.drawing.expression import NEUTRAL, expression_of
from emotion.drawing.identity import SPECIES, identity_from_json, identity_of
from emotion.drawing.portrait import draw
from emotion.drawing.scene import scene_of


@pytest.mark.parametrize("species", SPECIES)
def test_the_same_arguments_give_the_same_bytes(species):
    identity = identity_of(species, seed=11)
    expression = expression_of("sad", species=species, strength=0.9, rng=random.Random(2))
    first = draw(species, identity, expression, 11)
    assert first.size == (224, 224)
    assert first.mode == "RGB"
    assert first.tobytes() == draw(species, identity, expression, 11).tobytes()
    assert first.tobytes() != draw(species, identity, expression, 12).tobytes()
    assert first.tobytes() != draw(species, identity, NEUTRAL, 11).tobytes()


@pytest.mark.parametrize("species", SPECIES)
def test_every_style_draws_many_individuals(species):
    pictures = set()
    for style in STYLES:
        for seed in range(4):
            identity = identity_of(species, seed=seed, styles=[style])
            assert identity.style == style
            pictures.add(draw(species, identity, NEUTRAL, seed).tobytes())
    assert len(pictures) == 4 * len(STYLES)


@pytest.mark.parametrize("species", SPECIES)
def test_an_identity_survives_json(species):
    identity = identity_of(species, seed=4)
    assert identity_from_json(species, json.loads(json.dumps(identity.to_json()))) == identity


def test_a_plain_picture_has_one_background_colour():
    identity = identity_of("cat", seed=3)
    corners = {draw("cat", identity, NEUTRAL, seed, plain=True).getpixel((0, 0)) for seed in (3,)}
    assert corners == {draw("cat", identity, NEUTRAL, 3, plain=True).getpixel((223, 0))}


def test_scenes_vary_in_pose_light_and_background():
    scenes = [scene_of(seed) for seed in range(60)]
    assert len({scene.background for scene in scenes}) == 8
    assert len({scene.colours for scene in scenes}) > 30
    assert min(scene.turn for scene in scenes) < -4 < 4 < max(scene.turn for scene in scenes)
    assert {scene.light.x > 0 for scene in scenes} == {True, False}


def test_drawing_needs_neither_torch_nor_numpy():
    code = "import sys, emotion.drawing; print([m for m in ('torch', 'numpy', 'gradio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
