"""Drawings drawn again: the file's own pixels without a change, and with one only that part is another."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from emotion.drawing.controls import DRAWN_CONTROLS, drawing_of, is_redrawable, redrawn
from emotion.drawing.expression import Expression
from emotion.drawing.faces_set import FOLDER
from emotion.drawing.palette import PLAIN_BACKGROUND
from emotion.drawing.portrait import draw
from emotion.errors import PictureError
from emotion.pictures.decoding import open_picture

FACES = Path(__file__).resolve().parents[2] / FOLDER
SAMPLE = [
    FACES / f"{species}_eval" / label / f"{species}_{number:03}.webp"
    for species in ("human", "dog", "cat")
    for label, number in (("happy", 3), ("sad", 11), ("angry", 24), ("tired", 39))
]


def moved(first: Image.Image, second: Image.Image, box: tuple[int, int, int, int]) -> float:
    """Return the mean difference of two pictures in a box, in grey levels."""
    stat = ImageStat.Stat(ImageChops.difference(first.crop(box), second.crop(box)))
    return sum(stat.mean) / 3


@pytest.mark.parametrize("picture", SAMPLE, ids=lambda path: f"{path.parents[1].name}-{path.parent.name}")
def test_drawn_again_without_a_change_it_has_the_pixels_of_its_file(picture):
    assert redrawn(picture).tobytes() == open_picture(picture).tobytes()


@pytest.mark.parametrize("picture", SAMPLE[::2], ids=lambda path: f"{path.parents[1].name}-{path.parent.name}")
def test_each_control_gives_the_drawing_with_its_part_put_back_and_no_other(picture):
    drawing = drawing_of(picture)

    def drawn(expression: Expression, *, plain: bool = False) -> Image.Image:
        return draw(drawing.species, drawing.identity, expression, drawing.seed, plain=plain)

    uncoded = {
        "": drawn(drawing.expression),
        "eyes_neutral": drawn(drawing.expression.without("eyes")),
        "brows_neutral": drawn(drawing.expression.without("brows")),
        "mouth_neutral": drawn(drawing.expression.without("mouth")),
        "background_removed": drawn(drawing.expression, plain=True),
    }
    assert set(uncoded) - {""} == set(DRAWN_CONTROLS)
    for name, control in DRAWN_CONTROLS.items():
        after = redrawn(picture, control)
        distances = {other: moved(after, each, (0, 0, *after.size)) for other, each in uncoded.items()}
        assert min(distances, key=distances.__getitem__) == name


@pytest.mark.parametrize("picture", SAMPLE, ids=lambda path: f"{path.parents[1].name}-{path.parent.name}")
def test_without_its_backdrop_the_corner_is_plain_and_the_face_stays(picture):
    file, after = open_picture(picture), redrawn(picture, DRAWN_CONTROLS["background_removed"])
    plain = Image.new("RGB", after.size, PLAIN_BACKGROUND)
    # The light tints the whole picture a little.
    assert moved(after, plain, (0, 0, 16, 16)) < 16
    assert max(ImageStat.Stat(after.crop((0, 0, 16, 16))).stddev) < 2
    assert moved(after, file, (90, 90, 134, 134)) < 5


def test_a_picture_that_was_not_drawn_is_refused_in_one_sentence(tmp_path):
    photo = tmp_path / "dog_eval" / "happy" / "dog.jpg"
    photo.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(photo)
    for manifest in (None, "[]", "torn"):
        if manifest is not None:
            (tmp_path / "dog_eval" / "manifest.json").write_text(manifest)
        with pytest.raises(PictureError, match=r"^happy/dog\.jpg is not a drawn picture [^.]*\.$"):
            redrawn(photo)
    with pytest.raises(PictureError):
        redrawn(FACES / "dog_eval" / "happy" / "dog_999.webp")


def test_a_set_with_a_manifest_can_be_drawn_again(tmp_path):
    assert is_redrawable(FACES / "cat_eval")
    assert not is_redrawable(tmp_path)
