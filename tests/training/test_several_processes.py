"""torchrun trains data-parallel: the same losses as one process, and one run folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.training import Told, Trainer

from emotion.training.inputs import batches, shard

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_processes_share_an_epoch_without_loss_or_repetition(processes: int) -> None:
    seen: list[int] = []
    for batch in batches(50, batch_size=8, seed=1, epoch=2):
        shares = [shard(batch, rank=rank, processes=processes) for rank in range(processes)]
        assert len({len(indices) for indices, _ in shares}) == 1
        seen += [place for indices, weights in shares for place, weight in zip(indices, weights, strict=True) if weight]
    assert sorted(seen) == list(range(50))


@pytest.mark.slow
@pytest.mark.parametrize("depth", ["head", "all"])
def test_torchrun_gives_the_losses_of_one_process_and_one_run(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: str
) -> None:
    # 41 training pictures in batches of 7: the last batch is odd, and so is each process's share of it.
    settings = {"depth": depth, "batch_size": 7, "augmentation": "light"}
    alone = trainer(**settings)
    # With a cache of their own, so that both look.
    monkeypatch.setenv("EMOTION_CACHE", str(tmp_path / "cache"))
    words = [*map(str, trainer.words), "--runs", str(tmp_path / "two"), "--json"]
    words += [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    command = [sys.executable, *TORCHRUN, "-m", "emotion", "train", *words]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = Told(Path(json.loads(done.stdout.splitlines()[-1])["run"]))
    assert (told.of("RunStarted")[0]["processes"], told.last["event"]) == (2, "RunFinished")
    assert [path.name for path in (tmp_path / "two").iterdir()] == [told.path.name]
    validations = [[event["validation"]["loss"] for event in each.of("EpochDone")] for each in (told, alone)]
    assert validations[0] == pytest.approx(validations[1], abs=1e-3)
    assert (told.path / "split.json").read_text() == (alone.path / "split.json").read_text()
