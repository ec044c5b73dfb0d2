"""Whether a picture is like those that a run has seen: the distance, the threshold, the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from emotion.familiarity import FILE, NEIGHBOURS, Seen, chosen, distances, load_seen, save_seen, see
from emotion.prediction import FEWEST, Familiarity, Prediction

WIDTH = 24


def features(count: int, *, seed: int, centre: float = 1.0) -> np.ndarray:
    """Return (count, WIDTH) float32 features around a point."""
    return np.random.default_rng(seed).normal(centre, 1.0, (count, WIDTH)).astype(np.float32)


def seen(validation: int = 90) -> Seen:
    """Return what is kept of 300 training pictures and so many validation pictures of one kind."""
    return see(features(300, seed=1), features(validation, seed=2))


def test_distances_are_those_of_scikit_learns_nearest_neighbours() -> None:
    references, asked = features(300, seed=1), features(700, seed=3)
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(references)
    expected = neighbours.kneighbors(asked)[0][:, -1]
    assert distances(asked, references) == pytest.approx(expected, abs=1e-4)


def test_fewer_references_than_neighbours_do() -> None:
    references, asked = features(2, seed=1), features(9, seed=3)
    expected = NearestNeighbors(n_neighbors=2).fit(references).kneighbors(asked)[0][:, -1]
    assert distances(asked, references) == pytest.approx(expected, abs=1e-4)


def test_features_are_standardised_as_scikit_learn_does_it() -> None:
    train, asked = features(300, seed=1) * np.arange(1, WIDTH + 1), features(90, seed=2) * np.arange(1, WIDTH + 1)
    scaler = StandardScaler().fit(train)
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(scaler.transform(train))
    expected = neighbours.kneighbors(scaler.transform(asked))[0][:, -1]
    # The references are kept as half-precision numbers.
    assert see(train, asked).distances == pytest.approx(np.sort(expected), abs=2e-3)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    train, asked = features(300, seed=1), features(90, seed=2)
    train[:, 3] = asked[:, 3] = 7.0
    assert np.isfinite(see(train, asked).distances).all()


@pytest.mark.parametrize(("validation", "unknown"), [(20, 1), (90, 4), (100, 5), (119, 5)])
def test_a_twentieth_of_the_validation_pictures_is_unknown(validation: int, unknown: int) -> None:
    told = seen(validation).familiarity(features(validation, seed=2))
    assert sum(bool(each.is_unknown) for each in told) == unknown


def test_new_pictures_of_the_same_kind_are_rarely_unknown_and_others_always() -> None:
    known = seen(200)
    same = [each.is_unknown for each in known.familiarity(features(2000, seed=4))]
    others = [each.is_unknown for each in known.familiarity(features(50, seed=5, centre=-1.0))]
    assert 0.02 < np.mean(same) < 0.09
    assert all(others)


def test_too_few_validation_pictures_make_no_claim() -> None:
    [told] = seen(FEWEST - 1).familiarity(features(1, seed=5, centre=-1.0))
    assert told.is_unknown is None
    assert f"With {FEWEST - 1} validation pictures" in told.sentence()


def test_the_sentence_says_what_it_rests_on() -> None:
    unknown = Familiarity(nearer=88, validation=90)
    assert unknown.is_unknown
    assert unknown.sentence() == (
        "None of these, as far as the run can tell: this picture is less like its training pictures than 95 % of its "
        "validation pictures (n = 90) are."
    )
    assert "85 of 90 are nearer" in Familiarity(nearer=85, validation=90).sentence()


def test_a_prediction_without_the_file_makes_no_claim() -> None:
    said = Prediction("sad", 1.0, {"sad": 1.0}, "float32", 0.1)
    assert said.is_unknown is None
    assert said.familiarity_sentence() == "This run does not know what it has never seen: train again."


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    known = seen()
    save_seen(known, tmp_path)
    again = load_seen(tmp_path, width=WIDTH)
    assert again is not None
    assert all((value == vars(again)[name]).all() for name, value in vars(known).items())
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_torn_a_missing_and_a_foreign_file_make_no_claim(tmp_path: Path) -> None:
    assert load_seen(tmp_path, width=WIDTH) is None
    save_seen(seen(), tmp_path)
    assert load_seen(tmp_path, width=WIDTH + 1) is None, "that of another backbone"
    whole = (tmp_path / FILE).read_bytes()
    for torn in (b"", whole[:5], whole[:-100], b"not what it should be" * 100):
        (tmp_path / FILE).write_bytes(torn)
        assert load_seen(tmp_path, width=WIDTH) is None


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_seen(seen(), tmp_path)
    before = (tmp_path / FILE).read_bytes()

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_seen(seen(50), tmp_path)
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("width", [768, 1536, 3072])
def test_the_file_of_fifty_thousand_pictures_is_below_two_megabytes(tmp_path: Path, width: int) -> None:
    references = chosen(range(42_500), width=width, seed=1)
    assert len(set(references)) == len(references) >= 200
    assert references == chosen(range(42_500), width=width, seed=1) != chosen(range(42_500), width=width, seed=2)
    known = see(np.ones((len(references), width), dtype=np.float32), np.ones((750, width), dtype=np.float32))
    save_seen(known, tmp_path)
    assert (tmp_path / FILE).stat().st_size < 2_000_000
