"""What is done with a run: `predict`, `compare`, `transfer`, `report`, `export`, `push`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion.cli.options import AsJson, RunName, Runs, UseAliases, answer, drawn_note, show_progress, tell
from emotion.core.errors import HubError, RunError
from emotion.core.format import megabytes
from emotion.core.progress import result_of
from emotion.runs.folder import find_run
from emotion.runs.run import Run

MAX_NAMED = 5
Sets = Annotated[list[str], typer.Option("--set", metavar="NAME=DIR", help="Once for each species.")]
MEASURES = ("n", "correct", "accuracy", "accuracy_interval", "correct_confidence", "correct_confidence_interval")


def predict(
    picture: Annotated[
        list[Path], typer.Argument(help="A picture, or a folder or a zip of pictures, in class folders or not.")
    ],
    run: RunName,
    runs: Runs,
    csv: Annotated[Path | None, typer.Option(help="Write a line for each picture into this table.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run makes of pictures."""
    found = find_run(run, root=runs)
    if csv or any(path.is_dir() or path.suffix.lower() == ".zip" for path in picture):
        _predict_many(found, picture, csv=csv, as_json=as_json)
        return
    from emotion.inference.classifier import Classifier

    classifier = Classifier(found)
    rows, words = [], []
    for path in picture:
        said = classifier.predict(path)
        unknown = {"unknown": said.is_unknown, "unknown_sentence": said.novelty_sentence()}
        rows.append({"picture": str(path), "label": said.label, "scores": said.scores, **unknown})
        words += [_line(str(path), said.label, said.scores)]
        words += [f"  {said.novelty_sentence()}"] if said.is_unknown is not False else []
    answer(as_json, {"run": str(found.path), "precision": classifier.precision, "predictions": rows}, words)


