"""Write what lies beside this file: runs, sets, comparisons, studies and answers as the product writes them.

It was run once, with commit 95ca4e9, and is run again only where a format is to change on purpose: what lies here is
what people have on their disks. ``.venv/bin/python tests/golden/write.py`` works in /tmp/golden and then copies.

Everything goes by the command line, a served ``app.py``, environment variables, files and signals where there is such
a door; only what a page alone can do (studies, a sweep, a name and a note) calls functions.

No place of a machine lies in the files: /tmp/golden is written as ``@GOLDEN@``, the repository as ``@REPO@``, and
whoever copies the files puts their own places there (``unpacked`` in test_golden.py). Runs lie in ``trainings``, since
git ignores folders called ``runs``; ``expected.json`` says which is which, and what must come out of them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
WORK = Path("/tmp/golden")
RUNS, SETS, PICTURES, SCRATCH = WORK / "trainings", WORK / "sets", WORK / "pictures", WORK / "scratch"
FOLDERS = ("tiny-vit", "tiny-dinov2", "trainings", "sets")
TEXTS = {".json", ".jsonl", ".md", ".txt", ".log"}
PLACES = {"@GOLDEN@": str(WORK), "@REPO@": str(REPO)}
SECRET = "anna" + "0" * 39  # The cookie of the visitor whose the run on the public server is.
COLOURS = {"happy": (230, 190, 40), "sad": (40, 70, 190), "angry": (200, 40, 30), "tired": (120, 110, 120)}
COUNTS = {"human_train": 10, "human_eval": 6, "dog_eval": 6, "cat_eval": 4}
ENVIRONMENT = {
    "EMOTION_RUNS": str(RUNS),
    "EMOTION_SETS": str(SETS),
    "EMOTION_CACHE": str(SCRATCH / "cache"),
    "EMOTION_PICTURES": str(PICTURES),
    "EMOTION_FIRST_RUN": "0",
    "GRADIO_TEMP_DIR": str(SCRATCH / "uploads"),
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": f"{REPO}{os.pathsep}{REPO / 'tests'}",
}
SMALL = ["--image-size", "32", "--precision", "float32", "--batch-size", "8", "--backbone", "tiny-vit"]
SLOW = [*SMALL, "--preset", "Thorough", "--depth", "1", "--epochs", "40"]


def main() -> None:
    """Write everything."""
    shutil.rmtree(WORK, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    os.chdir(WORK)
    os.environ.update(ENVIRONMENT)
    sys.path[:0] = [str(REPO), str(REPO / "tests")]
    save_backbones()
    draw_pictures()
    said: dict[str, Any] = {}
    runs = train_runs(said)
    bring_sets(said)
    comparisons = compare_and_study(runs, said)
    serve(runs, said)
    tell(runs, comparisons, said)
    expected = expectations(runs, comparisons, said)
    for name in FOLDERS:
        shutil.rmtree(HERE / name, ignore_errors=True)
        shutil.copytree(WORK / name, HERE / name)
    shutil.copy(SCRATCH / "faces.parquet", HERE)
    for name, values in {"said": said, "expected": expected}.items():
        (HERE / f"{name}.json").write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in comparisons:
        shutil.copy(SCRATCH / f"{name}.md", HERE / f"report-{name}.md")
    # Small files take a block each, and these need not be read one by one.
    shutil.make_archive(str(HERE / "pictures"), "zip", WORK, "pictures")
    # Left out for their size: what nothing else needs.
    shutil.rmtree(HERE / "sets" / "Dogs-of-Anna")
    shutil.rmtree(HERE / "trainings" / runs["failed"] / "resume")
    hide_places(HERE)


def save_backbones() -> None:
    """Save a random ViT and a random DINOv2 in the Hub's layout, as the tests' own are."""
    import torch
    from transformers import (
        BitImageProcessorPil,
        Dinov2Config,
        Dinov2Model,
        ViTConfig,
        ViTForImageClassification,
        ViTImageProcessorPil,
    )

    torch.manual_seed(0)
    vit = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    ViTForImageClassification(ViTConfig(**vit, image_size=32, patch_size=8)).save_pretrained("tiny-vit")
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained("tiny-vit")
    torch.manual_seed(0)
    dino = {"hidden_size": 32, "num_hidden_layers": 7, "num_attention_heads": 2, "mlp_ratio": 2}
    Dinov2Model(Dinov2Config(**dino, image_size=28, patch_size=14)).save_pretrained("tiny-dinov2")
    BitImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}).save_pretrained(
        "tiny-dinov2"
    )


def draw_pictures() -> None:
    """Draw a set to train on and one of each species, with a twin of a training picture and files that are torn."""
    for name, count in COUNTS.items():
        draw_set(PICTURES / name, count)
    shutil.copy(PICTURES / "human_train/happy/happy_000.png", PICTURES / "human_eval/happy/twin.png")
    for name in ("human_train/sad", "dog_eval/happy"):
        (PICTURES / name / "torn.png").write_bytes(f"torn {name}".encode())


def draw_set(folder: Path, count: int) -> None:
    """Write ``count`` small pictures a class, each with a pattern of its own, whose class is their colour."""
    from PIL import Image

    faint = [200 + level // 5 for level in range(256)]
    for label, parts in COLOURS.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            rng = random.Random(f"{folder.name}/{label}/{number}")
            colour = tuple(min(255, max(0, part + rng.randint(-40, 40))) for part in parts)
            pattern = Image.frombytes("L", (8, 8), rng.randbytes(64)).resize((40, 36), Image.Resampling.BICUBIC)
            white, plain = Image.new("RGB", (40, 36), "white"), Image.new("RGB", (40, 36), colour)
            Image.composite(plain, white, pattern.point(faint)).save(folder / label / f"{label}_{number:03}.png")


def command(*arguments: str | Path, code: int = 0) -> Any:
    """Run a command in this process and return the object on its last line, if there is one."""
    from emotion.cli import main as emotion

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        left = emotion([str(each) for each in arguments])
    assert left == code, (arguments, left)
    return json.loads(printed.getvalue().splitlines()[-1]) if "--json" in arguments else None


def train_runs(said: dict[str, Any]) -> dict[str, str]:
    """Make a run of each ending and return their names."""
    train = ["train", "--pictures", str(PICTURES / "human_train")]
    # With less than twenty pictures held back a run cannot tell what it has never seen.
    said["train"] = command(*train, *SMALL, "--epochs", "4", "--validation-share", "0.5", "--json")
    runs = {"finished": Path(said["train"]["run"]).name}
    thorough = ["--preset", "Thorough", "--depth", "1", "--epochs", "2"]
    runs["thorough"] = Path(command(*train, *SMALL, *thorough, "--json")["run"]).name
    for how in (interrupted, stopped, failed):
        runs[how.__name__] = how([*train, *SLOW])
    describe_and_sweep(runs)
    # One goes on: not the one that is kept as it was cut off.
    shutil.copytree(RUNS / runs["interrupted"], SCRATCH / runs["interrupted"])
    said["resume"] = command("resume", "--run", SCRATCH / runs["interrupted"], "--json")
    return runs


def interrupted(train: list[str]) -> str:
    """Kill a training in the middle, as the system would."""
    with begun(train) as (process, run):
        process.send_signal(signal.SIGKILL)
        process.wait()
    return run.name


def stopped(train: list[str]) -> str:
    """Ask a training to stop by the file that is meant for it."""
    with begun(train) as (process, run):
        (run / "stop").touch()
        assert process.wait() == 130
    return run.name


def failed(train: list[str]) -> str:
    """Let no file of a training grow beyond what its events need, so that the next checkpoint cannot be written."""
    with begun(train) as (process, run):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (50_000, 50_000))
        assert process.wait() == 1
    return run.name


@contextlib.contextmanager
def begun(train: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start a training in a process of its own and yield it with its run once an epoch is over and kept."""
    before = set(RUNS.iterdir())
    process = subprocess.Popen([sys.executable, "-m", "emotion", *train])
    try:
        new: list[Path] = []
        while not new or not (new[0] / "resume").is_dir() or (new[0] / "events.jsonl").read_text().count("Epoch") < 4:
            assert process.poll() is None, "it was over too soon"
            new = [path for path in RUNS.iterdir() if path not in before and not path.name.startswith(".")]
            time.sleep(0.002)
        yield process, new[0]
    finally:
        process.kill()
        process.wait()


