"""The cache of activations: no picture is looked at twice, and nothing in it is trusted that is not sound."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from torch import Tensor

from emotion.cache import collector
from emotion.cache.shard import ShardWriter
from emotion.cache.store import Cache, open_cache
from emotion.config import TrainConfig
from emotion.errors import ConfigError
from emotion.events import EpochDone, Event, PicturesSkipped, RunFailed, RunFinished, StepDone, TrunkProgress
from emotion.runs import create_run
from emotion.training.activations import Activations, Job
from emotion.training.session import train_run
from emotion.training.trunk import Look

Train = Callable[[TrainConfig], list[Event]]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Return a function that trains and returns the events of the finished run."""

    def run(config: TrainConfig) -> list[Event]:
        events = list(train_run(create_run(config, root=tmp_path / "runs")))
        assert isinstance(events[-1], RunFinished), events[-1]
        return events

    return run


def looked_at(events: list[Event]) -> int:
    """Return how many pictures' views were computed, not taken from the cache."""
    last = [event for event in events if isinstance(event, TrunkProgress)][-1]
    assert last.done == last.total
    return last.total - last.known


def losses(events: list[Event]) -> list[float]:
    return [event.loss for event in events if isinstance(event, StepDone)] + [
        event.validation.loss for event in events if isinstance(event, EpochDone)
    ]


def shards(cache: Path) -> list[Path]:
    return sorted(path.parent for path in cache.rglob("index.json"))


@pytest.mark.parametrize("depth", ["head", 1])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_second_training_looks_at_nothing_and_has_the_losses_of_one_without_cache(
    tiny_config: TrainConfig, train: Train, monkeypatch: pytest.MonkeyPatch, depth: str | int, precision: str
) -> None:
    config = replace(tiny_config, depth=depth, precision=precision, augmentation="light")
    first, second = train(config), train(config)
    monkeypatch.setenv("EMOTION_CACHE_GB", "0")
    without = train(config)
    assert [looked_at(events) for events in (first, second, without)] == [48 + 41, 0, 48 + 41]
    assert losses(second) == pytest.approx(losses(without), abs=1e-3)
    assert losses(second) == losses(first)


def test_another_batch_size_or_rate_looks_at_nothing_and_another_seed_at_what_it_newly_trains_on(
    tiny_config: TrainConfig, train: Train
) -> None:
    config = replace(tiny_config, augmentation="light")
    train(config)
    assert looked_at(train(replace(config, batch_size=4, epochs=1, head_learning_rate=1e-2))) == 0
    # The seven that were held back are trained on now, in a view of their own.
    assert looked_at(train(replace(config, seed=7))) <= 7


def test_ten_more_pictures_cost_ten_looks_and_a_renamed_one_none(tiny_config: TrainConfig, train: Train) -> None:
    train(tiny_config)
    folder = Path(tiny_config.pictures)
    for number in range(10):
        Image.new("RGB", (40, 40), (number * 20, 50, 90)).save(folder / "happy" / f"new_{number}.png")
    (folder / "sad" / "sad_003.png").rename(folder / "sad" / "moved.png")
    assert looked_at(train(tiny_config)) == 10


def test_pictures_of_the_same_content_are_looked_at_once_and_all_unreadable_ones_are_named(
    tiny_config: TrainConfig, train: Train
) -> None:
    folder = Path(tiny_config.pictures)
    for name in ("one", "two"):
        (folder / "happy" / f"{name}.png").write_bytes((folder / "happy" / "happy_000.png").read_bytes())
        (folder / "angry" / f"bad_{name}.png").write_bytes(b"nothing")
    events = train(tiny_config)
    [skipped] = [event for event in events if type(event).__name__ == "PicturesSkipped"]
    assert sorted(Path(path).name for path in skipped.reasons) == ["bad_one.png", "bad_two.png"]
    assert all(Path(path).name in reason for path, reason in skipped.reasons.items())


@pytest.mark.parametrize(
    "change", ["weights", "image_size", "precision", "depth", "augmentation"], ids=lambda name: f"other {name}"
)
def test_whatever_decides_an_activation_makes_it_another_one(
    tiny_config: TrainConfig, tiny_dinov2: Path, train: Train, change: str
) -> None:
    train(replace(tiny_config, depth=1))
    other = {
        "weights": {"backbone": str(tiny_dinov2), "image_size": 28},
        "image_size": {"image_size": 48},
        "precision": {"precision": "bfloat16"},
        "depth": {"depth": "head"},
        "augmentation": {"augmentation": "light"},
    }[change]
    expected = 41 if change == "augmentation" else 48
    assert looked_at(train(replace(tiny_config, **{"depth": 1, **other}))) == expected


def cut_short(folder: Path) -> None:
    os.truncate(folder / "rows.bin", 100)


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "rows.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "rows.bin").write_bytes(content)


