"""Controls of a comparison on judges whose eyes are known: what they look at is what they miss."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageStat
from scipy.stats import false_discovery_control, ttest_rel

from emotion.comparison import Comparison, ScoredPicture, load_comparison, save_comparison, summarise
from emotion.errors import ConfigError, PictureError
from emotion.faces.faces_set import FOLDER
from emotion.labels import EMOTIONS
from emotion.pictures.controls import PICTURE_CONTROLS
from emotion.pictures.decoding import open_picture
from emotion.run import Run
from emotion.statistics.intervals import mean_interval
from emotion.studies.controls import (
    CONTROLS,
    SHUFFLED,
    Control,
    ControlResult,
    keep_control,
    kept_controls,
    offered,
    shuffled,
    told_of_looks,
)
from emotion.studies.keeping import keep

FACES = Path(__file__).resolve().parents[2] / FOLDER


def scores_of(share: float, label: str = "happy") -> dict[str, float]:
    """Return probabilities that give ``label`` a share and the others the rest alike."""
    return {name: share if name == label else (1 - share) / 3 for name in EMOTIONS}


@dataclass
class SeeingJudge:
    """Makes of each picture what ``sees`` says, as the probability of "happy"."""

    run: Run
    sees: Callable[[Image.Image], float]
    classes: list[str] = field(default_factory=lambda: list(EMOTIONS))
    precision: str = "float32"
    looks: int = 0

    def score(self, pictures: Sequence[Path | Image.Image]) -> list[dict[str, float] | PictureError]:
        self.looks += len(pictures)
        images = [open_picture(each) if isinstance(each, Path) else each for each in pictures]
        return [scores_of(self.sees(each)) for each in images]


def brightness(picture: Image.Image) -> float:
    return float(ImageStat.Stat(picture.convert("L")).mean[0]) / 255


def of_top(picture: Image.Image) -> float:
    return brightness(picture.crop((0, 0, picture.width, picture.height // 2)))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "run").mkdir()
    return Run(tmp_path / "run")


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, list[Path]]:
    """Two sets of pictures of patches, as photographs would be: nobody knows how they were made."""
    rng, found = random.Random(3), {}
    for name in ("human", "dog"):
        folder = tmp_path / f"{name}_eval" / "happy"
        folder.mkdir(parents=True)
        found[name] = [folder / f"{number}.png" for number in range(8)]
        for path in found[name]:
            Image.frombytes("RGB", (4, 4), rng.randbytes(48)).resize((40, 40), Image.Resampling.NEAREST).save(path)
    return found


def compared(judge: SeeingJudge, pictures: Mapping[str, Sequence[Path]], *, seed: int = 42) -> Path:
    """Save what a judge says of the pictures, whose labels are their folders' names."""
    sets: dict[str, dict[str, Any]] = {name: {} for name in pictures}
    for name, paths in pictures.items():
        for label in dict.fromkeys(path.parent.name for path in paths):
            own = [path for path in paths if path.parent.name == label]
            scored = [
                ScoredPicture(str(path), "0" * 64, label, dict(said))
                for path, said in zip(own, judge.score(own), strict=True)
                if isinstance(said, dict)
            ]
            sets[name][label] = summarise(scored, classes=EMOTIONS)
    folders = {name: str(paths[0].parents[1]) for name, paths in pictures.items()}
    return save_comparison(
        Comparison(str(judge.run.path), 0.0, seed, 8, list(EMOTIONS), "float32", folders, sets), run=judge.run
    )


def done(study: Generator[Any, None, ControlResult]) -> ControlResult:
    try:
        while True:
            next(study)
    except StopIteration as end:
        result: ControlResult = end.value
        return result


def controlled(judge: SeeingJudge, comparison: Path, name: str) -> ControlResult:
    return done(Control(judge.run, str(comparison), name).carry_out(judge))


