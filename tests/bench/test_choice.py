"""The choice of the recipe: folds that nothing leaks across, heads that never see what they are tested on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from emotion.backbones.anatomy import CutModel, Top, Trunk
from emotion.bench import choice_folds, choice_recipes
from emotion.bench.choice import REFRAMED, Choice, Scores, choose, compare
from emotion.bench.choice_folds import FOLDS, divide, group
from emotion.bench.choice_recipes import RECIPES, Recipe, predict_out_of_fold, train_head
from emotion.bench.machine import this_machine
from emotion.cli import main
from emotion.config import preset
from emotion.errors import PictureError
from emotion.labels import EMOTIONS
from emotion.pictures.folders import Picture
from emotion.training.context import Context
from emotion.training.inputs import ActivationInputs
from emotion.training.preparing import prepare

Array = NDArray[Any]
PEOPLE, FRAMES, WIDTH = 40, 3, 24
COUNT = PEOPLE * FRAMES
BY_NAME = {recipe.name: recipe for recipe in RECIPES}


@pytest.fixture(scope="module", autouse=True)
def few_shuffles() -> Iterator[None]:
    """Forty divisions of hundreds of groups take seconds, and are no more right than four."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice_folds, "SHUFFLES", 4)
        yield


def quick(name: str, *, epochs: int = 3) -> Recipe:
    return replace(BY_NAME[name], config=replace(BY_NAME[name].config, epochs=epochs))


@pytest.fixture(scope="module")
def people() -> Array:
    return np.repeat(np.arange(PEOPLE), FRAMES)


@pytest.fixture(scope="module")
def labels(people: Array) -> Array:
    return np.asarray(people % len(EMOTIONS))


@pytest.fixture(scope="module")
def features(people: Array) -> Array:
    """(6, N, F): forty people of three frames each, of which the last one is mirrored; further views are noisier."""
    rng = np.random.default_rng(0)
    faces, turned = rng.normal(size=(2, PEOPLE, WIDTH))
    plain = faces[people] + 0.1 * rng.normal(size=(COUNT, WIDTH))
    mirror = turned[people] + 0.1 * rng.normal(size=(COUNT, WIDTH))
    last = np.arange(COUNT) % FRAMES == FRAMES - 1
    plain[last], mirror[last] = mirror[last], plain[last].copy()
    views = plain + 0.2 * rng.normal(size=(4, COUNT, WIDTH))
    return np.stack([plain, mirror, *views]).astype(np.float32)


@pytest.fixture(scope="module")
def groups(features: Array) -> dict[str, Array]:
    return group(features[0], features[1])


@pytest.fixture(scope="module")
def pictures(labels: Array) -> list[Picture]:
    return [Picture(Path(f"{number:03}.png"), EMOTIONS[label]) for number, label in enumerate(labels)]


@pytest.mark.parametrize("kind", ["near-duplicates", "hard"])
def test_near_duplicates_and_mirrors_never_part(
    kind: str, groups: dict[str, Any], labels: Array, people: Array
) -> None:
    folds = divide(groups[kind], labels, seed=0)
    for person in range(PEOPLE):
        assert len(set(folds[people == person])) == 1
        assert len(set(groups[kind][people == person])) == 1
    assert len(set(groups["near-duplicates"])) == PEOPLE


def test_hard_groups_are_larger_and_whole() -> None:
    rng = np.random.default_rng(1)
    plain, mirrors = rng.normal(size=(2, 300, 64)).astype(np.float32)
    near, hard = group(plain, mirrors).values()
    assert len(set(hard)) <= 50 < len(set(near))
    assert len(set(zip(near, hard, strict=True))) == len(set(near))


def test_every_fold_has_its_part_of_every_class(groups: dict[str, Any], labels: Array) -> None:
    for made in groups.values():
        folds = divide(made, labels, seed=0)
        counts = [[np.sum((folds == fold) & (labels == label)) for label in range(4)] for fold in range(FOLDS)]
        assert np.ptp(counts) <= 2 * FRAMES