def describe_and_sweep(runs: dict[str, str]) -> None:
    """Name a run, and train a sweep: both are done on the page alone."""
    from emotion.core.config import preset
    from emotion.runs.folder import create_run
    from emotion.runs.run import About, Run
    from emotion.runs.sweep import plan_sweep
    from emotion.training.session import train_run

    Run(RUNS / runs["finished"]).describe(About("My first run", "Of tiny pictures.\nNothing to learn from."))
    config = preset("Quick", pictures=str(PICTURES / "human_train"), backbone="tiny-vit")
    config = type(config)(**{**config.to_json(), "image_size": 32, "precision": "float32", "epochs": 2})
    for planned in plan_sweep(config, setting="batch_size", values="4, 8"):
        run = create_run(planned.config, root=RUNS, sweep=planned.member)
        assert list(train_run(run))
        runs[f"sweep {planned.member.value}"] = run.name


def bring_sets(said: dict[str, Any]) -> None:
    """Import a zip and a Parquet file, with what is left out, and ask for all that is told of them."""
    archive = SCRATCH / "dogs.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in sorted((PICTURES / "dog_eval").rglob("*.png")):
            made.write(path, path.relative_to(PICTURES))
        made.writestr("dog_eval/happy/notes.txt", "no picture")
    options = ["--name", "Dogs of a zip", "--species", "dog", "--json"]
    said["pictures import"] = command("pictures", "import", archive, *options)
    parquet = write_parquet(SCRATCH / "faces.parquet")
    said["pictures describe"] = command("pictures", "describe", parquet, "--json")
    mapped = ["--map", "0=happy", "--map", "1=sad", "--name", "Of a table", "--json"]
    said["pictures import of parquet"] = command("pictures", "import", parquet, *mapped)
    said["pictures list"] = command("pictures", "list", "--json")
    said["pictures show"] = command("pictures", "show", "Dogs of a zip", "--json")
    said["pictures delete"] = command("pictures", "delete", "Of a table", "--json")
    with contextlib.suppress(ImportError):
        find_wrong_labels(Path(said["pictures show"]["set"]))