def test_a_judge_of_the_upper_half_misses_that_half_and_no_other(run, photos):
    judge = SeeingJudge(run, of_top)
    file = compared(judge, photos)
    top, bottom = (controlled(judge, file, name) for name in ("top_covered", "bottom_covered"))
    for name in photos:
        assert bottom.sets[name].change.mean == 0
        assert not bottom.sets[name].change.is_told
        assert top.sets[name].change.mean != 0
        # All covered halves look alike.
        low, high = top.sets[name].after.correct_confidence_interval
        assert high - low < 1e-9


@pytest.mark.parametrize(("name", "blind"), [("mirrored", True), ("upside_down", False), ("grey", True)])
def test_a_judge_of_the_uppers_brightness_sees_what_turns_it_down_alone(run, photos, name, blind):
    judge = SeeingJudge(run, of_top)
    result = controlled(judge, compared(judge, photos), name)
    assert all((abs(each.change.mean) < 1e-3) == blind for each in result.sets.values())


def test_the_change_is_paired_over_the_same_pictures(run, photos):
    judge = SeeingJudge(run, of_top)
    file = compared(judge, photos)
    result = controlled(judge, file, "upside_down").sets["dog"]
    before = [picture.correct_confidence for picture in load_comparison(file).pooled("dog").pictures]
    turned = PICTURE_CONTROLS["upside_down"].change
    after = [of_top(turned(open_picture(path))) for path in photos["dog"]]
    interval = ttest_rel(after, before).confidence_interval(0.95)
    assert result.change.interval == pytest.approx((interval.low, interval.high))
    assert result.change.p_value == pytest.approx(ttest_rel(after, before).pvalue)
    assert result.before.correct_confidence == pytest.approx(np.mean(before))
    assert result.after.correct_confidence == pytest.approx(np.mean(after))
    assert result.after.correct_confidence_interval == pytest.approx(mean_interval(after))
    assert result.before.correct == sum(value > 0.25 for value in before)
    assert (result.before.n, result.after.n, result.left_out) == (8, 8, 0)


def test_progress_goes_through_all_pictures_in_order(run, photos):
    judge = SeeingJudge(run, of_top)
    steps = list(Control(run, str(compared(judge, photos)), "grey").carry_out(judge))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert {step.total for step in steps} == {16}
    assert steps[0].doing == "Grey: looking at 16 pictures"


def test_shuffled_labels_ask_the_judge_nothing_and_are_the_seeds(run, photos):
    judge = SeeingJudge(run, of_top)
    file = compared(judge, photos)
    looks = judge.looks
    results = [controlled(judge, file, "shuffled") for _ in range(2)]
    assert judge.looks == looks
    assert results[0] == results[1]
    other = compared(judge, photos, seed=43)
    assert controlled(judge, other, "shuffled") != results[0]


@pytest.mark.parametrize("shown", [EMOTIONS, ("happy",)], ids=["all emotions", "one emotion"])
def test_under_shuffled_labels_a_perfect_judge_falls_to_chance(shown):
    pictures = [ScoredPicture(f"{label}/{i}", "", label, scores_of(0.97, label)) for label in shown for i in range(400)]
    comparison = Comparison("run", 0.0, 7, None, list(EMOTIONS), "float32", {}, {})
    dealt = shuffled(pictures, comparison, name="dog")
    assert [each.scores for each in dealt] == [each.scores for each in pictures]
    confidences = [each.correct_confidence for each in dealt]
    error = np.std(confidences) / np.sqrt(len(confidences))
    # Four standard errors: once in 16,000 seeds by chance, and the seed is fixed.
    assert np.mean(confidences) == pytest.approx(0.25, abs=4 * error)
    if len(shown) > 1:
        assert sorted(each.label for each in dealt) == sorted(each.label for each in pictures)


def test_over_many_seeds_shuffled_labels_average_to_chance():
    rng = np.random.default_rng(0)
    pictures = [
        ScoredPicture(str(i), "", "happy", dict(zip(EMOTIONS, row, strict=True)))
        for i, row in enumerate(rng.dirichlet([3, 1, 0.5, 0.5], 20).tolist())
    ]
    means = []
    for seed in range(400):
        comparison = Comparison("run", 0.0, seed, None, list(EMOTIONS), "float32", {}, {})
        means.append(np.mean([each.correct_confidence for each in shuffled(pictures, comparison, name="cat")]))
    assert np.mean(means) == pytest.approx(0.25, abs=4 * np.std(means) / 20)


