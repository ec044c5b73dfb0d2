"""What a training of the last blocks has of its own: a classifier first, fewer patches, averaged weights, a clip."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from emotion.classifier import Classifier
from emotion.config import TrainConfig
from emotion.events import EpochDone, RunFinished
from emotion.pictures.folders import Picture
from emotion.runs import create_run
from emotion.training.augmentation import vary
from emotion.training.averaging import WeightAverage
from emotion.training.inputs import ActivationInputs
from emotion.training.optimizing import make_optimizer
from emotion.training.session import train_run
from emotion.training.trunk import view_of_picture

BLOCKS = {
    "depth": 2,
    "layer_decay": 0.8,
    "augmentation": "frame",
    "patch_dropout": 0.5,
    "weight_averaging": True,
    "gradient_clipping": 1.0,
}


class Rows:
    """Activations that say where they come from: row i of view v holds tokens of value 100 v + i."""

    def __init__(self, tokens: int = 17) -> None:
        self.tokens = tokens

    def take(self, views: list[int], indices: list[int]) -> torch.Tensor:
        places = torch.arange(self.tokens)[None, :, None]
        return (
            torch.tensor([100.0 * view + index for view, index in zip(views, indices, strict=True)])[:, None, None]
            * 1000
            + places
        )

    def through(self, work: object) -> Rows:
        return self

    def close(self) -> None:
        pass


def test_half_of_the_patches_and_all_special_tokens_reach_a_training_step_and_all_reach_a_judgement() -> None:
    config = TrainConfig(pictures="-", depth=1, patch_dropout=0.5)
    inputs = ActivationInputs(Rows(), config=config, special_tokens=3)
    kept = (inputs.training([4, 5], epoch=1) % 1000).long()[..., 0].tolist()
    assert [row[:3] for row in kept] == [[0, 1, 2]] * 2
    assert all(len(row) == 3 + 7 and row == sorted(set(row)) for row in kept)
    assert kept[0] != kept[1]
    assert kept[0] == (inputs.training([4], epoch=1) % 1000).long()[0, :, 0].tolist()
    assert kept[0] != (inputs.training([4], epoch=2) % 1000).long()[0, :, 0].tolist()
    assert inputs.plain([4]).shape[1] == 17


def test_a_lower_block_learns_at_a_smaller_rate_and_the_classifier_at_its_own() -> None:
    layers = [[torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))] for _ in range(4)]
    config = TrainConfig(pictures="-", depth=3, head_learning_rate=0.5, block_learning_rate=0.1, layer_decay=0.5)
    optimizer, _ = make_optimizer({"head": layers[3:], "blocks": layers[:3]}, config=config, steps=10)
    rates = {id(each): group["initial_lr"] for group in optimizer.param_groups for each in group["params"]}
    assert [[rates[id(each)] for each in layer] for layer in layers] == [[0.025] * 2, [0.05] * 2, [0.1] * 2, [0.5] * 2]
    decays = {id(each): group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}
    assert [[decays[id(each)] for each in layer] for layer in layers] == [[config.weight_decay, 0.0]] * 4


def test_without_layer_decay_all_blocks_share_their_options_in_the_order_that_kept_states_have() -> None:
    layers = [[torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))] for _ in range(4)]
    # Rates as in the report: the classifier's and the blocks' are one number and stay two groups.
    config = TrainConfig(pictures="-", depth=3, head_learning_rate=0.1, block_learning_rate=0.1)
    optimizer, _ = make_optimizer({"head": layers[3:], "blocks": layers[:3]}, config=config, steps=10)
    groups = [[id(each) for each in group["params"]] for group in optimizer.param_groups]
    plain = [[id(layer[kind]) for layer in layers[:3]] for kind in (0, 1)]
    assert groups == [[id(layers[3][0])], [id(layers[3][1])], *plain]


def test_the_average_follows_the_weights_and_is_in_their_place_while_they_are_judged() -> None:
    weight = torch.zeros(3)
    average = WeightAverage({"w": weight}, on=True)
    for step in range(1, 4):
        weight.fill_(float(step))
        average.update()
    # Shares of 3/4, 3/5 and 3/6: later weights count for more, the first ones are soon forgotten.
    expected = 0.0
    for step, share in ((1, 3 / 4), (2, 3 / 5), (3, 3 / 6)):
        expected += share * (step - expected)
    with average.in_place():
        assert torch.allclose(weight, torch.full((3,), expected))
    assert weight.tolist() == [3.0] * 3
    other = WeightAverage({"w": weight}, on=True)
    other.resume_from(average.state())
    with other.in_place():
        assert torch.allclose(weight, torch.full((3,), expected))


def test_without_averaging_the_weights_themselves_are_judged() -> None:
    weight = torch.ones(2)
    average = WeightAverage({"w": weight}, on=False)
    average.update()
    with average.in_place():
        assert weight.tolist() == [1.0, 1.0]


def test_the_classifier_is_trained_before_the_blocks_and_what_is_kept_is_what_was_judged(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    run = create_run(replace(tiny_config, **BLOCKS), root=tmp_path / "runs")
    events = list(train_run(run))
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert isinstance(events[-1], RunFinished)
    undecided = torch.log(torch.tensor(4.0)).item()
    assert epochs[0].validation.loss < undecided - 0.01
    classifier = Classifier(run)
    loss = 0.0
    held_back = json.loads((run.path / "split.json").read_text())["validation"]
    for line in held_back:
        said = classifier.predict(Path(run.config().pictures) / line["picture"])
        loss -= torch.log(torch.tensor(said.scores[line["label"]])).item()
    assert loss / len(held_back) == pytest.approx(events[-1].validation.loss, abs=1e-4)


def test_a_head_alone_begins_undecided(tiny_config: TrainConfig, tmp_path: Path) -> None:
    events = list(train_run(create_run(tiny_config, root=tmp_path / "runs")))
    first = next(event for event in events if isinstance(event, EpochDone))
    assert first.validation.loss == pytest.approx(torch.log(torch.tensor(4.0)).item(), abs=1e-5)


def test_a_resumed_training_of_the_last_blocks_ends_like_an_uninterrupted_one(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    config = replace(tiny_config, **BLOCKS, epochs=4)
    whole, cut = (create_run(config, root=tmp_path / name) for name in ("whole", "cut"))
    list(train_run(whole))
    stops = iter(range(10**6))
    steps = [event for event in whole.events() if type(event).__name__ == "StepDone"]

    def asked() -> bool:
        done = sum(type(event).__name__ == "StepDone" for event in cut.events())
        return next(stops) > 0 and done >= len(steps) // 2 + 1

    list(train_run(cut, asked_to_stop=asked))
    list(train_run(cut))
    expected, found = (load_file(run.checkpoint / "model.safetensors") for run in (whole, cut))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_zoom_shows_each_picture_closer_and_farther(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    Image.new("RGB", (100, 80), "red").save(path)
    config = TrainConfig(pictures="-", augmentation="zoom")
    plain, closer, farther = (
        view_of_picture(Picture(path, "happy"), view=view, config=config) for view in range(config.views)
    )
    assert plain.size == (100, 80)
    assert (70, 56) <= closer.size < (100, 80)
    assert (100, 80) < farther.size <= (200, 160)


def test_a_frame_shows_some_pictures_smaller_and_none_larger_than_the_strongest_crop() -> None:
    image = Image.new("RGB", (100, 80), "red")
    sizes = [vary(image, augmentation="frame", key=str(number)).size for number in range(200)]
    assert min(sizes) >= (75, 60)
    assert max(sizes)[0] > 180
    assert 60 < sum(width > 100 for width, _ in sizes) < 140
