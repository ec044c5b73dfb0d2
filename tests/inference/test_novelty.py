"""Novelty: whether a picture is like those that a run has seen, and no claim where that is not known."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.command import Emotion
from helpers.training import Trainer
from PIL import Image
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from emotion.inference.novelty import NEIGHBOURS, see

NOT_KNOWN = "This run cannot tell an unfamiliar kind of picture: train again."


@pytest.mark.parametrize("depth", ["head", 1, "all"])
def test_of_the_validation_pictures_a_twentieth_is_unknown_and_what_was_learnt_is_not(
    trainer: Trainer, tmp_path: Path, emotion: Emotion, depth: str | int
) -> None:
    told = trainer(depth=depth, validation_share=0.5, augmentation="light", block_learning_rate=2e-3)

    def unknown(part: str) -> list[bool | None]:
        pictures = [trainer.pictures / row["picture"] for row in told.read("split.json")[part]]
        said = emotion("predict", "--run", told.path, *pictures, "--json").json
        return [row["unknown"] for row in said["predictions"]]

    held_back = unknown("validation")
    assert len(held_back) == 24
    assert 1 <= sum(map(bool, held_back)) <= 2  # 1 of 24, by construction; two may be equally far.
    assert sum(map(bool, unknown("train"))) <= 4, "what it was trained on is not strange to it"
    noise = [tmp_path / f"noise-{seed}.png" for seed in range(24)]
    for seed, path in enumerate(noise):
        levels = bytes(random.Random(seed).choices((0, 255), k=1600))
        Image.frombytes("L", (40, 40), levels).convert("RGB").save(path)
    judged = emotion("predict", "--run", told.path, *noise, "--json").json["predictions"]
    strange = [path for path, row in zip(noise, judged, strict=True) if row["unknown"]]
    assert strange, "none of 24 pictures of noise is strange to it"
    strange[0].rename(tmp_path / "strange.png")
    said = emotion("predict", "--run", told.path, tmp_path / "strange.png").out
    assert "Unfamiliar kind of picture" in said
    assert "(n = 24)" in said
    many = emotion("predict", "--run", told.path, tmp_path / "strange.png", "--csv", tmp_path / "table.csv")
    assert "1 picture of an unfamiliar kind" in many.out
    assert "True" in (tmp_path / "table.csv").read_text().splitlines()[1]


def test_without_enough_validation_pictures_or_a_sound_file_no_claim_is_made(
    run: Path, emotion: Emotion, tiny_pictures: Path
) -> None:
    def said() -> tuple[bool | None, str, float]:
        picture = tiny_pictures / "dog_eval" / "sad" / "sad_000.png"
        [row] = emotion("predict", "--run", run, picture, "--json").json["predictions"]
        return row["unknown"], row["unknown_sentence"], row["scores"]["sad"]

    unknown, sentence, score = said()
    assert unknown is None
    assert sentence.startswith("With 7 validation pictures this run cannot tell an unfamiliar kind of picture: ")
    file = run / "familiarity.safetensors"
    whole = file.read_bytes()
    for torn in (b"", whole[:5], whole[:-100], b"not what it should be" * 100):
        file.write_bytes(torn)
        assert said() == (None, NOT_KNOWN, score)
    file.unlink()
    assert said() == (None, NOT_KNOWN, score)


def features(count: int, *, seed: int, centre: float = 1.0) -> torch.Tensor:
    """Return (count, 24) float32 features around a point, each at another scale."""
    rows = np.random.default_rng(seed).normal(centre, 1.0, (count, 24)).astype(np.float32)
    return torch.from_numpy(rows * np.arange(1, 25, dtype=np.float32))


def test_distances_are_those_of_scikit_learn_and_new_pictures_of_the_kind_are_rarely_unknown() -> None:
    learnt, validation = features(300, seed=1), features(200, seed=2)
    known = see(learnt, validation)
    scaler = StandardScaler().fit(learnt.numpy())
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(scaler.transform(learnt.numpy()))
    expected = neighbours.kneighbors(scaler.transform(validation.numpy()))[0][:, -1]
    assert known.distances.numpy() == pytest.approx(np.sort(expected), abs=2e-3), "kept as half-precision numbers"
    same, others = (
        [each.is_unknown for each in known.novelty(rows)]
        for rows in (features(2000, seed=4), features(50, seed=5, centre=-1.0))
    )
    assert 0.02 < np.mean(same) < 0.09
    assert all(others)
    learnt[:, 3] = validation[:, 3] = 7.0
    assert see(learnt, validation).distances.isfinite().all(), "a feature that never varies does no harm"
    assert see(features(2, seed=1), features(9, seed=3)).distances.isfinite().all(), "fewer than neighbours do"
