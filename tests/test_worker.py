"""Child processes: what they hold, what they do, and what becomes of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import psutil
import pytest

from emotion.comparison import Request
from emotion.config import TrainConfig
from emotion.errors import PictureError, RunError
from emotion.events import EpochDone, RunFailed, RunFinished, RunStopped, TrunkProgress
from emotion.pictures.folders import list_pictures
from emotion.processes import PRELOAD, start_process
from emotion.run import Run
from emotion.runs import create_run
from emotion.training.session import train_run
from emotion.worker import Workers

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with Workers(runs_folder=tmp_path / "runs") as workers:
        yield workers


def await_that(condition: Callable[[], bool], *, seconds: float = 300) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def finished(run: Run) -> Callable[[], bool]:
    return lambda: run.status() in ("finished", "stopped", "failed", "interrupted")


def _hang(run: Run) -> None:
    with run.lock():
        signal.pause()


def _die(run: Run) -> None:
    os._exit(9)


def test_a_child_of_the_dashboard_has_the_models_and_lacks_the_page(tmp_path: Path) -> None:
    """Children import the main module again: whatever app.py imports outside its guard, each of them pays for."""
    (tmp_path / "probe.py").write_text(
        "import sys\nfrom pathlib import Path\n\n"
        "def write_modules(path):\n    Path(path).write_text('\\n'.join(sys.modules))\n"
    )
    code = (
        "import sys\n"
        f"sys.modules['__main__'].__file__ = {str(ROOT / 'app.py')!r}\n"
        "from emotion.processes import start_process\nfrom probe import write_modules\n"
        f"process = start_process(write_modules, {str(tmp_path / 'modules')!r})\nprocess.join()\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    modules = set((tmp_path / "modules").read_text().splitlines())
    assert "__mp_main__" in modules
    assert {PRELOAD, "transformers.models.dinov2.modeling_dinov2", "transformers.models.vit.modeling_vit"} <= modules
    assert not {"gradio", "plotly"} & modules


def test_the_process_that_starts_children_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, emotion.worker as w, pathlib\n"
        f"with w.Workers(runs_folder=pathlib.Path({str(tmp_path)!r})) as workers:\n"
        "    workers._predictor.start()\n"
        "    assert not {'torch', 'transformers', 'datasets'} & set(sys.modules), 'heavy'\n"
    )
    script = tmp_path / "serve.py"
    script.write_text("if __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in code.splitlines()))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_training_in_a_child_finishes_and_then_predicts_and_compares(
    workers: Workers, tiny_config: TrainConfig, make_pictures: Callable[..., Path]
) -> None:
    run = workers.start_training(tiny_config)
    await_that(finished(run))
    assert run.status() == "finished"
    pictures = Path(tiny_config.pictures)
    said = workers.predict(run, list_pictures(pictures)["happy"][0])
    assert sum(said.scores.values()) == pytest.approx(1)
    comparison, file = workers.compare(
        run, Request({"human": make_pictures("others")}, emotion="happy", size=5, seed=1)
    )
    assert comparison.sets["human"]["happy"].n == 5
    assert file.parent == run.comparisons


def test_trainings_wait_for_one_another(workers: Workers, tiny_config: TrainConfig) -> None:
    first = workers.start_training(tiny_config)
    second = workers.start_training(tiny_config)
    third = workers.start_training(tiny_config)
    assert third.status() == "queued"
    assert (workers.queue_place(third) or 0) > (workers.queue_place(second) or 0)
    await_that(finished(second))
    assert first.status() == second.status() == "finished"


def test_a_queued_training_can_be_withdrawn_at_once(workers: Workers, tiny_config: TrainConfig) -> None:
    first = workers.start_training(replace(tiny_config, depth="all", epochs=50, augmentation="strong"))
    second = workers.start_training(tiny_config)
    second.request_stop()
    await_that(finished(second))
    assert first.status() in ("queued", "running")
    first.request_stop()
    assert second.status() == "stopped"
    assert workers.queue_place(second) is None
    assert second.events()[-1] == RunStopped(elapsed_seconds=0.0, best_epoch=None, validation=None)


def test_stopping_keeps_the_best_finished_epoch(workers: Workers, tiny_config: TrainConfig) -> None:
    # All blocks and fifty epochs: seconds of work, so that there is something to stop.
    run = workers.start_training(replace(tiny_config, depth="all", epochs=50, augmentation="light"))
    await_that(lambda: any(isinstance(event, EpochDone) and event.epoch for event in run.events()))
    run.request_stop()
    assert run.status() in ("stopping", "stopped")
    await_that(finished(run))
    last = run.events()[-1]
    assert isinstance(last, RunStopped)
    assert last.best_epoch
    assert (run.checkpoint / "model.safetensors").is_file()


def test_a_killed_training_says_interrupted_and_the_next_one_runs(workers: Workers, tiny_config: TrainConfig) -> None:
    run = workers.start_training(replace(tiny_config, depth="all", epochs=50))
    await_that(lambda: any(isinstance(event, EpochDone) for event in run.events()))
    assert workers._training is not None
    assert workers._training.pid is not None
    os.kill(workers._training.pid, signal.SIGKILL)
    await_that(finished(run))
    assert run.status() == "interrupted"
    after = workers.start_training(tiny_config)
    await_that(finished(after))
    assert after.status() == "finished"


def test_a_training_killed_mid_way_goes_on_to_the_numbers_it_would_have_had(
    workers: Workers, tiny_config: TrainConfig
) -> None:
    config = replace(tiny_config, depth="all", epochs=12)
    whole = workers.start_training(config)
    await_that(finished(whole))
    run = workers.start_training(config)
    await_that(lambda: any(isinstance(event, EpochDone) and event.epoch == 2 for event in run.events()))
    assert workers._training is not None
    workers._training.kill()
    await_that(lambda: run.status() == "interrupted")
    workers.resume_training(run)
    await_that(finished(run))
    assert run.status() == "finished"
    assert run.events()[-1] == replace(
        whole.events()[-1],
        elapsed_seconds=run.events()[-1].elapsed_seconds,
        peak_memory_megabytes=run.events()[-1].peak_memory_megabytes,  # type: ignore[attr-defined]
    )
    with pytest.raises(RunError, match="only a run that was cut off can go on"):
        workers.resume_training(run)


def test_a_run_that_is_resumed_before_its_dead_process_is_noticed_goes_on(
    workers: Workers, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[Run] = []

    def resume_first(sentinels: list[int], timeout: float) -> list[Any]:
        ended = wait(sentinels, timeout=timeout)
        if ended and not resumed:
            resumed.append(run)
            workers.resume_training(run)
        return ended

    monkeypatch.setattr("emotion.worker.wait", resume_first)
    run = workers.start_training(replace(tiny_config, depth="all", epochs=50))
    await_that(lambda: any(isinstance(event, EpochDone) and event.epoch == 2 for event in run.events()))
    assert workers._training is not None
    workers._training.kill()
    await_that(lambda: isinstance(run.events()[-1], RunFinished | RunFailed))
    assert resumed
    assert run.status() == "finished"


def test_a_training_that_does_not_stop_is_killed_and_its_best_epoch_kept(
    workers: Workers, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emotion.worker.GRACE_SECONDS", 0.5)
    run = workers.start_training(replace(tiny_config, depth="all", epochs=50))
    await_that(lambda: any(isinstance(event, EpochDone) and event.epoch == 2 for event in run.events()))
    assert workers._training is not None
    assert workers._training.pid is not None
    os.kill(workers._training.pid, signal.SIGSTOP)
    run.request_stop()
    await_that(finished(run))
    await_that(lambda: run.status() == "stopped")
    last = run.events()[-1]
    assert isinstance(last, RunStopped)
    assert last.best_epoch
    assert workers.predict(run, list_pictures(Path(tiny_config.pictures))["sad"][0]).scores


def test_a_stop_before_the_first_event_ends_the_run(
    workers: Workers, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backbone that is being fetched when the grace is over, say: nothing was begun, so nothing is kept."""
    monkeypatch.setattr("emotion.worker.GRACE_SECONDS", 0.0)
    monkeypatch.setattr("emotion.worker._train", _hang)
    run = workers.start_training(tiny_config)
    await_that(lambda: run.is_locked())
    assert run.status() == "running"
    run.request_stop()
    await_that(finished(run))
    assert run.events() == [RunStopped(elapsed_seconds=0.0, best_epoch=None, validation=None)]


