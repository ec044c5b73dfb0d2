"""Picture sets as people have them: trained on where that can be, one sentence where not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from emotion.classifier import SCORING_BATCH, Classifier
from emotion.config import TrainConfig
from emotion.errors import PictureError
from emotion.events import EpochDone, PicturesSkipped, RunFailed, RunFinished
from emotion.pictures.folders import list_pictures
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run


def add_odd_pictures(folder: Path) -> None:
    """Add one picture of every odd kind that is still a picture."""
    Image.new("L", (30, 40), 128).save(folder / "grey.png")
    Image.new("CMYK", (30, 40), (10, 20, 30, 0)).save(folder / "press.jpg")
    Image.new("I;16", (30, 40), 40_000).save(folder / "sixteen_bit.png")
    Image.new("RGBA", (30, 40), (255, 0, 0, 90)).save(folder / "transparent.png")
    frames = [Image.new("RGB", (30, 40), colour) for colour in ("red", "blue")]
    frames[0].save(folder / "wink.gif", save_all=True, append_images=frames[1:])
    Image.new("RGB", (1, 1), "red").save(folder / "dot.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("RGB", (30, 40), "red").save(folder / "phone.jpg", exif=exif)


def add_unreadable_pictures(folder: Path) -> list[Path]:
    """Add a text and half a photograph, and return both."""
    text, half = folder / "text.jpg", folder / "half.jpg"
    text.write_text("no picture")
    Image.effect_noise((64, 64), 90).convert("RGB").save(half)
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    return [text, half]


@pytest.mark.parametrize(("depth", "augmentation"), [("head", "strong"), ("all", "light")])
def test_a_set_of_odd_pictures_trains_and_names_the_two_that_cannot_be_read(
    tiny_config: TrainConfig, tmp_path: Path, depth: str, augmentation: str
) -> None:
    add_odd_pictures(Path(tiny_config.pictures) / "happy")
    bad = add_unreadable_pictures(Path(tiny_config.pictures) / "sad")
    config = replace(tiny_config, depth=depth, augmentation=augmentation)
    events = list(train_run(create_run(config, root=tmp_path / "runs")))
    assert isinstance(events[-1], RunFinished), events[-1]
    [skipped] = [event for event in events if isinstance(event, PicturesSkipped)]
    assert set(skipped.reasons) == {str(path) for path in bad}
    assert all(Path(path).name in reason for path, reason in skipped.reasons.items())
    assert all(math.isfinite(event.validation.loss) for event in events if isinstance(event, EpochDone))


def leave(folder: Path, *, classes: int, pictures: int) -> None:
    """Delete all but the first so many classes, and all but so many pictures of the last one left."""
    listed = list(list_pictures(folder).values())
    for paths in [*listed[classes:], listed[classes - 1][pictures:]]:
        for path in paths:
            path.unlink()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: folder.rename(folder.with_name("gone")), "There is no folder"),
        (lambda folder: leave(folder, classes=1, pictures=0), "No pictures in the class folders"),
        (lambda folder: leave(folder, classes=1, pictures=12), "Only one class, 'happy', has pictures"),
        (lambda folder: leave(folder, classes=4, pictures=1), "The class 'tired' has one picture"),
    ],
)
def test_a_set_that_cannot_be_trained_on_fails_with_one_sentence(
    tiny_config: TrainConfig, tmp_path: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(Path(tiny_config.pictures))
    run = create_run(tiny_config, root=tmp_path / "runs")
    [failed] = train_run(run)
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith(sentence)
    assert not (run.path / "error.log").exists()


def test_other_names_of_the_emotions_are_trained_on_as_these_when_asked_for(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    folder = Path(tiny_config.pictures)
    (folder / "angry").rename(folder / "Anger")
    (folder / "tired").rename(folder / "sleepy")
    for use_aliases, classes in (
        (False, ["happy", "sad", "Anger", "sleepy"]),
        (True, ["happy", "sad", "angry", "tired"]),
    ):
        run = create_run(replace(tiny_config, use_aliases=use_aliases), root=tmp_path / "runs")
        assert isinstance(list(train_run(run))[-1], RunFinished)
        assert run.record()["classes"] == Classifier(run).classes == classes


def test_scoring_reports_what_cannot_be_read_and_predicting_raises(tiny_config: TrainConfig, tmp_path: Path) -> None:
    run: Run = create_run(replace(tiny_config, epochs=1), root=tmp_path / "runs")
    list(train_run(run))
    classifier = Classifier(run)
    good = list_pictures(Path(tiny_config.pictures))["happy"]
    bad = add_unreadable_pictures(tmp_path)
    alone = classifier.score(good)
    # The first batch holds nothing that can be read, the second one both kinds.
    mixed = classifier.score([*bad * (SCORING_BATCH // 2), bad[0], *good])
    assert [str(each) for each in mixed[:2]] == [
        "text.jpg is not a picture: use a .jpg, .png or .webp file.",
        next(str(each) for each in classifier.score(bad[1:])),
    ]
    assert all(isinstance(each, PictureError) for each in mixed[: SCORING_BATCH + 1])
    assert mixed[SCORING_BATCH + 1 :] == [pytest.approx(scores, abs=1e-5) for scores in alone]
    with pytest.raises(PictureError, match=r"text\.jpg is not a picture"):
        classifier.predict(bad[0])