@pytest.mark.parametrize("name", ["plain", "averaged", "mirrored", "quick"])
def test_every_picture_is_tested_once_by_a_head_that_never_saw_it(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    groups: dict[str, Any],
    labels: Array,
    features: Array,
    pictures: list[Picture],
) -> None:
    seen: list[set[int]] = []

    def spy(
        recipe: Recipe, rows: Any, labels: Any, train: Sequence[int], validation: Sequence[int], **rest: Any
    ) -> Any:
        assert not set(train) & set(validation)
        assert len(validation) == round(0.15 * (len(train) + len(validation)))
        seen.append({*train, *validation})
        return train_head(recipe, rows, labels, train, validation, **rest)

    monkeypatch.setattr(choice_recipes, "train_head", spy)
    rows = torch.from_numpy(features)
    folds = divide(groups["hard"], labels, seed=0)
    by_crop: Any = dict.fromkeys(("margin", "square", "small"), rows)
    logits = predict_out_of_fold(quick(name, epochs=1), by_crop, pictures, folds, seed=0)
    assert logits.shape == (3, COUNT, len(EMOTIONS))
    assert torch.isfinite(logits).all()
    tested = [number for used in seen for number in range(COUNT) if number not in used]
    assert sorted(tested) == list(range(COUNT))
    hard = groups["hard"]
    assert not any({*hard[list(used)]} & {*np.delete(hard, list(used))} for used in seen)


@pytest.mark.parametrize("name", ["standardised", "quick"])
def test_the_epoch_is_chosen_without_the_test_fold(name: str, features: Array, labels: Array) -> None:
    train, validation, tested = range(60), range(60, 90), range(90, COUNT)
    rows, classes = torch.from_numpy(features), torch.from_numpy(labels)
    others, wrong = rows.clone(), classes.clone()
    others[:, tested], wrong[tested] = torch.nan, 0
    one, other = (
        train_head(quick(name), x, y, train, validation, seed=0) for x, y in ((rows, classes), (others, wrong))
    )
    assert all(torch.equal(one.state_dict()[key], value) for key, value in other.state_dict().items())


def test_the_validation_pictures_choose_the_epoch(features: Array, labels: Array) -> None:
    """With labels that training must get wrong, the first epoch is the least bad."""
    rows, classes = torch.from_numpy(features), torch.from_numpy(labels)
    train, validation = range(90), range(90, COUNT)
    constant = replace(quick("standardised", epochs=5).config, schedule="constant", warmup_share=0.0)
    recipe = replace(quick("zero"), config=constant)
    swapped = classes.clone()
    swapped[90:] = (classes[90:] + 1) % 4
    rows[:, 90:] = rows[:, :30]  # what is validated on looks like what was trained on
    five = train_head(recipe, rows, swapped, train, validation, seed=0)
    one = train_head(replace(recipe, config=replace(constant, epochs=1)), rows, swapped, train, validation, seed=0)
    assert torch.equal(five.classifier.weight, one.classifier.weight)