def test_a_training_that_dies_before_its_first_event_has_failed_and_the_next_one_runs(
    workers: Workers, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("emotion.worker._train", _die)
        run = workers.start_training(tiny_config)
        await_that(finished(run))
    failed = run.events()[-1]
    assert isinstance(failed, RunFailed)
    assert "before it could begin" in failed.message
    after = workers.start_training(tiny_config)
    await_that(finished(after))
    assert after.status() == "finished"


def refuse_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the next process of the queue not be started."""
    real, refused = start_process, []

    def refuse(target: Any, *arguments: Any) -> Any:
        if not refused:
            refused.append(target)
            raise error
        return real(target, *arguments)

    monkeypatch.setattr("emotion.worker.start_process", refuse)


def test_a_full_disk_at_the_start_leaves_the_queue_going(
    workers: Workers, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_once(monkeypatch, OSError(28, "No space left on device"))
    first = workers.start_training(tiny_config)
    second = workers.start_training(tiny_config)
    await_that(finished(second))
    assert (first.status(), second.status()) == ("queued", "finished")
    assert "No space left on device" in capsys.readouterr().err


def test_a_process_that_cannot_be_forked_fails_its_run_and_leaves_the_queue_going(
    workers: Workers, tiny_config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_once(monkeypatch, EOFError("as multiprocessing says where what it forks from was killed"))
    first = workers.start_training(tiny_config)
    second = workers.start_training(tiny_config)
    await_that(finished(second))
    assert (first.status(), second.status()) == ("failed", "finished")
    assert isinstance(failed := first.events()[-1], RunFailed)
    assert "before it could begin" in failed.message


def test_a_predictor_that_cannot_be_forked_is_one_sentence(
    workers: Workers, tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise EOFError("unexpected EOF")

    monkeypatch.setattr("emotion.predictor.start_process", refuse)
    with pytest.raises(RunError, match="ended unexpectedly, perhaps for want of memory"):
        workers.predict(create_run(tiny_config, root=tmp_path / "runs"), tmp_path / "any.png")


def test_a_run_that_was_trained_elsewhere_meanwhile_is_not_trained_again(
    workers: Workers, tiny_config: TrainConfig
) -> None:
    first = workers.start_training(replace(tiny_config, depth="all", epochs=50))
    second = workers.start_training(tiny_config)
    list(train_run(second))
    events = second.events()
    first.request_stop()
    await_that(finished(first))
    await_that(lambda: workers.queue_place(second) is None)
    last = workers.start_training(tiny_config)
    await_that(finished(last))
    assert second.events() == events


def test_a_resumed_run_that_is_withdrawn_while_it_waits_keeps_its_best_epoch(
    workers: Workers, tiny_config: TrainConfig
) -> None:
    run = workers.start_training(replace(tiny_config, depth="all", epochs=50))
    await_that(lambda: any(isinstance(event, EpochDone) and event.epoch for event in run.events()))
    run.request_stop()
    await_that(finished(run))
    kept = run.events()[-1]
    other = workers.start_training(replace(tiny_config, depth="all", epochs=50))
    workers.resume_training(run)
    assert run.status() == "queued"
    run.request_stop()
    await_that(finished(run))
    other.request_stop()
    assert run.events()[-1] == kept


def test_ctrl_c_in_the_servers_terminal_leaves_the_training_interrupted_not_failed(
    tiny_config: TrainConfig, tmp_path: Path
) -> None:
    """The terminal sends the signal to the server's children as well."""
    with Workers(runs_folder=tmp_path / "runs") as workers:
        run = workers.start_training(replace(tiny_config, depth="all", epochs=50))
        await_that(lambda: any(isinstance(event, EpochDone) and event.epoch for event in run.events()))
        assert workers._training is not None
        assert workers._training.pid is not None
        os.kill(workers._training.pid, signal.SIGINT)
    await_that(finished(run))
    assert run.status() == "interrupted"


def test_what_a_server_left_queued_is_taken_up_by_the_next(tiny_config: TrainConfig, tmp_path: Path) -> None:
    left = create_run(tiny_config, root=tmp_path / "runs")
    with Workers(runs_folder=tmp_path / "runs") as workers:
        workers.take_up_queue()
        await_that(finished(left))
    assert left.status() == "finished"


def test_a_failure_is_one_sentence_in_the_run(workers: Workers, tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = workers.start_training(replace(tiny_config, pictures=str(tmp_path / "nowhere")))
    await_that(finished(run))
    failed = run.events()[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith("There is no folder")


def test_a_killed_predictor_is_replaced(workers: Workers, tiny_config: TrainConfig) -> None:
    run = workers.start_training(tiny_config)
    await_that(finished(run))
    picture = list_pictures(Path(tiny_config.pictures))["happy"][0]
    before = workers.predict(run, picture)
    assert workers._predictor._process is not None
    workers._predictor._process.kill()
    workers._predictor._process.join()
    assert workers.predict(run, picture).scores == before.scores


def test_errors_of_the_predictor_are_sentences(workers: Workers, tiny_config: TrainConfig, tmp_path: Path) -> None:
    run = workers.start_training(tiny_config)
    await_that(finished(run))
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    with pytest.raises(PictureError, match=r"holiday\.jpg is not a picture"):
        workers.predict(run, bad, name="holiday.jpg")
    with pytest.raises(PictureError, match="There are only 12 pictures of 'happy'"):
        workers.compare(run, Request({"dog": Path(tiny_config.pictures)}, emotion="happy", size=20, seed=1))
    with pytest.raises(RunError, match="has no checkpoint yet"):
        workers.predict(Run(tmp_path / "nothing"), bad)


def test_children_end_with_a_server_that_is_killed(tiny_config: TrainConfig, tmp_path: Path) -> None:
    config = replace(tiny_config, depth="all", epochs=50)
    script = tmp_path / "serve.py"
    script.write_text(
        "import json, pathlib, sys, time\n"
        "from emotion.config import TrainConfig\n"
        "from emotion.worker import Workers\n"
        "if __name__ == '__main__':\n"
        f"    workers = Workers(runs_folder=pathlib.Path({str(tmp_path / 'runs')!r}))\n"
        "    workers._predictor.start()\n"
        "    run = workers.start_training(TrainConfig.from_json(json.loads(sys.argv[1])))\n"
        "    print(run.path, flush=True)\n"
        "    time.sleep(600)\n"
    )
    import json

    server = subprocess.Popen(
        [sys.executable, str(script), json.dumps(config.to_json())],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    run = Run(Path(server.stdout.readline().strip()))
    await_that(lambda: any(isinstance(event, TrunkProgress | EpochDone) for event in run.events()))
    children = psutil.Process(server.pid).children(recursive=True)
    assert len(children) >= 2
    server.kill()
    server.wait()
    server.stdout.close()
    psutil.wait_procs(children, timeout=120)
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert run.status() == "interrupted"
    assert not any(isinstance(event, RunFinished) for event in run.events())


def test_a_trainings_beginning_and_end_stand_in_the_log(
    workers: Workers, tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))
    run = workers.start_training(tiny_config, owner="0123456789abcdef")
    await_that(lambda: "training ended" in (tmp_path / "log.jsonl").read_text() if finished(run)() else False)
    began, ended = (json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines())
    assert (began["event"], ended["event"], ended["outcome"]) == ("training started", "training ended", "done")
    assert began["visitor"] == ended["visitor"] == "0123456789"
    assert (ended["run"], ended["seconds"] > 0) == (run.name, True)
