"""What an earlier version wrote still opens: runs, sets, comparisons, studies, and the answers that scripts rely on."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.forms import close_to, same_form
from helpers.hub_stand_in import TOKEN, Kept, hub
from helpers.serving import Site, serving

# What no command opens: what saved scores mean, a run's curve, its sweep, maps of evidence, likely wrong labels.
from emotion.analysis import load_comparison
from emotion.analysis.studies import find_study
from emotion.core.events import EpochDone, without_void
from emotion.data.findings import kept_suspects
from emotion.data.sets import SavedSet
from emotion.runs.run import Run

HERE = Path(__file__).parent
REPO = HERE.parents[1]
TEXTS = {".json", ".jsonl", ".md"}
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text("utf-8"))
RUNS: dict[str, str] = EXPECTED["runs"]
COMPARED = tuple(EXPECTED["comparisons"])
SMALL = ["--backbone", "tiny-vit", "--image-size", 32, "--precision", "float32", "--batch-size", 8, "--epochs", 1]
CLIENT_WARNINGS = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def unpacked(folder: Path) -> Path:
    """Copy everything into a folder, as if it had been written there, and return the folder."""
    places = {"@GOLDEN@": str(folder), "@REPO@": str(REPO)}
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"), dirs_exist_ok=True)
    for path in folder.rglob("*"):
        if path.suffix in TEXTS:
            text = path.read_text("utf-8")
            for name, place in places.items():
                text = text.replace(name, place)
            path.write_text(text, "utf-8")
    with zipfile.ZipFile(folder / "pictures.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where everything lies, as this test's own working directory, runs and sets."""
    folder = unpacked(tmp_path)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EMOTION_RUNS", str(folder / "trainings"))
    monkeypatch.setenv("EMOTION_SETS", str(folder / "sets"))
    return folder


def recorded(golden: Path) -> dict[str, Any]:
    """Return what every command and endpoint answered, in this test's places."""
    said: dict[str, Any] = json.loads((golden / "said.json").read_text("utf-8"))
    return said


def comparison_file(golden: Path, name: str) -> Path:
    """Return the file of a saved comparison."""
    return Path(EXPECTED["comparisons"][name].replace("@GOLDEN@", str(golden)))


def curve(run: Path) -> list[list[float | None]]:
    """Return epoch, training loss, and validation loss and accuracy of each epoch that counts."""
    return [
        [event.epoch, event.train_loss, event.validation.loss, event.validation.accuracy]
        for event in without_void(Run(run).events())
        if isinstance(event, EpochDone)
    ]


def test_every_run_has_the_status_settings_and_curve_that_it_had(golden: Path, emotion: Emotion) -> None:
    old = {each["run"]: each for each in recorded(golden)["runs"]["runs"]}
    new = {each["run"]: each for each in emotion("runs", "--json").json["runs"]}
    assert set(new) == set(old)
    assert {Path(run).name: each["status"] for run, each in new.items()} == EXPECTED["status"]
    assert set(EXPECTED["status"].values()) == {"finished", "interrupted", "failed", "stopped"}
    close_to(old, new, 1e-9)
    for name in RUNS.values():
        close_to(EXPECTED["curves"][name], curve(golden / "trainings" / name), 1e-9, name)


@pytest.mark.parametrize("which", ["interrupted", "stopped"])
def test_a_run_that_was_cut_off_goes_on_to_the_numbers_that_it_would_have_had(
    golden: Path, emotion: Emotion, which: str
) -> None:
    run = golden / "trainings" / RUNS[which]
    before = curve(run)
    said = emotion("resume", "--run", run.name, "--json")
    assert said.code == 0, said.err
    after = curve(run)
    close_to(before, after[: len(before)], 1e-9)
    assert [epoch for epoch, *_ in after] == list(range(41))
    # At most the epoch whose end a kill cut off is done again.
    told = [event.epoch for event in Run(run).events() if isinstance(event, EpochDone)]
    assert told[len(before)] >= len(before) - 1
    close_to(recorded(golden)["resume"]["validation"], said.json["validation"], 1e-3)
    [row] = [each for each in emotion("runs", "--json").json["runs"] if Path(each["run"]) == run]
    assert row["status"] == "finished"


def test_a_set_that_was_imported_is_listed_and_trained_on(golden: Path, emotion: Emotion) -> None:
    old = recorded(golden)["pictures show"]
    [listed] = emotion("pictures", "list", "--json").json["sets"]
    shown = emotion("pictures", "show", old["name"], "--json").json
    assert listed.items() <= shown.items()
    facts = ("set", "name", "species", "created", "source", "pictures", "classes", "skipped", "duplicates")
    assert {fact: shown[fact] for fact in facts} == {fact: old[fact] for fact in facts}
    assert {each["original"] for each in shown["skipped_files"]} == {each["original"] for each in old["skipped_files"]}
    assert len(kept_suspects(SavedSet(Path(old["set"])))) == old["pictures"]
    trained = emotion("train", "--pictures", old["set"], *SMALL, "--json").json
    assert trained["train_pictures"] + trained["validation_pictures"] == old["pictures"]