def _predict_many(run: Run, paths: Sequence[Path], *, csv: Path | None, as_json: bool) -> None:
    """Judge everything that is there; what cannot be read is a line with its reason, and no error."""
    from emotion.inference.batch import Batch, basis, findings, left_out, to_csv
    from emotion.inference.judging import JudgeMany, gathered

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
        try:
            csv.write_text(to_csv(batch), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise RunError(f"{csv} cannot be written ({error.strerror}): choose another file.") from error
    rows = [
        {"picture": row.picture, "label": row.predicted, "scores": row.scores, "unknown": row.is_unknown,
         "problem": row.reason}
        for row in batch.rows
    ]  # fmt: skip
    result = batch.result()
    measures = {name: getattr(result, name) for name in MEASURES} if result else None
    values = {"run": str(run.path), "precision": batch.precision, "predictions": rows, "measures": measures}
    answer(as_json, values, [*findings(batch), basis(batch), *left_out(batch)])


def _line(picture: str, label: str, scores: Mapping[str, float]) -> str:
    return f"{picture}: {label}  ({'  '.join(f'{name} {score:6.1%}' for name, score in scores.items())})"


def _sample_size(given: str | int) -> int | None:
    if given != "all" and (not str(given).isdecimal() or int(given) < 1):
        raise typer.BadParameter(f"{given!r} is neither all nor a whole number from 1.")
    return None if given == "all" else int(given)


def compare(
    run: RunName,
    runs: Runs,
    sets: Sets,
    emotion: Annotated[str, typer.Option(help="A class of the run, or all.")] = "happy",
    size: Annotated[int | None, typer.Option(parser=_sample_size, metavar="N|all", help="Pictures a sample.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the samples.")] = 42,
    relaxed_as_tired: Annotated[bool, typer.Option("--relaxed-as-tired", help="Read relaxed as tired.")] = False,
    use_aliases: UseAliases = False,
    as_json: AsJson = False,
) -> None:
    """Score samples of several species with one run."""
    folders = _named_folders(sets)
    found = find_run(run, root=runs)
    from emotion.analysis import Request
    from emotion.analysis.findings import caveats, collapses, gap_sentence
    from emotion.server.model_process import compare_sets

    wanted = None if emotion == "all" else emotion
    request = Request(folders, wanted, size, seed, use_aliases=use_aliases, relaxed_as_tired=relaxed_as_tired)
    comparison, path = result_of(compare_sets(found, request), tell=show_progress)
    results = [(name, label, each) for name, by_label in comparison.sets.items() for label, each in by_label.items()]
    _note("since they cannot be read", {path for *_, each in results for path in each.unreadable})
    _note("since the run was trained on them", {path for *_, each in results for path in each.near_duplicates})
    tell(*(f"{name}: {sentence}" for name, notes in comparison.notes.items() for sentence in notes))
    words, in_short = [], {name: dict[str, Any]() for name in comparison.sets}
    for name, label, each in results:
        numbers = {part: value for part, value in asdict(each).items() if part != "pictures"}
        counts = {part: len(numbers[part]) for part in ("unreadable", "near_duplicates")}
        in_short[name][label] = numbers | counts
        low, high = each.correct_confidence_interval
        words.append(
            f"{name} {label}: mean correct-class confidence {each.correct_confidence:.1%} "
            f"(95 %: {low:.1%} to {high:.1%}), {each.correct} of {each.n} correct, "
            f"second in {each.runner_up}, log loss {each.log_loss:.2f}, chance {comparison.chance:.0%}"
        )
    values = {
        "run": str(found.path), "seed": seed, "file": str(path), "precision": comparison.precision, "sets": in_short,
        "mapping": comparison.mapping, "differences": [asdict(gap) for gap in comparison.gaps],
        "collapses": [asdict(each) for each in collapses(comparison)], "notes": comparison.notes,
    }  # fmt: skip
    words += [*map(gap_sentence, comparison.gaps), *caveats(comparison, None), f"seed {seed}, written to {path}"]
    answer(as_json, values, [*words, *drawn_note(*folders.values())])


def transfer(
    run: RunName,
    runs: Runs,
    sets: Sets,
    use_aliases: UseAliases = False,
    as_json: AsJson = False,
) -> None:
    """Learn from each set, judge all of them, and say how much of the way what people teach goes."""
    folders, found = _named_folders(sets), find_run(run, root=runs)
    from emotion.analysis.study import Judge
    from emotion.analysis.transfer import between, sentences
    from emotion.data.folders import find_pictures
    from emotion.inference.classifier import Classifier

    pictures = {name: find_pictures(folder, use_aliases=use_aliases) for name, folder in folders.items()}
    result = result_of(between(Judge(found, Classifier(found)), pictures), tell=show_progress)
    matrix = {
        name: {other: {"n": each.n, "accuracy": each.accuracy, "auc": each.auc} for other, each in row.items()}
        for name, row in result.matrix.items()
    }
    share = {name: each and asdict(each) for name, each in result.share.items()}
    values = {
        "run": str(found.path), "classes": result.classes, "chance": result.chance, "matrix": matrix, "share": share,
    }  # fmt: skip
    words = [
        f"learnt from {name}, judged {other}: {each.accuracy:.1%} right of {each.n}, AUC {each.auc:.2f}"
        for name, row in result.matrix.items()
        for other, each in row.items()
    ]
    answer(as_json, values, [*sentences(result), *words, *drawn_note(*folders.values())])


def _named_folders(texts: Sequence[str]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for text in texts:
        name, _, folder = text.partition("=")
        if not name or not folder:
            raise typer.BadParameter(f"{text!r} is not of the form NAME=DIR.")
        if name in folders:
            raise typer.BadParameter(f"Two sets are called {name!r}: give each a name of its own.")
        folders[name] = Path(folder)
    return folders


def _note(why: str, paths: set[str]) -> None:
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    tell(f"left out, {why} ({len(paths)}): {', '.join(sorted(paths)[:MAX_NAMED])}{more}" if paths else "")


def report(
    run: RunName,
    runs: Runs,
    to: Annotated[Path, typer.Option(help="Ends in .html or .md.")],
    comparison: Annotated[
        str | None, typer.Option(help="One of the run, by path or name.", show_default="newest")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a saved comparison as one file to hand on."""
    from emotion.report import build_report
    from emotion.report.render import check_ending, write_report

    check_ending(to)
    found = find_run(run, root=runs)
    kept = sorted(found.comparisons.glob("*.json"))
    places = [Path(comparison), found.comparisons / Path(comparison).name] if comparison else kept[-1:]
    file = next(filter(Path.is_file, places), None)
    if file is None and comparison:
        raise RunError(f"There is no comparison {comparison!r}: give the path that compare printed, or leave it out.")
    if file is None:
        raise RunError(f"{found.name} was compared on nothing yet: run `python -m emotion compare` first.")
    write_report(build_report(file), to)
    answer(as_json, {"comparison": str(file), "file": str(to)}, [f"written to {to}; no picture is in it"])


def export(
    run: RunName,
    runs: Runs,
    to: Annotated[Path, typer.Option(help="A new folder.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="Write model.onnx beside the checkpoint.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run's checkpoint as a folder for others, or as ONNX."""
    from emotion.server.publish import export_run

    files = export_run(find_run(run, root=runs), to, onnx=onnx)
    values = {"to": str(to), "files": [path.relative_to(to).as_posix() for path in files]}
    answer(as_json, values, [f"written to {to}: {', '.join(path.name for path in files)}"])


def push(
    run: RunName,
    runs: Runs,
    to: Annotated[str, typer.Option(metavar="USER/NAME", help="The repository, made where there is none.")],
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a new repository.")] = False,
    as_json: AsJson = False,
) -> None:
    """Push a run's checkpoint to the Hugging Face Hub. The token is the environment's or the login's."""
    from huggingface_hub import get_token

    from emotion.server.publish import Push

    token = get_token()
    if not token:
        how = "set HF_TOKEN to one with write permission, or log in with `hf auth login`"
        raise HubError(f"There is no token of the Hub: {how}.")
    steps = Push(run=find_run(run, root=runs), repository=to, token=token, private=not public).carry_out()
    pushed = result_of(steps, tell=show_progress)
    seen = "private" if pushed.private else "public"
    values = {name: getattr(pushed, name) for name in ("address", "commit", "private", "bytes")}
    answer(as_json, values, [f"pushed to {pushed.address} ({seen}, {megabytes(pushed.bytes)} in one commit)"])
