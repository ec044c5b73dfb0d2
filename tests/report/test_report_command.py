"""`python -m emotion report`: the newest comparison of a run, or the one that is named, as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from emotion.cli import main
from emotion.report import build_report, to_html, to_markdown
from emotion.run import Run

MakeComparison = Callable[..., Path]


def test_the_newest_comparison_is_written(make_comparison: MakeComparison, trained: Run, tmp_path: Path) -> None:
    newest = sorted([make_comparison(seed=1), make_comparison(seed=2)])[-1]
    target = tmp_path / "card.html"
    assert main(["report", "--run", trained.name, "--runs", str(trained.path.parent), "--to", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == to_html(build_report(newest))


def test_a_comparison_is_named_by_its_path_or_its_name(
    make_comparison: MakeComparison, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    oldest = sorted([make_comparison(seed=1), make_comparison(seed=2)])[0]
    target = tmp_path / "card.md"
    for name in (str(oldest), oldest.name):
        target.unlink(missing_ok=True)
        assert main(["report", "--run", str(trained.path), "--comparison", name, "--to", str(target), "--json"]) == 0
        assert target.read_text(encoding="utf-8") == to_markdown(build_report(oldest))
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["comparison"] == str(oldest)


def test_what_cannot_be_reported_is_one_sentence_and_leaves_no_file(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["report", "--run", str(trained.path)]
    for arguments, sentence in (
        ([*run, "--to", "card.html"], "was compared on nothing yet"),
        ([*run, "--comparison", "nothing.json", "--to", "card.html"], "There is no comparison 'nothing.json'"),
        ([*run, "--to", "card.pdf"], "card.pdf is neither HTML nor Markdown"),
        (["report", "--run", "nothing", "--to", "card.html"], "There is no run 'nothing'"),
    ):
        assert main([str(tmp_path / each) if each.startswith("card.") else each for each in arguments]) == 1
        said = capsys.readouterr()
        assert sentence in said.err
        assert len(said.err.strip().splitlines()) == 1
        assert said.out == ""
    assert list(tmp_path.glob("card*")) == []