def test_a_finished_run_says_what_it_said_and_so_does_anybodys_pipeline(golden: Path, emotion: Emotion) -> None:
    from transformers import pipeline

    old = recorded(golden)["predict"]["predictions"]
    pictures = [each["picture"] for each in old]
    new = emotion("predict", "--run", RUNS["finished"], *pictures, "--json").json["predictions"]
    anybodys = pipeline("image-classification", model=str(golden / "trainings" / RUNS["finished"] / "checkpoint"))
    for before, after, said in zip(old, new, anybodys(pictures), strict=True):
        assert [after[each] for each in ("picture", "label", "unknown")] == [
            before[each] for each in ("picture", "label", "unknown")
        ]
        assert after["scores"] == pytest.approx(before["scores"], abs=1e-4)
        assert {each["label"]: each["score"] for each in said} == pytest.approx(before["scores"], abs=1e-4)


@pytest.mark.parametrize("name", COMPARED)
def test_saved_scores_give_the_statistics_that_they_gave(golden: Path, name: str) -> None:
    comparison = load_comparison(comparison_file(golden, name))
    sets = {each: {label: asdict(result) for label, result in one.items()} for each, one in comparison.sets.items()}
    for result in (each for results in sets.values() for each in results.values()):
        # The command tells how many, the file which.
        result |= {part: len(result[part]) for part in ("unreadable", "near_duplicates")}
    new = {"sets": sets, "differences": [asdict(gap) for gap in comparison.gaps]}
    close_to(EXPECTED["statistics"][name], json.loads(json.dumps(new)), 1e-6)


def test_the_same_comparison_gives_the_scores_that_it_gave(golden: Path, emotion: Emotion) -> None:
    sets = [f"{name}=pictures/{name}_eval" for name in ("human", "dog")]
    options = ["--run", RUNS["finished"], "--set", sets[0], "--set", sets[1], "--size", 4, "--json"]
    new = emotion("compare", *options).json
    close_to(EXPECTED["statistics"]["one"]["sets"], new["sets"], 1e-4)
    close_to(EXPECTED["statistics"]["one"]["differences"], new["differences"], 1e-3)


STUDIES = {
    "one": {"Calibration", "Luck", "Cues", "Features"},
    "all": {"Calibration", "Luck", "Controls", "Cues", "Features"},
    "drawn": {"Calibration", "Controls", "Cues"},
    "thorough": {"Calibration", "Luck", "Features"},
}


# What a check is called by now.
RENAMED = {"Luck": "Other draws", "Features": "Feature map"}


def parts(report: str) -> dict[str, Counter[str]]:
    """Return the numbers with a decimal point in each check of a report, by its title."""
    checks = report.partition("\n## Checks\n")[2].partition("\n## ")[0]
    found = {}
    for part in checks.split("\n### ")[1:]:
        title, _, text = part.partition("\n")
        found[title] = Counter(re.findall(r"[−+]?\d+\.\d+", re.sub(r"\(http\S*\)", "", text)))
    return found


@pytest.mark.parametrize("name", COMPARED)
def test_every_study_kept_beside_a_comparison_stands_in_its_report_with_its_numbers(
    golden: Path, emotion: Emotion, name: str
) -> None:
    file = comparison_file(golden, name)
    said = emotion("report", "--run", file.parents[1].name, "--comparison", file, "--to", "new.md", "--json")
    assert said.json["comparison"] == str(file)
    old, new = (parts((golden / each).read_text("utf-8")) for each in (f"report-{name}.md", "new.md"))
    assert set(old) == STUDIES[name]
    missing = {title: numbers - new.get(RENAMED.get(title, title), Counter()) for title, numbers in old.items()}
    assert not any(missing.values()), missing


@pytest.mark.parametrize("name", COMPARED)
def test_maps_of_evidence_that_were_kept_are_shown_again(golden: Path, name: str) -> None:
    file = comparison_file(golden, name)
    old = json.loads((file.with_suffix("") / "saliency.json").read_text())
    found = find_study("saliency").kept(file)
    assert found is not None
    close_to(old["pictures"], json.loads(json.dumps(asdict(found)))["pictures"], 1e-9)
    assert {each["set_name"] for each in old["pictures"]} == set(EXPECTED["statistics"][name]["sets"])


def test_runs_that_were_started_as_a_sweep_are_still_one(golden: Path) -> None:
    members = {name: Run(golden / "trainings" / run).sweep() for name, run in RUNS.items()}
    swept = [each for each in members.values() if each is not None]
    assert [(each.setting, each.value, each.place) for each in swept] == [("batch_size", 4, 0), ("batch_size", 8, 1)]
    assert len({each.id for each in swept}) == 1
    assert [name for name, each in members.items() if each] == ["sweep 4", "sweep 8"]


