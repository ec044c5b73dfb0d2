"""Comparisons: what is counted, what the intervals are, and that a file gives it all back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from emotion.comparison import (
    Comparison,
    Request,
    SampleResult,
    ScoredPicture,
    compare,
    load_comparison,
    rescore,
    save_comparison,
    summarise,
)
from emotion.comparison.comparing import furthest
from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.run import Run
from emotion.runs import create_run

CLASSES = ["happy", "sad", "angry", "tired"]


def scored(label: str, *probabilities: float) -> ScoredPicture:
    return ScoredPicture("a.png", "0" * 64, label, dict(zip(CLASSES, probabilities, strict=True)))


def always_tired(paths: Sequence[Path]) -> list[dict[str, float]]:
    return [dict(zip(CLASSES, (0.3, 0.2, 0.1, 0.4), strict=True)) for _ in paths]


def tired_where_readable(paths: Sequence[Path]) -> list[dict[str, float] | PictureError]:
    """Call what holds a picture tired; a file of text cannot be read."""
    return [
        PictureError(f"{path.name} is not a picture.") if path.read_bytes() == b"text" else scores
        for path, scores in zip(paths, always_tired(paths), strict=True)
    ]


def compare_dogs(run: Run, folder: Path, *, size: int | None, **options: Any) -> SampleResult:
    """Return what came of a sample of happy dogs of seed 5."""
    values: dict[str, Any] = {"classes": CLASSES, "score": tired_where_readable}
    asked: dict[str, Any] = {"emotion": "happy"}
    for name, value in options.items():
        (values if name in ("classes", "score", "find_twins", "checked") else asked)[name] = value
    request = Request({"dog": folder}, size=size, seed=5, **asked)
    return compare(request=request, run=run, precision="float32", **values).sets["dog"][asked["emotion"]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(TrainConfig(pictures="faces"), root=tmp_path / "runs")


@pytest.fixture
def comparison(run: Run, make_pictures: Callable[..., Path]) -> Comparison:
    sets = {"human": make_pictures("human"), "dog": make_pictures("dog")}
    request = Request(sets, emotion="happy", size=10, seed=5)
    return compare(always_tired, request, run=run, classes=CLASSES, precision="float32")


def test_hits_confidence_and_runners_up_are_counted() -> None:
    result = summarise(
        [scored("happy", 0.7, 0.1, 0.1, 0.1), scored("happy", 0.3, 0.1, 0.1, 0.5), scored("happy", 0.1, 0.2, 0.3, 0.4)],
        classes=CLASSES,
    )
    assert (result.n, result.correct, result.runner_up) == (3, 1, 1)
    assert result.correct_confidence == pytest.approx(1.1 / 3)
    assert result.accuracy == pytest.approx(1 / 3)
    assert result.predicted == {"happy": 1, "sad": 0, "angry": 0, "tired": 2}


def test_the_sample_is_kept_with_hashes_and_every_score(comparison: Comparison) -> None:
    result = comparison.sets["dog"]["happy"]
    assert (result.n, result.correct, result.runner_up) == (10, 0, 10)
    assert result.predicted["tired"] == 10
    assert len({picture.sha256 for picture in result.pictures}) == 10
    assert comparison.chance == 0.25


def test_a_comparison_survives_its_file(comparison: Comparison, run: Run) -> None:
    path = save_comparison(comparison, run=run)
    assert path.parent == run.comparisons
    assert load_comparison(path) == comparison
    assert json.loads(path.read_text())["seed"] == 5


def test_the_same_seed_draws_the_same_sample(comparison: Comparison, run: Run) -> None:
    sets = {name: Path(folder) for name, folder in comparison.folders.items()}
    request = Request(sets, emotion="happy", size=10, seed=5)
    again = compare(always_tired, request, run=run, classes=CLASSES, precision="float32")
    assert {**asdict(again), "created": 0} == {**asdict(comparison), "created": 0}


def test_all_emotions_and_all_pictures_can_be_asked_for(run: Run, make_pictures: Callable[..., Path]) -> None:
    result = compare(
        always_tired,
        Request({"dog": make_pictures("dog")}, size=None, seed=1),
        run=run,
        classes=CLASSES,
        precision="float32",
    )
    assert {label: part.n for label, part in result.sets["dog"].items()} == dict.fromkeys(CLASSES, 12)
    assert result.sets["dog"]["tired"].correct == 12


def test_the_next_in_the_seeded_order_stands_in_for_a_picture_that_cannot_be_read(
    run: Run, make_pictures: Callable[..., Path]
) -> None:
    folder = make_pictures("dog")
    before = [picture.picture for picture in compare_dogs(run, folder, size=5).pictures]
    bad = [before[1], before[3]]
    for path in bad:
        Path(path).write_bytes(b"text")
    result = compare_dogs(run, folder, size=5)
    assert result.unreadable == {path: f"{Path(path).name} is not a picture." for path in bad}
    assert result.n == len({picture.picture for picture in result.pictures}) == 5
    assert [picture.picture for picture in result.pictures][:3] == [before[0], before[2], before[4]]
    # A stand-in that cannot be read either has one of its own.
    further = result.pictures[3].picture
    Path(further).write_bytes(b"text")
    again = compare_dogs(run, folder, size=5)
    assert list(again.unreadable) == [*bad, further]
    assert again.n == 5
    assert again.pictures[3] == result.pictures[4]


def test_a_bad_picture_that_was_not_drawn_is_nobodys_business(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    before = compare_dogs(run, folder, size=5)
    drawn = {picture.picture for picture in before.pictures}
    for path in (folder / "happy").iterdir():
        if str(path) not in drawn:
            path.write_bytes(b"text")
    assert compare_dogs(run, folder, size=5) == before
    assert before.unreadable == {}


def test_a_whole_set_counts_what_can_be_read(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    bad = sorted((folder / "happy").iterdir())[4]
    bad.write_bytes(b"text")
    result = compare_dogs(run, folder, size=None)
    assert (result.n, list(result.unreadable)) == (11, [str(bad)])


@pytest.mark.parametrize(
    ("readable", "size", "sentence"),
    [
        (7, 8, "Only 7 of the 12 pictures of 'happy' in dog can be read: choose a smaller sample, or save the others"),
        (0, None, "Only 0 of the 12 pictures of 'happy' in dog can be read: choose another set, or save the others"),
    ],
)
def test_too_few_readable_pictures_is_one_sentence(
    run: Run, make_pictures: Callable[..., Path], readable: int, size: int | None, sentence: str
) -> None:
    folder = make_pictures("dog")
    for path in sorted((folder / "happy").iterdir())[readable:]:
        path.write_bytes(b"text")
    with pytest.raises(PictureError) as caught:
        compare_dogs(run, folder, size=size)
    assert str(caught.value) == f"{sentence} again."


def test_other_names_of_an_emotion_are_read_when_asked_for(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    (folder / "angry").rename(folder / "Anger")
    with pytest.raises(PictureError, match="This set says 'Anger' for angry"):
        compare_dogs(run, folder, size=5, emotion="angry")
    assert compare_dogs(run, folder, size=5, emotion="angry", use_aliases=True).n == 5


def test_a_run_that_was_trained_on_another_name_meets_it_under_that_name(
    run: Run, make_pictures: Callable[..., Path]
) -> None:
    def score(paths: Sequence[Path]) -> list[dict[str, float]]:
        return [{"happy": 0.2, "anger": 0.8} for _ in paths]

    result = compare_dogs(
        run, make_pictures("dog"), size=5, emotion="anger", classes=["happy", "anger"], score=score, use_aliases=True
    )
    assert (result.n, result.correct) == (5, 5)


def test_a_comparison_remembers_what_could_not_be_read(comparison: Comparison, run: Run) -> None:
    dog = replace(comparison.sets["dog"]["happy"], unreadable={"/dogs/bad.jpg": "bad.jpg is not a picture."})
    with_bad = replace(comparison, sets={**comparison.sets, "dog": {"happy": dog}})
    assert load_comparison(save_comparison(with_bad, run=run)) == with_bad


def test_a_comparison_from_before_unreadable_pictures_were_kept_still_loads(comparison: Comparison, run: Run) -> None:
    path = save_comparison(comparison, run=run)
    values = json.loads(path.read_text())
    for results in values["sets"].values():
        for result in results.values():
            del result["unreadable"]
    path.write_text(json.dumps(values))
    assert load_comparison(path) == comparison


def test_an_emotion_the_run_does_not_know_is_one_sentence(run: Run, make_pictures: Callable[..., Path]) -> None:
    request = Request({"dog": make_pictures("dog")}, emotion="relaxed", size=5, seed=1)
    with pytest.raises(PictureError, match="The run knows no 'relaxed'"):
        compare(always_tired, request, run=run, classes=CLASSES, precision="float32")


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1}', "[]"])
def test_a_torn_comparison_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RunError, match="is not a comparison that can be read"):
        load_comparison(tmp_path / "a.json")


def test_a_comparison_of_another_schema_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"schema": 99}')
    with pytest.raises(RunError, match="written by another version"):
        load_comparison(tmp_path / "a.json")


def test_what_was_trained_on_is_left_out_named_and_replaced(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    before = compare_dogs(run, folder, size=5)
    known = {Path(before.pictures[1].picture): "/train/a.png", Path(before.pictures[3].picture): "/train/b.png"}

    def find_twins(pictures: Sequence[Any]) -> dict[Path, str]:
        return {each.path: known[each.path] for each in pictures if each.path in known}

    result = compare_dogs(run, folder, size=5, find_twins=find_twins, checked=7)
    assert result.near_duplicates == {str(path): twin for path, twin in known.items()}
    kept = [each.picture for each in result.pictures]
    assert kept[:3] == [before.pictures[place].picture for place in (0, 2, 4)]
    assert len(set(kept)) == 5
    assert not set(kept) & set(result.near_duplicates)


def test_whoever_asks_for_the_training_pictures_gets_them_marked(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    result = compare_dogs(run, folder, size=5, find_twins=lambda pictures: {each.path: "t" for each in pictures})
    plain = compare_dogs(run, folder, size=5)
    assert result.is_trained_on
    assert (result.n, result.near_duplicates) == (5, {})
    assert {each.picture for each in result.pictures} <= {str(path) for path in (folder / "happy").iterdir()}
    assert not plain.is_trained_on


def test_a_sample_is_smaller_where_too_many_were_trained_on(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    known = sorted((folder / "happy").iterdir())[:9]
    result = compare_dogs(
        run, folder, size=5, find_twins=lambda pictures: {each.path: "t" for each in pictures if each.path in known}
    )
    assert (result.n, set(result.near_duplicates), result.is_trained_on) == (3, set(map(str, known)), False)


def test_left_out_and_unreadable_pictures_both_have_stand_ins(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    before = [Path(each.picture) for each in compare_dogs(run, folder, size=6).pictures]
    before[0].write_bytes(b"text")
    twin = before[1]
    result = compare_dogs(
        run, folder, size=6, find_twins=lambda pictures: {p.path: "t" for p in pictures if p.path == twin}
    )
    assert (list(result.unreadable), list(result.near_duplicates)) == ([str(before[0])], [str(twin)])
    assert [Path(each.picture) for each in result.pictures][:4] == before[2:]
    assert len({each.picture for each in result.pictures}) == 6


def test_relaxed_is_read_as_tired_only_when_asked_for(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog")
    (folder / "tired").rename(folder / "Relaxed")
    with pytest.raises(PictureError, match="no pictures of 'tired'"):
        compare_dogs(run, folder, size=5, emotion="tired", use_aliases=True)
    asked = Request({"dog": folder}, emotion="tired", size=5, relaxed_as_tired=True)
    comparison = compare(always_tired, asked, run=run, classes=CLASSES, precision="float32")
    assert comparison.sets["dog"]["tired"].correct == 5
    assert comparison.mapping["dog"] == {"Relaxed": "tired", "angry": "angry", "happy": "happy", "sad": "sad"}


def test_the_mapping_names_what_was_not_used(run: Run, make_pictures: Callable[..., Path]) -> None:
    folder = make_pictures("dog", classes=("happy", "sad"))
    (folder / "sad").rename(folder / "Sadness")
    mapping = compare(
        always_tired, Request({"dog": folder}, emotion="happy", size=2), run=run, classes=CLASSES, precision="float32"
    ).mapping
    assert mapping == {"dog": {"Sadness": None, "happy": "happy"}}


def test_a_comparison_runs_again_from_its_file_to_the_same_numbers(comparison: Comparison, run: Run) -> None:
    before = load_comparison(save_comparison(comparison, run=run))
    # A new picture in the folder would change the draw; the recorded sample stays.
    first = Path(before.sets["dog"]["happy"].pictures[0].picture)
    (first.parent / "aaa.png").write_bytes(first.read_bytes())
    again = rescore(before, always_tired)
    assert furthest(before, again) == 0
    assert {**asdict(again), "created": 0} == {**asdict(before), "created": 0}


def test_a_probability_that_differs_is_found(comparison: Comparison) -> None:
    again = rescore(comparison, lambda paths: [dict(zip(CLASSES, (0.35, 0.2, 0.1, 0.35), strict=True)) for _ in paths])
    assert furthest(comparison, again) == pytest.approx(0.05)


def test_a_recorded_picture_that_is_gone_or_changed_is_one_sentence(comparison: Comparison) -> None:
    path = Path(comparison.sets["dog"]["happy"].pictures[2].picture)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(PictureError, match="is another picture by now"):
        rescore(comparison, always_tired)
    path.unlink()
    with pytest.raises(PictureError, match="is gone: put it back"):
        rescore(comparison, always_tired)


def test_comparisons_of_one_second_sort_as_they_came(comparison: Comparison, run: Run) -> None:
    saved = [save_comparison(comparison, run=run) for _ in range(20)]
    assert saved == sorted(run.comparisons.glob("*.json"))


def test_a_file_that_is_read_again_is_read_once_and_a_changed_one_anew(comparison: Comparison, run: Run) -> None:
    path = save_comparison(comparison, run=run)
    assert load_comparison(path) is load_comparison(path)
    path.write_text(path.read_text().replace('"seed": 5', '"seed": 77'))
    assert load_comparison(path).seed == 77
