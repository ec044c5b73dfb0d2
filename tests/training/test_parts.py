"""Batches, shards, views, schedules and precision: the small decisions of a training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from emotion.training.augmentation import vary
from emotion.training.batches import batches, shard, view_of
from emotion.training.device import resolve_precision
from emotion.training.optimizing import learning_rate_factor
from emotion.training.weighting import class_weights


def test_an_epoch_holds_every_picture_once() -> None:
    held = [index for batch in batches(50, batch_size=8, seed=1, epoch=2) for index in batch]
    assert sorted(held) == list(range(50))


def test_epochs_and_seeds_shuffle_differently() -> None:
    orders = {
        (seed, epoch): tuple(next(batches(50, batch_size=50, seed=seed, epoch=epoch)))
        for seed in (1, 2)
        for epoch in (1, 2)
    }
    assert len(set(orders.values())) == 4


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 4, 7, 24])
def test_processes_share_a_batch_without_loss_or_repetition(size: int, processes: int) -> None:
    batch = list(range(100, 100 + size))
    shares = [shard(batch, rank=rank, processes=processes) for rank in range(processes)]
    counted = [index for indices, weights in shares for index, weight in zip(indices, weights, strict=True) if weight]
    assert sorted(counted) == batch
    assert len({len(indices) for indices, _ in shares}) == 1


def test_an_epoch_draws_among_all_views() -> None:
    assert {view_of(index, views=4, seed=1, epoch=1) for index in range(100)} == {0, 1, 2, 3}
    assert {view_of(index, views=1, seed=1, epoch=1) for index in range(100)} == {0}


def test_a_variation_depends_on_its_key_alone() -> None:
    image = Image.effect_noise((40, 30), 80).convert("RGB")
    first = vary(image, augmentation="strong", key="a")
    assert first.tobytes() == vary(image, augmentation="strong", key="a").tobytes()
    assert first.tobytes() != vary(image, augmentation="strong", key="b").tobytes()
    assert vary(image, augmentation="off", key="a") is image


def test_the_learning_rate_warms_up_and_then_falls() -> None:
    rates = [learning_rate_factor(step, steps=100, warmup=10, schedule="cosine") for step in range(100)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_a_constant_rate_without_warm_up_is_one_throughout() -> None:
    assert {learning_rate_factor(step, steps=9, warmup=0, schedule="constant") for step in range(9)} == {1.0}


def test_auto_precision_is_bfloat16_only_where_the_machine_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for has_it, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda has_it=has_it: has_it)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert resolve_precision("auto", cpu) == expected
    assert resolve_precision("bfloat16", cpu) == "bfloat16"


def test_class_weights_are_those_of_scikit_learn_and_one_on_average() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    targets = torch.tensor([0] * 60 + [1] * 5 + [2] * 15)
    weights = class_weights(targets, classes=3, on=True)
    assert weights is not None
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets.numpy())
    assert weights.tolist() == pytest.approx(list(expected))
    assert weights[targets].mean().item() == pytest.approx(1.0)
    assert class_weights(targets, classes=3, on=False) is None
