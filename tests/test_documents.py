"""What the documents say can be followed: links and paths lead somewhere, commands are there, examples run."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from helpers.command import Emotion
from helpers.pictures import write_zip
from helpers.serving import ROOT, Site
from PIL import Image

OWN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*OWN, ROOT / "tests" / "README.md", *sorted((ROOT / "docs" / "results").glob("*.md"))]
README, API = ROOT / "README.md", ROOT / "docs" / "api.md"
COMMAND = re.compile(r"python -m emotion ((?:[a-z]+ ?)+)([^`\n]*)")
# Groups of commands: the word after one of these is a command of its own.
GROUPS = ("pictures", "backbones", "cache")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def slug(heading: str) -> str:
    """Return a heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@cache
def anchors_of(path: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(document: Path):
    found = re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8"))
    for link in (each for each in found if not re.match(r"https?:|data:", each)):
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("document", OWN, ids=named)
def test_every_file_that_is_named_is_there(document: Path):
    text = document.read_text("utf-8")
    paths = re.findall(r"`((?:emotion|tests|docs|assets)/[\w./-]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    if document == README:
        rooms = re.findall(r"^  (\w+)/ ", text, re.MULTILINE)
        layers = re.search(r"layers =((?:\n    .+)+)", (ROOT / ".importlinter").read_text("utf-8"))
        assert layers
        assert rooms == [line.split()[0] for line in layers[1].strip().splitlines()]


def commands_in(document: Path) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Yield each command that a document names, as its words, with its options."""
    for words, rest in COMMAND.findall(document.read_text("utf-8")):
        name, *more = words.split()
        yield (name, *more[:1]) if name in GROUPS else (name,), set(re.findall(r"--[a-z][a-z-]+", rest))


def test_every_command_and_option_is_there_and_tested(emotion: Emotion):
    _, promises = (ROOT / "tests" / "README.md").read_text("utf-8").split("### Command line")
    for document in OWN:
        for words, options in commands_in(document):
            told = emotion(*words, "--help")
            assert told.code == 0, words
            assert [option for option in options if option not in told.out] == [], words
            assert words[0] in promises.split("\n###")[0], "tests/README.md names no test of it"


def test_every_target_of_make_and_every_variable_is_there():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in [*(ROOT / "emotion").rglob("*.py"), ROOT / "app.py"]]
    for document in OWN:
        text = document.read_text("utf-8")
        for target in re.findall(r"(?:^|`)(?:\S+=\S+ )?make ([a-z]+)", text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        for variable in set(re.findall(r"\bEMOTION_[A-Z_]*[A-Z]\b", text)) - {"EMOTION_PUBLIC_"}:
            assert any(variable in source for source in sources), variable


def test_the_readme_is_short_and_its_numbers_are_those_that_were_measured():
    text = README.read_text("utf-8")
    assert len(text.splitlines()) <= 160
    results = ROOT / "docs" / "results"
    people, dogs = json.loads((results / "experiment-photographs.json").read_text("utf-8"))["twenty"]
    for each in (people, dogs):
        low, high = (f"{100 * each[f'confidence_{end}']:.0f}" for end in ("low", "high"))
        share = "–".join(f"{100 * each[f'right_{end}']:.0f}" for end in ("low", "high"))
        assert f"| {100 * each['confidence']:.1f} % ({low}–{high}) | {each['right']} ({share} %) |" in text
    transfer = json.loads((results / "transfer.json").read_text("utf-8"))
    way, learnt = transfer["share"]["dog"], {name: row["dog"]["accuracy"] for name, row in transfer["matrix"].items()}
    flowing = " ".join(text.split())
    assert (
        f"{100 * learnt['human']:.0f} % of dogs right, one that learns from dogs {100 * learnt['dog']:.0f} %" in flowing
    )
    value, low, high = (f"{100 * way[name]:.0f}" for name in ("value", "low", "high"))
    assert f"goes {value} % of the way (95 %: {low} to {high})" in flowing


def test_the_accuracies_over_seeds_are_those_that_were_measured():
    runs = json.loads((ROOT / "docs" / "results" / "accuracy.json").read_text("utf-8"))["runs"]
    rows = (ROOT / "docs" / "results.md").read_text("utf-8").splitlines()
    for preset in ("Quick", "Thorough"):
        [row] = [line.strip("| ").split(" | ") for line in rows if line.startswith(f"| {preset} | ")]
        for species, place in (("human", 1), ("dog", 4)):
            seeds = [run[species] for run in runs if run["preset"] == preset]
            right = [100 * each["accuracy"] for each in seeds]
            mean, loss = f"{fmean(right):.1f} %", fmean(each["log_loss"] for each in seeds)
            assert row[place : place + 2] == [f"{mean} ({min(right):.0f}–{max(right):.0f})", f"{loss:.2f}"]
            assert mean in README.read_text("utf-8")


def block(document: Path, kind: str, having: str) -> str:
    """Return the one fenced block of a document that holds these words."""
    [found] = [
        text for text in re.findall(rf"```{kind}\n(.*?)```", document.read_text("utf-8"), re.DOTALL) if having in text
    ]
    return found


def test_the_readmes_six_commands_do_what_they_say(
    emotion: Emotion, tiny_pictures: Path, tiny_vit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(tiny_pictures)
    small = ["--backbone", tiny_vit, "--epochs", 1, "--image-size", 32, "--precision", "float32"]
    lines = block(README, "", "-m emotion predict").strip().splitlines()
    assert len(lines) == 6
    run = ""
    for line in lines:
        words: list[Any] = [run if word == "RUN" else word for word in shlex.split(line)[3:]]
        done = emotion(*words, *(small if words[0] == "train" else []), "--json")
        assert done.code == 0, (line, done.err)
        run = run or done.json["run"]
    assert [name for name in ("table.csv", "report.html", "model/model.safetensors") if not Path(name).exists()] == []


@pytest.fixture
def at_hand(site: Site, tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the examples run in: a picture and a zip of class folders."""
    monkeypatch.chdir(tmp_path)
    with Image.open(tiny_pictures / "dog_eval" / "happy" / "happy_000.png") as picture:
        picture.save("dog.jpg")
    write_zip(tmp_path / "people.zip", tiny_pictures / "human_train")
    return tmp_path


def run_example(code: str, site: Site, **replaced: str) -> dict[str, Any]:
    """Run an example against a served dashboard and return the names that it sets."""
    names: dict[str, Any] = {}
    for old, new in {"http://127.0.0.1:7860": site.url, **replaced}.items():
        assert old in code
        code = code.replace(old, new)
    try:
        exec(compile(code, "example", "exec"), names)
    finally:
        names["client"].close()
    return names


def test_the_readmes_python_gives_the_same_scores_with_and_without_the_server(
    site: Site, trained_run: Path, at_hand: Path, capsys: pytest.CaptureFixture[str]
):
    code = block(README, "python", "gradio_client")
    assert len(code.strip().splitlines()) <= 8
    capsys.readouterr()
    names = run_example(code, site, **{"runs/RUN/checkpoint": str(trained_run / "checkpoint")})
    served, sentence, piped = capsys.readouterr().out.strip().splitlines()[-3:]
    scores = {each["label"]: each["score"] for each in ast.literal_eval(piped)}
    assert scores == pytest.approx(ast.literal_eval(served)["scores"], abs=1e-4)
    assert sentence == names["found"]["gaps"][0]["sentence"]


def test_the_example_for_programs_imports_trains_judges_and_compares(site: Site, at_hand: Path, tiny_dinov2: Path):
    code = block(API, "python", "gradio_client")
    names = run_example(code, site, **{"epochs=4": f"epochs=1, backbone={str(tiny_dinov2)!r}"})
    assert names["own"]["name"] == "My people"
    assert (site.runs / names["run"] / "checkpoint").is_dir()
    assert names["found"]["run"] == names["run"]
