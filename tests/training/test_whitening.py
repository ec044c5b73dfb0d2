"""Whitening within the classes: what it is for, against numpy, and the odd sets it must not choke on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.covariance import shrunk_covariance

from emotion.training.whitening import SHRINKAGE, whitening


def features(count: int = 400, *, width: int = 6, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(count) % classes
    mixed = torch.randn(count, width, generator=generator) @ torch.randn(width, width, generator=generator)
    return mixed + 5 * labels[:, None] + 100.0, labels


def test_it_is_the_inverse_root_of_the_shrunk_covariance_within_the_classes() -> None:
    rows, labels = features()
    mean, projection = whitening(zip(rows.split(64), labels.split(64), strict=True), classes=4, width=6)
    x = rows.double().numpy()
    z = (x - x.mean(0)) / x.std(0)
    centred = z - np.stack([z[labels.numpy() == k].mean(0) for k in range(4)])[labels.numpy()]
    shrunk = shrunk_covariance(centred.T @ centred / len(z), shrinkage=SHRINKAGE)
    values, vectors = np.linalg.eigh(shrunk)
    expected = vectors @ np.diag(values**-0.5) @ vectors.T
    expected /= (z @ expected).std(0).mean()
    assert np.allclose((rows - mean) @ projection, z @ expected, atol=1e-3)


def test_the_batches_make_no_difference() -> None:
    rows, labels = features()
    whole = whitening([(rows, labels)], classes=4, width=6)
    parts = whitening(zip(rows.split(7), labels.split(7), strict=True), classes=4, width=6)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(whole, parts, strict=True))


@pytest.mark.parametrize("rows", [torch.zeros(4, 5), torch.eye(5)[:4], torch.ones(4, 5) * torch.arange(5.0)])
def test_pictures_without_spread_give_finite_numbers(rows: torch.Tensor) -> None:
    mean, projection = whitening([(rows, torch.tensor([0, 0, 1, 1]))], classes=4, width=5)
    assert torch.isfinite(mean).all()
    assert torch.isfinite((rows - mean) @ projection).all()