def write_parquet(file: Path) -> Path:
    """Write a few pictures with labels as a data set of one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = sorted((PICTURES / "cat_eval").glob("happy/*.png")) + sorted((PICTURES / "cat_eval").glob("sad/*.png"))
    pictures = [{"bytes": path.read_bytes(), "path": path.name} for path in paths]
    table = pa.table({"image": pictures, "label": [int(path.parent.name == "sad") for path in paths]})
    pq.write_table(table, file)
    return file


def find_wrong_labels(folder: Path) -> None:
    """Look for wrong labels in a set, with the bundled backbone; the page does it."""
    from emotion.analysis.hardest import FindHardest
    from emotion.core.progress import result_of

    result_of(FindHardest(folder).carry_out())


def compare_and_study(runs: dict[str, str], said: dict[str, Any]) -> dict[str, Path]:
    """Compare one emotion, all of them, and drawn faces, and carry out every study beside them."""
    from emotion.analysis.studies import Question
    from emotion.core.progress import result_of
    from emotion.runs.run import Run
    from emotion.server.model_process import carry_out

    sets = {name: PICTURES / f"{name}_eval" for name in ("human", "dog", "cat")}
    drawn = {name: REPO / "assets" / "faces" / f"{name}_eval" for name in ("human", "dog")}
    asked: dict[str, tuple[str, dict[str, Path], list[str]]] = {
        "one": ("finished", {name: sets[name] for name in ("human", "dog")}, ["--emotion", "happy", "--size", "4"]),
        "all": ("finished", sets, ["--emotion", "all", "--size", "3"]),
        "drawn": ("finished", drawn, ["--emotion", "all", "--size", "2", "--seed", "7"]),
        "thorough": ("thorough", {"human": sets["human"], "dog": sets["dog"]}, ["--size", "4"]),
    }
    found: dict[str, Path] = {}
    for name, (made_by, folders, options) in asked.items():
        given = [part for each, folder in folders.items() for part in ("--set", f"{each}={folder}")]
        said[f"compare {name}"] = command("compare", "--run", runs[made_by], *given, *options, "--json")
        file = found[name] = Path(said[f"compare {name}"]["file"])

        made = Run(RUNS / runs[made_by])

        def study(name: str, file: Path = file, run: Run = made, **asked: Any) -> None:
            result_of(carry_out(Question(run, name, str(file), asked)))

        if name != "drawn":
            study("luck", seeds=3, draws=50)
            study("map")
        study("saliency", emotion="happy", number=2)
        if name in ("all", "drawn"):
            study("controls", name="all")
        for cue in ("mouth_curve", "lid_opening") if name == "one" else ():
            study("cues", cue=cue, individuals=2)
    for name, file in found.items():
        command("report", "--run", file.parents[1], "--comparison", file, "--to", SCRATCH / f"{name}.md")
    return found


def serve(runs: dict[str, str], said: dict[str, Any]) -> None:
    """Serve the page on one's own machine for its description, and to the public for a visitor's run and answers."""
    import httpx
    from gradio_client import Client, handle_file

    with served() as url:
        said["gradio_api/info"] = httpx.get(f"{url}/gradio_api/info", timeout=60).json()
    public = {"EMOTION_PUBLIC": "1", "EMOTION_LOG": str(SCRATCH / "log.jsonl"), "EMOTION_PUBLIC_SMALL": "tiny-dinov2"}
    with served(**public) as url:
        client = Client(url, verbose=False, headers={"Cookie": f"emotion-visitor={SECRET}"})

        def ask(door: str, /, **values: Any) -> Any:
            said[f"/{door}"] = client.predict(**values, api_name=f"/{door}")
            return said[f"/{door}"]

        brought = ask("import_pictures", archive=handle_file(SCRATCH / "dogs.zip"), name="Dogs of Anna", species="dog")
        options: dict[str, Any] = {"preset": "Quick", "backbone": "tiny-dinov2", "epochs": 2, "batch_size": 8}
        run = runs["public"] = ask("train", picture_set=brought["key"], **options)["run"]
        wait_for(lambda: ask("run_status", run=run)["status"] not in ("queued", "running"))
        assert said["/run_status"]["status"] == "finished", said["/run_status"]
        ask("predict", picture=handle_file(PICTURES / "dog_eval/happy/happy_001.png"), run=run)
        keys = [each["key"] for each in ask("picture_sets") if each["key"].endswith(("human_eval", "cat_eval"))]
        ask("compare", sets=keys[-2:], run=run, emotion="all", size=3)
        ask("runs")
        second = client.predict(picture_set=brought["key"], **{**options, "epochs": 20}, api_name="/train")["run"]
        ask("stop", run=second)
        wait_for(lambda: client.predict(run=second, api_name="/run_status")["status"] in ("stopped", "finished"))
        client.close()
    shutil.rmtree(RUNS / second)


@contextlib.contextmanager
def served(**environment: str) -> Iterator[str]:
    """Serve ``app.py`` and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, **environment, "PORT": str(port)}
    process = subprocess.Popen([sys.executable, REPO / "app.py"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("The dashboard is at")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(is_so: Callable[[], bool]) -> None:
    """Return once it is so."""
    until = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.2)


def tell(runs: dict[str, str], comparisons: dict[str, Path], said: dict[str, Any]) -> None:
    """Ask every other command for its object."""
    from helpers.hub_stand_in import TOKEN, Kept, hub

    run = ["--run", runs["finished"]]
    happy = PICTURES / "dog_eval/happy/happy_001.png"
    said["predict"] = command("predict", *run, happy, PICTURES / "human_train/sad/sad_003.png", "--json")
    said["predict of a folder"] = command("predict", *run, PICTURES / "dog_eval", "--json")
    said["report"] = command("report", *run, "--comparison", comparisons["all"], "--to", SCRATCH / "all.html", "--json")
    said["export"] = command("export", *run, "--to", SCRATCH / "exported", "--json")
    said["export --onnx"] = command("export", *run, "--to", SCRATCH / "onnx", "--onnx", "--json")
    said["space"] = command("space", "--to", SCRATCH / "space", "--json")
    said["runs"] = command("runs", "--json")
    said["backbones"] = command("backbones", "--json")
    said["backbones pull"] = command("backbones", "pull", "tiny-vit", "--json")
    with hub(Kept()) as address:
        words = [sys.executable, "-m", "emotion", "push", *run, "--to", "rosa/emotion", "--json"]
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}
        printed = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
        said["push"] = json.loads(printed.splitlines()[-1].replace(address, "@HUB@"))
    for name in ("human_train", "human_eval", "dog_eval", "cat_eval"):
        draw_set(SCRATCH / "photos" / name, 20)
    options = ["--backbone", "tiny-dinov2", "--runs", SCRATCH / "runs", "--out", SCRATCH / "reports", "--json"]
    said["reproduce"] = command("reproduce", "--photos", SCRATCH / "photos", *options)
    said["cache"] = command("cache", "--json")
    said["cache clear"] = command("cache", "clear", "--json")


