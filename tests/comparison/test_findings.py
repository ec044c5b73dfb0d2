"""What a comparison is said to show: gaps, fallbacks to one class, and when neither can be told."""

from __future__ import annotations

import pytest

from emotion.comparison import Comparison, ScoredPicture, summarise
from emotion.comparison.findings import (
    collapse_sentence,
    collapses,
    confusion,
    details_sentence,
    gap_sentence,
    gaps_of,
    plural,
    reference_of,
)

CLASSES = ["happy", "sad", "angry", "tired"]


def picture(label: str, number: int, **scores: float) -> ScoredPicture:
    rest = (1 - sum(scores.values())) / (4 - len(scores))
    return ScoredPicture(
        f"{label}{number}.png", f"{number:064}", label, {name: scores.get(name, rest) for name in CLASSES}
    )


def comparison(**sets: dict[str, list[ScoredPicture]]) -> Comparison:
    results = {
        name: {label: summarise(pictures, classes=CLASSES) for label, pictures in parts.items()}
        for name, parts in sets.items()
    }
    return Comparison("runs/a", 0.0, 42, 20, CLASSES, "float32", dict.fromkeys(sets, "/sets"), results)


def happy(centre: float, *, n: int = 20, spread: float = 0.1) -> list[ScoredPicture]:
    return [picture("happy", i, happy=centre + spread * (i / (n - 1) - 0.5)) for i in range(n)]


def test_a_wide_gap_is_told_with_its_interval_and_what_could_not_be_told() -> None:
    [gap] = comparison(human={"happy": happy(0.7)}, dog={"happy": happy(0.3)}).gaps
    assert gap_sentence(gap) == (
        "Humans 40 points above dogs on “happy” (95 %: 38 to 42); with 20 pictures each, gaps under about 2 points "
        "cannot be told from luck."
    )
    assert details_sentence(gap).startswith("Permutation test: p < 0.001; in 100 % of pairs the human picture gets")


def test_a_small_gap_is_called_luck_and_says_what_it_would_take() -> None:
    [gap] = comparison(human={"happy": happy(0.5, spread=0.9)}, dog={"happy": happy(0.46, spread=0.9)}).gaps
    assert "which luck alone can do" in gap_sentence(gap)
    needed = gap.difference.needed
    assert needed is not None
    assert needed > 100
    assert f"about {needed:,} pictures each are needed" in gap_sentence(gap)


def test_people_are_held_against_every_other_set_wherever_they_stand() -> None:
    found = comparison(dog={"happy": happy(0.3)}, human={"happy": happy(0.7)}, cat={"happy": happy(0.2)})
    assert reference_of(found) == "human"
    assert [(gap.reference, gap.other) for gap in found.gaps] == [("human", "dog"), ("human", "cat")]


def test_p_values_of_a_grid_are_corrected_for_all_of_them() -> None:
    def emotions(centre: float) -> dict[str, list[ScoredPicture]]:
        return {
            label: [picture(label, i, **{label: centre + 0.4 * (i / 19 - 0.5)}) for i in range(20)] for label in CLASSES
        }

    found = comparison(human=emotions(0.5), dog=emotions(0.45)).gaps
    assert [gap.emotion for gap in found] == [*CLASSES, None]
    assert all(gap.adjusted_p_value >= gap.difference.p_value for gap in found)
    assert found[0].adjusted_p_value > found[0].difference.p_value
    # The pooled one is the only one of its kind.
    assert found[-1].adjusted_p_value == found[-1].difference.p_value


def test_twenty_of_twenty_dogs_called_tired_is_a_fallback() -> None:
    dogs = [picture("happy", i, tired=0.6) for i in range(20)]
    [found] = collapses(comparison(human={"happy": happy(0.7)}, dog={"happy": dogs}), "happy")
    assert collapse_sentence(found) == (
        "20 of 20 happy dogs are called tired: the model is not reading dogs, it falls back to one class."
    )


@pytest.mark.parametrize(("tired", "falls_back"), [(14, False), (15, True)])
def test_a_fallback_is_surely_more_than_half(tired: int, falls_back: bool) -> None:
    dogs = [picture("happy", i, **({"tired": 0.6} if i < tired else {"sad": 0.6})) for i in range(20)]
    assert bool(collapses(comparison(dog={"happy": dogs}), "happy")) is falls_back


def test_tired_dogs_that_are_called_tired_are_no_fallback() -> None:
    dogs = [picture("tired", i, tired=0.6) for i in range(20)]
    assert collapses(comparison(dog={"tired": dogs}), "tired") == []


def test_a_fallback_over_all_emotions_counts_what_is_not_of_the_class() -> None:
    dogs = {label: [picture(label, i, tired=0.6) for i in range(10)] for label in CLASSES}
    [found] = collapses(comparison(dog=dogs))
    assert (found.label, found.called, found.n, found.emotion) == ("tired", 30, 30, None)
    assert collapse_sentence(found).startswith("30 of 30 dogs that are not tired are called tired")


def test_the_confusion_of_a_set_counts_each_picture_once() -> None:
    dogs = {"happy": happy(0.7, n=5), "sad": [picture("sad", i, tired=0.9) for i in range(3)]}
    counts = confusion(comparison(dog=dogs).pooled("dog"), CLASSES)
    assert counts["happy"]["happy"] == 5
    assert counts["sad"] == {"happy": 0, "sad": 0, "angry": 0, "tired": 3}
    assert "angry" not in counts


def test_a_single_emotion_has_its_gap_under_either_name() -> None:
    found = comparison(human={"happy": happy(0.7)}, dog={"happy": happy(0.3)})
    assert gaps_of(found, "happy") == gaps_of(found, None) == found.gaps


def test_log_loss_and_brier_score_are_scikit_learns() -> None:
    from sklearn.metrics import brier_score_loss, log_loss

    pictures = [*happy(0.6, n=7), *[picture("sad", i, tired=0.5, sad=0.3) for i in range(4)]]
    result = summarise(pictures, classes=CLASSES)
    truth = [each.label for each in pictures]
    scores = [[each.scores[label] for label in sorted(CLASSES)] for each in pictures]
    assert result.log_loss == pytest.approx(log_loss(truth, scores, labels=sorted(CLASSES)))
    assert result.brier == pytest.approx(brier_score_loss(truth, scores, labels=sorted(CLASSES), scale_by_half=False))


def test_a_sample_piled_up_against_zero_says_so() -> None:
    result = summarise([picture("happy", i, happy=0.01 if i < 12 else 0.8) for i in range(20)], classes=CLASSES)
    assert result.is_piled_up
    assert not summarise(happy(0.5), classes=CLASSES).is_piled_up


@pytest.mark.parametrize(
    ("name", "several"), [("human", "humans"), ("dog (photos)", "dogs (photos)"), ("Horses", "Horses")]
)
def test_species_have_a_plural(name: str, several: str) -> None:
    assert plural(name) == several