FINISHED = ["--run", RUNS["finished"]]
FORMS: dict[str, list[Any]] = {
    "train": ["train", "--pictures", "pictures/human_train", *SMALL],
    "predict": ["predict", *FINISHED, "pictures/dog_eval/happy/happy_001.png"],
    "predict of a folder": ["predict", *FINISHED, "pictures/dog_eval"],
    "compare all": ["compare", *FINISHED, "--set", "human=pictures/human_eval", "--set", "dog=pictures/dog_eval",
                    "--set", "cat=pictures/cat_eval", "--emotion", "all", "--size", 3],
    "report": ["report", *FINISHED, "--to", "report.html"],
    "export": ["export", *FINISHED, "--to", "exported"],
    "export --onnx": ["export", *FINISHED, "--to", "onnx", "--onnx"],
    "space": ["space", "--to", "space"],
    "pictures import": ["pictures", "import", "pictures/dog_eval", "--name", "Dogs"],
    "pictures describe": ["pictures", "describe", "faces.parquet"],
    "pictures import of parquet": ["pictures", "import", "faces.parquet", "--name", "T", "--map", "0=happy",
                                   "--map", "1=sad"],
    "pictures show": ["pictures", "show", "Dogs of a zip"],
    "pictures delete": ["pictures", "delete", "Dogs of a zip"],
    "backbones": ["backbones"],
    "backbones pull": ["backbones", "pull", "tiny-vit"],
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_command_answers_in_the_form_that_scripts_read(golden: Path, emotion: Emotion, name: str) -> None:
    said = emotion(*FORMS[name], "--json")
    assert said.code == 0, said.err
    same_form(recorded(golden)[name], said.json, name)


def test_the_cache_answers_in_the_form_that_scripts_read(golden: Path, emotion: Emotion) -> None:
    assert emotion("train", "--pictures", "pictures/human_train", *SMALL).code == 0
    same_form(recorded(golden)["cache"], emotion("cache", "--json").json, "cache")
    same_form(recorded(golden)["cache clear"], emotion("cache", "clear", "--json").json, "cache clear")


def test_a_push_answers_in_the_form_that_scripts_read(
    golden: Path, emotion: Emotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with hub(Kept()) as address:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        said = emotion("push", *FINISHED, "--to", "rosa/emotion", "--json").json
    same_form(recorded(golden)["push"], said)
    assert (said["address"], said["private"]) == (f"{address}/rosa/emotion", True)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A public server on everything that was written."""
    folder = unpacked(tmp_path_factory.mktemp("public"))
    places = {"EMOTION_RUNS": str(folder / "trainings"), "EMOTION_SETS": str(folder / "sets")}
    with serving(folder, environment={**places, "EMOTION_PICTURES": str(folder / "pictures")}, public=True) as site:
        yield site


ANNA, BERT = ({"Cookie": f"emotion-visitor={secret}"} for secret in (EXPECTED["secret"], "b" * 43))


@CLIENT_WARNINGS
def test_programs_find_the_eight_endpoints_with_the_names_and_types_that_they_had(public: Site) -> None:
    import httpx

    old = json.loads((HERE / "said.json").read_text("utf-8"))["gradio_api/info"]["named_endpoints"]
    new = httpx.get(f"{public.url}/gradio_api/info", timeout=180).json()["named_endpoints"]
    assert len(old) == 8
    assert set(new) == set(old)
    names = ("parameter_name", "parameter_has_default", "parameter_default")
    for name, endpoint in old.items():
        for before, after in zip(endpoint["parameters"], new[name]["parameters"], strict=True):
            assert {each: after[each] for each in names} == {each: before[each] for each in names}, name
            assert after["type"] == before["type"], name


@CLIENT_WARNINGS
def test_a_run_of_a_visitor_is_seen_and_used_by_its_owner_alone(public: Site) -> None:
    from gradio_client.exceptions import AppError

    with public.client(headers=ANNA) as anna, public.client(headers=BERT) as bert:
        seen = [{each["run"] for each in visitor.predict(api_name="/runs")} for visitor in (anna, bert)]
        assert seen[0] == set(RUNS.values())
        assert seen[1] == seen[0] - {RUNS["public"]}
        assert anna.predict(run=RUNS["public"], api_name="/run_status")["status"] == "finished"
        with pytest.raises(AppError, match="run_unknown"):
            bert.predict(run=RUNS["public"], api_name="/run_status")


@pytest.mark.slow
@CLIENT_WARNINGS
def test_endpoints_answer_in_the_form_that_programs_read(public: Site) -> None:
    from gradio_client import handle_file

    old = json.loads((HERE / "said.json").read_text("utf-8"))
    picture = public.root / "pictures/dog_eval/happy/happy_001.png"
    with public.client(headers=ANNA) as anna:
        for name, given in (
            ("/runs", {}),
            ("/run_status", {"run": RUNS["public"]}),
            ("/picture_sets", {}),
            ("/predict", {"picture": handle_file(picture), "run": RUNS["public"]}),
        ):
            same_form(old[name], anna.predict(**given, api_name=name), name)
        sets = ["given/human_eval", "given/cat_eval"]
        new = anna.predict(sets=sets, run=RUNS["finished"], emotion="all", size=3, api_name="/compare")
        same_form(old["/compare"], new, "/compare")
