"""Where a class's evidence lies: the method against numpy, the box against the processor's own pixels, and blanking."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageStat
from transformers import (
    DeiTConfig,
    DeiTForImageClassification,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
)

from emotion.backbones.anatomy import KINDS, cut, load_processor
from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.classifier import Classifier
from emotion.config import TrainConfig, preset
from emotion.errors import PictureError, RunError
from emotion.pictures.decoding import open_picture
from emotion.pictures.folders import list_pictures
from emotion.prediction import Saliency
from emotion.run import Run
from emotion.runs import create_run
from emotion.saliency import relevance, rollout, shares, shown_box
from emotion.training.inputs import to_pixels
from emotion.training.session import train_run

FACES = Path(__file__).parents[1] / "assets" / "faces"
SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 8, "num_labels": 4}
MAKERS: dict[str, Callable[[], PreTrainedModel]] = {
    "vit": lambda: ViTForImageClassification(ViTConfig(**SMALL, intermediate_size=64, image_size=32)),
    "deit": lambda: DeiTForImageClassification(DeiTConfig(**SMALL, intermediate_size=64, image_size=32)),
    "dinov2": lambda: Dinov2ForImageClassification(Dinov2Config(**SMALL, mlp_ratio=2, image_size=48)),
    "dinov2_with_registers": lambda: Dinov2WithRegistersForImageClassification(
        Dinov2WithRegistersConfig(**SMALL, mlp_ratio=2, image_size=48, num_register_tokens=4)
    ),
}
SHARE = 0.25


def by_hand(model: PreTrainedModel, pixels: torch.Tensor, index: int) -> np.ndarray:
    """Return what ``relevance`` should, from transformers' own attentions and token outputs, in numpy."""
    kind = KINDS[model.config.model_type]
    model.set_attn_implementation("eager")
    output = model(pixels, output_attentions=True)
    others = [number for number in range(output.logits.shape[1]) if number != index]
    score = output.logits[0, index] - output.logits[0, others].mean()
    slopes = torch.autograd.grad(score, output.attentions)
    count = output.attentions[0].shape[-1]
    flow = np.eye(count)
    for layer, slope in zip(output.attentions, slopes, strict=True):
        flow = flow + np.maximum(layer[0].detach().numpy() * slope[0].numpy(), 0).mean(0) @ flow
    with torch.no_grad():
        tokens = getattr(model, kind.base)(pixels).last_hidden_state[0].numpy()
        weight = model.classifier.weight.numpy()
    direction = weight[index] - weight[others].mean(0)
    patches = range(count - 16, count)
    if not kind.averages_patches:
        return flow[0, patches].reshape(4, 4)
    added = [direction[:32] @ tokens[0], direction[32:] @ tokens[patches].mean(0)]
    added = [max(each, 0) for each in added] if max(added) > 0 else [abs(each) for each in added]
    brought = flow - np.eye(count)
    read = added[0] * brought[0] + added[1] * brought[patches].mean(0)
    return (read / sum(added))[patches].reshape(4, 4)


@pytest.fixture(params=MAKERS)
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    torch.manual_seed(1)
    made = MAKERS[request.param]().eval()
    torch.nn.init.normal_(made.classifier.weight)
    return made


@pytest.mark.parametrize("index", [0, 3])
def test_the_map_is_that_of_the_paper_computed_by_hand(model: PreTrainedModel, index: int) -> None:
    pixels = torch.randn(1, 3, 32, 32)
    expected = by_hand(model, pixels, index)
    model.set_attn_implementation("sdpa")
    found = relevance(cut(model, 0), pixels, index=index)
    assert found.shape == (4, 4)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-7)


def test_another_class_has_another_map(model: PreTrainedModel) -> None:
    parts, pixels = cut(model, 0), torch.randn(1, 3, 32, 32)
    maps = [relevance(parts, pixels, index=index) for index in range(4)]
    for one in range(4):
        assert torch.equal(relevance(parts, pixels, index=one), maps[one])
        for other in range(one):
            assert not torch.allclose(maps[one], maps[other], rtol=0.05)


def test_what_all_logits_have_in_common_moves_nothing(model: PreTrainedModel) -> None:
    parts, pixels = cut(model, 0), torch.randn(1, 3, 32, 32)
    before = relevance(parts, pixels, index=2)
    with torch.no_grad():
        model.classifier.weight += torch.randn(model.classifier.in_features)
    assert torch.allclose(relevance(parts, pixels, index=2), before, rtol=1e-3, atol=1e-7)


