"""What is done with a run: `predict`, `compare`, `transfer`, `report`, `export`, `push`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion.cli.options import AsJson, Pair, RunName, Runs, Sets, UseAliases, answer, drawn_note, show_progress, tell
from emotion.core.errors import HubError, RunError
from emotion.core.format import megabytes
from emotion.core.progress import result_of
from emotion.runs.folder import find_run
from emotion.runs.run import Run

MAX_NAMED = 5
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
        values, words = _predict_many(found, picture, csv)
    else:
        values, words = _predict_each(found, picture)
    answer(as_json, {"run": str(found.path), **values}, words)


def _predict_each(run: Run, paths: Sequence[Path]) -> tuple[dict[str, Any], list[str]]:
    """Judge pictures one by one; the first that cannot be read is an error."""
    from emotion.inference.classifier import Classifier

    classifier = Classifier(run)
    rows, words = [], []
    for path in paths:
        said = classifier.predict(path)
        unknown = {"unknown": said.is_unknown, "unknown_sentence": said.novelty_sentence()}
        rows.append({"picture": str(path), "label": said.label, "scores": said.scores, **unknown})
        words.append(_line(str(path), said.label, said.scores))
        words += [f"  {said.novelty_sentence()}"] if said.is_unknown is not False else []
    return {"precision": classifier.precision, "predictions": rows}, words


def _predict_many(run: Run, paths: Sequence[Path], csv: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Judge everything that is there; what cannot be read is a line with its reason, and no error."""
    from emotion.inference.batch import basis, findings, left_out, to_csv
    from emotion.inference.judging import JudgeMany, Judging

    judged: list[Judging] = []
    for step in JudgeMany(run, [(path, path.name) for path in paths]).carry_out():
        show_progress(step)
        judged += [step] if isinstance(step, Judging) else []
    batch = replace(judged[-1].batch, rows=tuple(row for step in judged for row in step.batch.rows))
    if csv:
        csv.write_text(to_csv(batch), encoding="utf-8", errors="backslashreplace")
    rows, words = [], []
    for row in batch.rows:
        said = {"label": row.predicted, "scores": row.scores, "unknown": row.is_unknown, "problem": row.reason}
        rows.append({"picture": row.picture, **said})
        words.append(_line(row.picture, row.predicted, row.scores) if row.scores else f"{row.picture}: {row.reason}")
    result = batch.result()
    measures = {name: getattr(result, name) for name in MEASURES} if result else None
    values = {"precision": batch.precision, "predictions": rows, "measures": measures}
    return values, [*words, *findings(batch), basis(batch), *left_out(batch)]


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
    folders, found = _folders(sets), find_run(run, root=runs)
    from emotion.analysis import Request
    from emotion.analysis.findings import caveats, collapses, gap_sentence
    from emotion.server.model_process import compare_sets

    wanted = None if emotion == "all" else emotion
    request = Request(folders, wanted, size, seed, use_aliases=use_aliases, relaxed_as_tired=relaxed_as_tired)
    comparison, path = result_of(compare_sets(found, request), tell=show_progress)
    results = [(name, label, each) for name, by_label in comparison.sets.items() for label, each in by_label.items()]
    _tell_left_out("they cannot be read", {path for *_, each in results for path in each.unreadable})
    _tell_left_out("the run was trained on them", {path for *_, each in results for path in each.near_duplicates})
    tell(*(f"{name}: {sentence}" for name, notes in comparison.notes.items() for sentence in notes))
    words, in_short = [], {name: dict[str, Any]() for name in comparison.sets}
    for name, label, each in results:
        numbers = {part: value for part, value in asdict(each).items() if part != "pictures"}
        in_short[name][label] = numbers | {part: len(numbers[part]) for part in ("unreadable", "near_duplicates")}
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


def transfer(run: RunName, runs: Runs, sets: Sets, use_aliases: UseAliases = False, as_json: AsJson = False) -> None:
    """Learn from each set, judge all of them, and say how much of the way what people teach goes."""
    folders, found = _folders(sets), find_run(run, root=runs)
    from emotion.analysis.study import Judge
    from emotion.analysis.transfer import between, sentences
    from emotion.data.folders import find_pictures
    from emotion.inference.classifier import Classifier

    pictures = {name: find_pictures(folder, use_aliases=use_aliases) for name, folder in folders.items()}
    result = result_of(between(Judge(found, Classifier(found)), pictures), tell=show_progress)
    words, matrix = sentences(result), {name: dict[str, Any]() for name in result.matrix}
    for name, row in result.matrix.items():
        for other, each in row.items():
            matrix[name][other] = {"n": each.n, "accuracy": each.accuracy, "auc": each.auc}
            right = f"{each.accuracy:.1%} right of {each.n}, AUC {each.auc:.2f}"
            words.append(f"learnt from {name}, judged {other}: {right}")
    share = {name: each and asdict(each) for name, each in result.share.items()}
    known = {"run": str(found.path), "classes": result.classes, "chance": result.chance}
    answer(as_json, {**known, "matrix": matrix, "share": share}, [*words, *drawn_note(*folders.values())])


def _folders(sets: Sequence[Pair]) -> dict[str, Path]:
    folders = {name: Path(folder) for name, folder in sets if folder}
    if len(folders) < len(sets):
        raise typer.BadParameter("Give each set a name of its own and a folder, as in --set dog=DIR.")
    return folders


def _tell_left_out(why: str, paths: Collection[str]) -> None:
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    tell(f"left out, since {why} ({len(paths)}): {', '.join(sorted(paths)[:MAX_NAMED])}{more}" if paths else "")


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
    newest = sorted(found.comparisons.glob("*.json"))[-1:]
    places = [Path(comparison), found.comparisons / Path(comparison).name] if comparison else newest
    file = next(filter(Path.is_file, places), None)
    if file is None:
        what = f"There is no comparison {comparison!r}" if comparison else f"{found.name} was compared on nothing yet"
        raise RunError(f"{what}: run `python -m emotion compare`, which prints the path of what it writes.")
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

    files = [path.relative_to(to).as_posix() for path in export_run(find_run(run, root=runs), to, onnx=onnx)]
    answer(as_json, {"to": str(to), "files": files}, [f"written to {to}: {', '.join(files)}"])


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
        raise HubError("There is no token of the Hub: set HF_TOKEN to one that may write, or run `hf auth login`.")
    steps = Push(run=find_run(run, root=runs), repository=to, token=token, private=not public).carry_out()
    pushed = result_of(steps, tell=show_progress)
    seen = "private" if pushed.private else "public"
    answer(as_json, asdict(pushed), [f"pushed to {pushed.address} ({seen}, {megabytes(pushed.bytes)} in one commit)"])
