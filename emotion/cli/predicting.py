"""`predict`: what a run says of pictures; of many, of folders and of zips as a table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.cli.codes import DONE, add_runs_and_json, print_json
from emotion.errors import RunError
from emotion.run import Run
from emotion.runs import find_run

if TYPE_CHECKING:
    from emotion.batch.result import Batch


def add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument(
        "picture",
        nargs="+",
        type=Path,
        help="a picture, or a folder or a zip of pictures, in class folders or not",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write a line for each picture into a table")
    add_runs_and_json(parser)
    parser.set_defaults(command=_predict)


def _predict(options: argparse.Namespace) -> int:
    run = find_run(options.run, root=options.runs)
    if options.csv or any(path.is_dir() or path.suffix.lower() == ".zip" for path in options.picture):
        return _predict_many(run, options.picture, csv=options.csv, as_json=options.json)
    from emotion.classifier import Classifier

    classifier = Classifier(run)
    predictions = [(path, classifier.predict(path)) for path in options.picture]
    if options.json:
        rows = [
            {
                "picture": str(path),
                "label": said.label,
                "scores": said.scores,
                "unknown": said.is_unknown,
                "unknown_sentence": said.familiarity_sentence(),
            }
            for path, said in predictions
        ]
        print_json(run=str(run.path), precision=classifier.precision, predictions=rows)
        return DONE
    for path, said in predictions:
        print(_line(str(path), said.label, said.scores))
        if said.is_unknown is not False:
            print(f"  {said.familiarity_sentence()}")
    return DONE


def _predict_many(run: Run, paths: Sequence[Path], *, csv: Path | None, as_json: bool) -> int:
    """Judge everything that is there; what cannot be read is a line with its reason, and no error."""
    from emotion.batch.findings import basis, findings, left_out
    from emotion.batch.judging import JudgeMany, gathered
    from emotion.batch.result import Batch

    batch: Batch | None = None
    for step in gathered(JudgeMany(run, [(path, path.name) for path in paths]).carry_out()):
        if not isinstance(step, Batch):
            continue
        for row in () if as_json else step.rows[len(batch.rows) if batch else 0 :]:
            print(_line(row.picture, row.predicted, row.scores) if row.scores else f"{row.picture}: {row.reason}")
        batch = step
    if batch is None:
        raise RunError("Nothing was judged: give pictures.")
    if csv:
        _write(batch, csv)
    if as_json:
        print_json(run=str(run.path), precision=batch.precision, **_numbers(batch))
        return DONE
    for sentence in [*findings(batch), basis(batch), *left_out(batch)]:
        print(sentence)
    return DONE


def _write(batch: Batch, csv: Path) -> None:
    from emotion.batch.table import to_csv

    try:
        csv.write_text(to_csv(batch), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{csv} cannot be written ({error.strerror}): choose another file.") from error


def _numbers(batch: Batch) -> dict[str, Any]:
    """Return the rows, and what they amount to where their classes are known; null else."""
    rows = [
        {
            "picture": row.picture,
            "label": row.predicted,
            "scores": row.scores,
            "unknown": row.is_unknown,
            "problem": row.reason,
        }
        for row in batch.rows
    ]
    result = batch.result()
    names = ("n", "correct", "accuracy", "accuracy_interval", "correct_confidence", "correct_confidence_interval")
    return {"predictions": rows, "measures": {name: getattr(result, name) for name in names} if result else None}


def _line(picture: str, label: str, scores: dict[str, float]) -> str:
    bars = "  ".join(f"{name} {score:6.1%}" for name, score in scores.items())
    return f"{picture}: {label}  ({bars})"