def test_a_judge_of_the_lower_half_needs_the_drawn_mouth_more_than_the_brows(run):
    pictures = {
        f"{species}": sorted((FACES / f"{species}_eval" / "happy").glob("*.webp"))[:6] for species in ("human", "dog")
    }

    def of_mouth(picture: Image.Image) -> float:
        # How much of the lower middle is as dark as an open mouth.
        low = picture.convert("L").crop((72, 124, 152, 190))
        return 0.1 + 0.8 * sum(low.histogram()[:80]) / (low.width * low.height)

    judge = SeeingJudge(run, of_mouth)
    file = compared(judge, pictures)
    assert {control.name for control in offered(load_comparison(file))} == set(CONTROLS)
    mouth, brows = (controlled(judge, file, f"{part}_neutral") for part in ("mouth", "brows"))
    for name in pictures:
        assert mouth.sets[name].change.mean < -0.02
        assert abs(brows.sets[name].change.mean) < 0.01


def test_pictures_that_were_not_drawn_are_offered_no_redrawing_and_refused_it(run, photos):
    judge = SeeingJudge(run, of_top)
    file = compared(judge, photos)
    assert [control.name for control in offered(load_comparison(file))] == [*PICTURE_CONTROLS, "shuffled"]
    with pytest.raises(PictureError, match="not a drawn picture"):
        controlled(judge, file, "eyes_neutral")
    with pytest.raises(ConfigError, match="no control 'nose'"):
        controlled(judge, file, "nose")


def test_a_picture_that_is_gone_is_left_out_and_counted_and_a_set_without_any_refused(run, photos):
    judge = SeeingJudge(run, of_top)
    file = compared(judge, photos)
    photos["dog"][3].unlink()
    photos["dog"][5].write_text("torn")
    dogs = controlled(judge, file, "grey").sets["dog"]
    assert (dogs.before.n, dogs.after.n, dogs.change.n, dogs.left_out) == (6, 6, 6, 2)
    assert dogs.change.mean == pytest.approx(0, abs=1e-3)
    for path in photos["dog"]:
        path.unlink(missing_ok=True)
    with pytest.raises(PictureError, match="None of the pictures of dog"):
        controlled(judge, file, "grey")


def test_results_are_kept_beside_the_comparison_row_by_row(run, photos):
    judge = SeeingJudge(run, of_top)
    file = compared(judge, photos)
    assert kept_controls(file) == {}
    results = {name: controlled(judge, file, name) for name in ("shuffled", "grey", "top_covered")}
    for result in results.values():
        keep_control(file, result)
    assert kept_controls(file) == results
    assert list(kept_controls(file)) == ["top_covered", "grey", "shuffled"]
    assert kept_controls(compared(judge, photos)) == {}
    keep(file, "controls", {"grey": {"name": "grey", "sets": {"dog": 3}}, "mirrored": 1, "gone": {}})
    assert kept_controls(file) == {}


def test_the_corrected_findings_are_at_most_the_uncorrected_and_leave_shuffled_labels_out(run, photos):
    # Of contrast, which a cover takes from every picture alike.
    judge = SeeingJudge(run, lambda picture: ImageStat.Stat(picture.convert("L").crop((0, 0, 40, 20))).stddev[0] / 128)
    file = compared(judge, photos)
    results = {name: controlled(judge, file, name) for name in [*PICTURE_CONTROLS, SHUFFLED.name]}
    looks, told, left = told_of_looks(results)
    values = [each.change.p_value for name in PICTURE_CONTROLS for each in results[name].sets.values()]
    assert (looks, told) == (2 * len(PICTURE_CONTROLS), sum(value < 0.05 for value in values))
    assert left == sum(false_discovery_control(values, method="by") < 0.05)
    assert 0 < left <= told
    assert told_of_looks({}) == (0, 0, 0)