def test_the_same_seed_gives_the_same_logits(features: Array, pictures: list[Picture]) -> None:
    by_crop: Any = {"square": torch.from_numpy(features)}
    folds = np.arange(COUNT) // FRAMES % FOLDS
    one, again, other = (
        predict_out_of_fold(quick("averaged", epochs=1), by_crop, pictures, folds, seed=seed) for seed in (0, 0, 1)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_whitening_beats_raw_features_where_noise_is_louder_than_the_classes() -> None:
    """The classes differ by a little; what all features share, say the light, differs by much and says nothing."""
    rng = np.random.default_rng(2)
    count, width = 400, 32
    labels = np.arange(count) % 4
    signal = np.tile(np.eye(4)[labels], width // 4) + rng.normal(size=(count, width))
    light = 10 * rng.normal(size=(count, 1)) * rng.normal(size=width)
    rows = torch.from_numpy(np.stack([0.05 * (signal + light)] * 6).astype(np.float32))
    pictures = [Picture(Path(f"{number:03}.png"), EMOTIONS[label]) for number, label in enumerate(labels)]
    groups = {"hard": np.arange(count)}
    recipes = [BY_NAME[name] for name in ("plain", "zero", "whitened")]
    by_crop: Any = {"margin": rows, "square": rows}
    compared = compare(by_crop, pictures, groups, seeds=1, say=lambda _: None, recipes=recipes)
    raw, standard, white = (scores["hard"] for _, scores in compared)
    assert white.log_loss[0] + 0.1 < standard.log_loss[0] < raw.log_loss[0] - 0.1
    assert white.accuracy[0] - 0.1 > standard.accuracy[0] > raw.accuracy[0] + 0.1


def test_quick_is_what_the_engine_trains(features: Array, labels: Array) -> None:
    """Quick's row must speak of Quick: the preset's settings, on features as the engine prepares them."""
    recipe = BY_NAME["quick"]
    assert recipe.config == preset("Quick", pictures="-")
    assert (recipe.config.head_learning_rate, recipe.config.label_smoothing) == (1.5e-3, 0.05)
    rows, classes = torch.from_numpy(features), torch.from_numpy(labels)
    train = range(90)
    top = train_head(quick("quick", epochs=1), rows, classes, train, range(90, COUNT), seed=0)
    identity = torch.nn.Identity()
    parts = CutModel(None, Trunk(identity, [], identity), Top(identity, torch.nn.Linear(WIDTH, 4)), 0)
    context = Context(recipe.config, lambda: False, time.perf_counter())
    inputs = ActivationInputs(choice_recipes._Held(rows[list(recipe.views)]), config=recipe.config)
    prepare(parts, inputs, classes, train, context=context, state=None)
    assert torch.allclose(parts.top.projection, top.projection, atol=1e-5)
    assert torch.allclose(parts.top.mean, top.mean, atol=1e-5)


def test_each_recipe_adds_one_part_to_the_last() -> None:
    def parts(recipe: Recipe) -> dict[str, Any]:
        values = {**vars(recipe), **recipe.config.to_json()}
        return {name: value for name, value in values.items() if name not in ("name", "title", "config")}

    added = [
        {name for name, value in parts(after).items() if parts(before)[name] != value}
        for before, after in pairwise(RECIPES[1:9])
    ]
    assert added == [
        {"crop"}, {"starts_at_zero"}, {"scaling", "head_learning_rate"}, {"gradient_clipping"}, {"weight_averaging"},
        {"crop", "image_size"}, {"views", "augmentation"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("groups", "labels", "said"),
    [
        (np.arange(12) % 3, np.arange(12) % 2, "only 3 groups of look-alikes, too few for 5 folds"),
        (np.arange(12), np.array([0] * 9 + [1] * 3), "fewer than 5 pictures"),
        (np.array([*range(12), *[12] * 6]), np.array([0] * 12 + [1] * 6), "on both sides of a fold"),
    ],
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_too_few_groups_are_one_sentence(groups: Any, labels: Any, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        divide(groups, labels, seed=0)


def test_an_evaluation_set_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "human_eval").mkdir()
    assert main(["choose", "--pictures", str(tmp_path / "human_eval"), "--out", str(tmp_path)]) == 1
    assert "choose on the pictures that are trained on" in capsys.readouterr().err


def test_pictures_become_a_report(tiny_dinov2: Path, tmp_path: Path) -> None:
    said: list[str] = []
    rng = np.random.default_rng(5)
    for label in EMOTIONS:
        (tmp_path / "human_train" / label).mkdir(parents=True)
        for number in range(8):
            image = Image.fromarray(rng.integers(0, 256, size=(5, 4, 3), dtype=np.uint8)).resize((40, 50))
            image.save(tmp_path / "human_train" / label / f"{number}.png")
    found = choose(tmp_path / "human_train", backbone=str(tiny_dinov2), seeds=1, say=said.append, sides=(28, 14))
    found.write(tmp_path / "reports")
    values = json.loads((tmp_path / "reports" / "choice.json").read_text())
    table = (tmp_path / "reports" / "choice.md").read_text()
    assert [recipe["name"] for recipe in values["recipes"]] == [recipe.name for recipe in RECIPES]
    assert all(recipe.title in table for recipe in RECIPES)
    assert "32 of 32 pictures" in "\n".join(said)
    assert str(tmp_path) not in json.dumps(values) + table
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["choice.json", "choice.md"]


def test_the_table_has_mean_and_deviation(groups: dict[str, Any]) -> None:
    scores = Scores(accuracy=[0.7, 0.8, 0.9], log_loss=[0.5, 0.5, 0.5])
    by_kind = {f"{kind}{also}": scores for kind in groups for also in ("", REFRAMED)}
    found = Choice(
        created=0.0, seconds=60.0, machine=this_machine(), picture_set="human_train", pictures={"happy": 150},
        backbone="dinov2-small", precision="float32", seeds=3, groups=groups,
        scores=[(BY_NAME["quick"], by_kind)],
    )  # fmt: skip
    assert "0.800 ± 0.100 | 0.500 ± 0.000" in found.to_markdown()
    assert found.to_json()["recipes"][0]["scores"]["hard"]["accuracy"]["mean"] == pytest.approx(0.8)