def tear_the_index(folder: Path) -> None:
    (folder / "index.json").write_text((folder / "index.json").read_text()[:200])


def of_another_recipe(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_text())
    index["recipe"]["weights"] = "0" * 64
    (folder / "index.json").write_text(json.dumps(index))


def of_another_program(folder: Path) -> None:
    (folder / "index.json").write_text("[1, 2]")


def without_rows(folder: Path) -> None:
    (folder / "rows.bin").unlink()


@pytest.mark.parametrize(
    "damage", [cut_short, flip_a_bit, tear_the_index, of_another_recipe, of_another_program, without_rows]
)
def test_what_is_torn_or_foreign_is_found_out_and_computed_anew(
    tiny_config: TrainConfig, train: Train, own_cache: Path, damage: Callable[[Path], None]
) -> None:
    first = train(tiny_config)
    [folder] = shards(own_cache)
    damage(folder)
    second = train(tiny_config)
    assert looked_at(second) == 48
    assert losses(second) == losses(first)
    assert looked_at(train(tiny_config)) == 0
    assert not folder.exists()


def row_size(own_cache: Path) -> int:
    return sum(file.stat().st_size for folder in shards(own_cache) for file in folder.iterdir())


def test_the_least_recently_used_makes_room_and_the_limit_holds(
    tiny_config: TrainConfig, train: Train, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [32, 40]
    for size in sizes:
        train(replace(tiny_config, image_size=size))
    limit = row_size(own_cache) + 100  # Room for two, not for three.
    monkeypatch.setenv("EMOTION_CACHE_GB", str(limit / 1e9))
    monkeypatch.setattr("emotion.cache.store._last_used", last_used := LastUsed())
    last_used.order(own_cache)
    assert looked_at(train(replace(tiny_config, image_size=32))) == 0  # Used now, so the other one is older.
    train(replace(tiny_config, image_size=48))
    assert row_size(own_cache) <= limit
    assert [looked_at(train(replace(tiny_config, image_size=size))) for size in (32, 48)] == [0, 0]
    assert looked_at(train(replace(tiny_config, image_size=40))) == 48


class LastUsed:
    """File times as they are, but for what was made before ``order``: that was long ago."""

    def order(self, cache: Path) -> None:
        for folder in shards(cache):
            os.utime(folder / "index.json", (1, 1))

    def __call__(self, folder: Path) -> float:
        return (folder / "index.json").stat().st_mtime


def test_what_is_in_use_is_never_evicted_and_what_finds_no_room_lasts_for_its_training(
    tiny_config: TrainConfig, train: Train, own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    train(tiny_config)
    kept = shards(own_cache)
    monkeypatch.setenv("EMOTION_CACHE_GB", str((row_size(own_cache) + 100) / 1e9))
    reading = train_run(create_run(tiny_config, root=tmp_path / "slow"))
    for event in reading:
        if isinstance(event, StepDone):
            break
    other = train(replace(tiny_config, image_size=40))
    looks = [event for event in other if isinstance(event, TrunkProgress)]
    assert not any(look.kept for look in looks)
    assert looks[0].done == 0  # Said before the first picture.
    assert shards(own_cache) == kept
    assert isinstance(list(reading)[-1], RunFinished)
    train(replace(tiny_config, image_size=40))
    assert not set(shards(own_cache)) & set(kept)
    assert not list(own_cache.rglob(".private-*"))


TRAIN = """
import sys
from pathlib import Path
from emotion.run import Run
from emotion.training.session import train_run
for event in train_run(Run(Path(sys.argv[1]))):
    print(type(event).__name__, getattr(event, "done", ""), getattr(event, "known", ""), flush=True)
"""


def apart(config: TrainConfig, root: Path) -> subprocess.Popen[str]:
    run = create_run(config, root=root)
    return subprocess.Popen([sys.executable, "-c", TRAIN, str(run.path)], stdout=subprocess.PIPE, text=True)


def test_two_trainings_at_once_both_finish_and_leave_a_sound_cache(
    tiny_config: TrainConfig, train: Train, tmp_path: Path, own_cache: Path
) -> None:
    config = replace(tiny_config, depth=1, augmentation="strong")
    both = [apart(config, tmp_path / name) for name in ("one", "two")]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert all("RunFinished" in text for text in said)
    assert looked_at(train(config)) == 0
    assert not list(own_cache.rglob(".private-*"))
    assert open_cache().entries()[0].rows <= 2 * (48 + 3 * 41)


def test_a_training_killed_in_the_look_leaves_nothing_torn_and_what_it_had_is_used(
    tiny_config: TrainConfig, train: Train, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = TRAIN.replace("import sys\n", "import sys\nimport emotion.cache.collector as c\nc.SHARD_ROWS = 16\n", 1)
    run = create_run(tiny_config, root=tmp_path)
    process = subprocess.Popen([sys.executable, "-c", source, str(run.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("TrunkProgress 32"):
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    events = train(tiny_config)
    assert looked_at(events) <= 16
    assert not list(own_cache.rglob(".private-*"))
    monkeypatch.setenv("EMOTION_CACHE_GB", "0")
    assert losses(events) == pytest.approx(losses(train(tiny_config)), abs=1e-3)


def test_a_stopped_look_keeps_what_it_saw(tiny_config: TrainConfig, train: Train, tmp_path: Path) -> None:
    asked = iter([False, False, True])
    run = create_run(tiny_config, root=tmp_path)
    list(train_run(run, asked_to_stop=lambda: next(asked, True)))
    assert looked_at(train(tiny_config)) == 48 - 2 * 16


def test_a_shard_that_a_killed_training_left_open_is_deleted_by_the_next_one(own_cache: Path) -> None:
    left = own_cache / "0123456789abcdef" / ".private-0"
    left.mkdir(parents=True)
    (left / "index.json").touch()
    (left / "rows.bin").write_bytes(bytes(1000))
    cache = Cache(own_cache, 10**9)
    assert cache.clear() == 0
    assert not left.exists()


def test_the_command_shows_what_is_kept_and_clears_it_without_torch(
    tiny_config: TrainConfig, train: Train, own_cache: Path
) -> None:
    train(tiny_config)
    code = "import sys; from emotion.cli import main; main({}); print('torch' in sys.modules)"

    def said(*arguments: str) -> list[str]:
        command = [sys.executable, "-c", code.format(["cache", *arguments])]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    shown, has_torch = said("--json")
    assert has_torch == "False"
    [entry] = json.loads(shown)["entries"]
    assert (entry["rows"], entry["recipe"]["image_size"]) == (48, 32)
    assert json.loads(shown)["size"] == row_size(own_cache)
    assert "48 features, 32 px, float32" in said()[0]
    assert said("clear")[0].startswith("0.0 MB deleted from")  # 11 KB
    assert shards(own_cache) == []


def test_a_picture_whose_twin_is_gone_when_its_turn_comes_is_left_out_and_not_given_anothers_features(
    tiny_config: TrainConfig, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    happy = Path(tiny_config.pictures) / "happy"
    twins = [happy / "happy_003.png", happy / "twin.png"]
    twins[1].write_bytes(twins[0].read_bytes())
    decode = Look._decode

    def one_is_gone(self: Look, batch: list[Job]) -> object:
        for path in (self.pictures[index].path for _, index in batch):
            if path in twins and all(twin.exists() for twin in twins):
                path.unlink()
        return decode(self, batch)

    monkeypatch.setattr(Look, "_decode", one_is_gone)
    [skipped] = [event for event in train(tiny_config) if isinstance(event, PicturesSkipped)]
    assert sorted(skipped.reasons) == sorted(map(str, twins))
    [stays] = [twin for twin in twins if twin.exists()]
    assert "changed while it was looked at" in skipped.reasons[str(stays)]


def test_a_small_set_out_of_a_large_one_passes_the_trained_blocks_alone(
    tiny_config: TrainConfig, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(tiny_config, depth=1)
    train(config)
    small = tmp_path / "small"
    for label in ("happy", "sad"):
        (small / label).mkdir(parents=True)
        for picture in sorted((Path(config.pictures) / label).iterdir())[:4]:
            (small / label / picture.name).write_bytes(picture.read_bytes())
    passed: list[int] = []
    through = Activations.through

    def counted(self: Activations, work: Callable[[Tensor], Tensor]) -> Activations:
        def noted(rows: Tensor) -> Tensor:
            passed.append(len(rows))
            return work(rows)

        return through(self, noted)

    monkeypatch.setattr(Activations, "through", counted)
    assert looked_at(train(replace(config, pictures=str(small)))) == 0
    assert passed
    assert set(passed) == {8}


def test_a_disk_that_fills_keeps_no_shard_that_was_for_one_training_alone(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_CACHE_GB", "0.0000001")
    monkeypatch.setattr(collector, "SHARD_ROWS", 8)
    add, written = ShardWriter.add, []

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def until_full(self: ShardWriter, *values: object, **more: object) -> None:
        written.append(self)
        if len(written) > 36:
            monkeypatch.setattr(ShardWriter, "finish", full)
            full()
        add(self, *values, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ShardWriter, "add", until_full)
    assert isinstance(list(train_run(create_run(tiny_config, root=tmp_path / "runs")))[-1], RunFailed)
    assert len(written) == 37
    assert list(open_cache().folder.rglob("index.json")) == []


@pytest.mark.parametrize("limit", ["1,5", "inf", "nan", "-1", "two"])
def test_a_limit_that_is_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("EMOTION_CACHE_GB", limit)
    with pytest.raises(ConfigError, match="set it to a number of gigabytes, 0 for none"):
        open_cache()
