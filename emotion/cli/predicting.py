"""`predict`: what a run says of pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from emotion.cli.codes import DONE, add_runs_and_json, print_json
from emotion.runs import find_run


def add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", required=True, help="the path that train printed, or a name under the runs folder")
    parser.add_argument("picture", nargs="+", type=Path)
    add_runs_and_json(parser)
    parser.set_defaults(command=_predict)


def _predict(options: argparse.Namespace) -> int:
    run = find_run(options.run, root=options.runs)
    from emotion.classifier import Classifier

    classifier = Classifier(run)
    predictions = [(path, classifier.predict(path)) for path in options.picture]
    if options.json:
        rows = [{"picture": str(path), "label": said.label, "scores": said.scores} for path, said in predictions]
        print_json(run=str(run.path), precision=classifier.precision, predictions=rows)
        return DONE
    for path, said in predictions:
        bars = "  ".join(f"{label} {score:6.1%}" for label, score in said.scores.items())
        print(f"{path}: {said.label}  ({bars})")
    return DONE