def expectations(runs: dict[str, str], comparisons: dict[str, Path], said: dict[str, Any]) -> dict[str, Any]:
    """Return which run is which, and the numbers that must come out of the files."""
    return {
        "secret": SECRET,
        "runs": runs,
        "comparisons": {name: str(file) for name, file in comparisons.items()},
        "status": {Path(each["run"]).name: each["status"] for each in said["runs"]["runs"]},
        "curves": {name: curve(RUNS / name / "events.jsonl") for name in runs.values()},
        "statistics": {
            name: {part: said[f"compare {name}"][part] for part in ("sets", "differences")} for name in comparisons
        },
    }


def curve(events: Path) -> list[list[float | None]]:
    """Return epoch, training loss, and validation loss and accuracy of each epoch that a file of events tells of."""
    told = [json.loads(line) for line in events.read_text().splitlines()]
    return [
        [each["epoch"], each["train_loss"], each["validation"]["loss"], each["validation"]["accuracy"]]
        for each in told
        if "validation" in each and "train_loss" in each
    ]


def hide_places(folder: Path) -> None:
    """Put names in place of this machine's folders, and make sure that none is left."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".py":
            content = path.read_bytes()
            if path.suffix in TEXTS:
                for name, place in PLACES.items():
                    content = content.replace(place.encode(), name.encode())
                path.write_bytes(content)
            assert not any(place.encode() in content for place in PLACES.values()), path


if __name__ == "__main__":
    main()