def test_the_recursion_on_two_blocks_of_two_tokens() -> None:
    # One head: the positive part of attention times slope is [[0.5, 0], [0, 0]], then [[0, 1], [0, 0]].
    first = (torch.tensor([[[0.5, 0.5], [0.2, 0.8]]]), torch.tensor([[[1.0, -1.0], [-3.0, 0.0]]]))
    second = (torch.tensor([[[0.0, 0.5], [1.0, 0.0]]]), torch.tensor([[[9.0, 2.0], [0.0, 9.0]]]))
    # R = I, then [[1.5, 0], [0, 1]], then that + [[0, 1], [0, 0]] @ that.
    assert torch.equal(rollout([first, second]), torch.tensor([[0.5, 1.0], [0.0, 0.0]]))


def test_heads_are_averaged_after_what_speaks_against_is_left_out() -> None:
    weights, slope = torch.ones(2, 1, 1), torch.tensor([[[4.0]], [[-4.0]]])
    assert rollout([(weights, slope)]).item() == 2


def test_shares_count_what_speaks_for_the_class_and_sizes_where_nothing_does() -> None:
    assert shares(torch.tensor([3.0, 1.0])).tolist() == [0.75, 0.25]
    assert shares(torch.tensor([3.0, -1.0])).tolist() == [1, 0]
    assert shares(torch.tensor([-3.0, -1.0])).tolist() == [0.75, 0.25]
    assert shares(torch.tensor([-3.0])).tolist() == [1]
    assert shares(torch.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize("size", [(40, 40), (90, 40), (40, 133), (701, 333), (28, 29)])
@pytest.mark.parametrize("backbone", ["tiny_vit", "tiny_dinov2"])
def test_the_box_is_what_the_processor_shows(
    backbone: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    side = 32 if backbone == "tiny_vit" else 28
    processor = load_processor(request.getfixturevalue(backbone), image_size=side)
    width, height = size
    # A picture whose red says how far to the right one is, and whose green says how far down.
    across, down = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    ramps = np.stack([across, down, down], axis=2) * 255
    pixels = to_pixels([Image.fromarray(ramps.round().astype(np.uint8))], processor)[0].numpy()
    seen = pixels * np.reshape(processor.image_std, (3, 1, 1)) + np.reshape(processor.image_mean, (3, 1, 1))
    left, top, right, bottom = shown_box(processor, width=width, height=height)
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1
    # Away from the edges, where a resampling filter has pixels on both of its sides.
    inner = np.arange(4, side - 4)
    expected_across = left + (right - left) * (inner + 0.5) / side
    expected_down = top + (bottom - top) * (inner + 0.5) / side
    np.testing.assert_allclose(seen[0, side // 2, inner], expected_across, atol=0.008)
    np.testing.assert_allclose(seen[1, inner, side // 2], expected_down, atol=0.008)
    is_whole = (left, top, right, bottom) == (0, 0, 1, 1)
    assert is_whole == (backbone == "tiny_vit" or width == height)


@pytest.fixture(params=["tiny_vit", "tiny_dinov2"])
def run(tiny_config: TrainConfig, tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """A finished run of a tiny backbone, in the precision that this machine would choose."""
    size = 32 if request.param == "tiny_vit" else 28
    config = replace(
        tiny_config, backbone=str(request.getfixturevalue(request.param)), image_size=size, precision="auto", epochs=1
    )
    run = create_run(config, root=tmp_path)
    list(train_run(run))
    return run


def pictures_of(run: Run) -> list[Path]:
    return [paths[0] for paths in list_pictures(Path(run.config().pictures)).values()]


def test_predictions_are_the_same_before_and_after_an_explanation(run: Run) -> None:
    classifier, pictures = Classifier(run), pictures_of(run)
    before = classifier.score(pictures)
    how = classifier.parts.model.config._attn_implementation
    weights = {name: value.clone() for name, value in classifier.parts.model.state_dict().items()}
    for label in classifier.classes:
        classifier.explain(pictures[0], label=label)
    assert classifier.score(pictures) == before
    assert classifier.parts.model.config._attn_implementation == how == "sdpa"
    assert all(torch.equal(value, weights[name]) for name, value in classifier.parts.model.state_dict().items())
    assert all(parameter.grad is None for parameter in classifier.parts.model.parameters())


def test_an_explanation_that_breaks_off_leaves_the_model_as_it_was(run: Run) -> None:
    classifier, pictures = Classifier(run), pictures_of(run)
    pixels = to_pixels([open_picture(pictures[0])], classifier.processor)
    with pytest.raises(IndexError):
        relevance(classifier.parts, pixels, index=99)
    assert classifier.parts.model.config._attn_implementation == "sdpa"
    assert not [module for module in classifier.parts.model.modules() if module._forward_hooks]


def test_a_map_is_scaled_and_carries_the_runs_own_probability(run: Run) -> None:
    classifier = Classifier(run)
    picture = pictures_of(run)[0]
    [scores] = classifier.score([picture])
    assert isinstance(scores, dict)
    most = []
    for label in classifier.classes:
        found = classifier.explain(picture, label=label)
        values = np.array(found.values)
        assert (found.label, found.confidence) == (label, scores[label])
        side = {32: 4, 28: 2}[run.config().image_size]
        assert values.shape == (side, side)
        assert values.min() >= 0
        most.append(values.max())
    # In a net so young it happens that nothing speaks for a class: an empty map, not noise blown up to 1.
    assert set(most) <= {0, 1}
    assert 1 in most


def test_a_class_or_a_picture_that_is_not_there_is_one_sentence(run: Run, tmp_path: Path) -> None:
    classifier = Classifier(run)
    with pytest.raises(RunError, match="knows no 'bored': choose one of"):
        classifier.explain(pictures_of(run)[0], label="bored")
    with pytest.raises(PictureError, match="There is no picture"):
        classifier.explain(tmp_path / "gone.png", label="happy")


def blanked(picture: Path, found: Saliency, patches: np.ndarray) -> Image.Image:
    """Return a picture with patches (numbers along the rows of the map) painted in its mean colour."""
    image = open_picture(picture)
    left, top, right, bottom = (
        share * side for share, side in zip(found.box, (image.width, image.height) * 2, strict=True)
    )
    side = len(found.values)
    colour = tuple(round(part) for part in ImageStat.Stat(image).mean)
    brush = ImageDraw.Draw(image)
    wide, high = (right - left) / side, (bottom - top) / side
    for row, column in zip(*np.divmod(patches, side), strict=True):
        x, y = left + column * wide, top + row * high
        brush.rectangle((round(x), round(y), round(x + wide) - 1, round(y + high) - 1), fill=colour)
    return image


def drops(classifier: Classifier, picture: Path, *, rng: random.Random) -> tuple[float, float, float]:
    """Return how far the said class's probability falls without the most salient, a random and the least salient."""
    [scores] = classifier.score([picture])
    assert isinstance(scores, dict)
    label = max(scores, key=scores.__getitem__)
    found = classifier.explain(picture, label=label)
    order = np.argsort(np.array(found.values).ravel())
    count = round(len(order) * SHARE)
    draws = [np.array(rng.sample(range(len(order)), count)) for _ in range(3)]
    images = [blanked(picture, found, patches) for patches in (order[-count:], order[:count], *draws)]
    fell = []
    for said in classifier.score(images):
        assert isinstance(said, dict)
        fell.append(scores[label] - said[label])
    return fell[0], float(np.mean(fell[2:])), fell[1]


@pytest.mark.slow
@pytest.mark.skipif(not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: `make run`")
def test_without_the_most_salient_quarter_the_class_falls_and_without_another_it_hardly_does(tmp_path: Path) -> None:
    run = create_run(preset("Quick", pictures=str(FACES / "human_train")), root=tmp_path)
    list(train_run(run))
    classifier, rng = Classifier(run), random.Random(0)
    for name in ("human_eval", "dog_eval"):
        pictures = [path for paths in list_pictures(FACES / name).values() for path in paths[:6]]
        fell = np.array([drops(classifier, picture, rng=rng) for picture in pictures])
        most, anywhere, least = fell.mean(0)
        assert most > anywhere + 0.15, (name, fell.mean(0))
        assert most > 2 * anywhere, (name, fell.mean(0))
        assert least < anywhere + 0.05, (name, fell.mean(0))
        assert (fell[:, 0] > fell[:, 1]).mean() > 0.6, (name, fell)
