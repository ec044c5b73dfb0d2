"""Comparisons as files of a run folder, and beside each what further questions to it came to."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from emotion.analysis.comparison import Comparison
from emotion.core.errors import RunError
from emotion.core.files import write_json
from emotion.core.scored import SampleResult, ScoredPicture, summarise
from emotion.runs.run import Run

SCHEMA, STUDY_SCHEMA = 2, 1
# Files of the first schema lack fields that have a default, and statistics that are computed from the scores.
READABLE = (1, SCHEMA)


def save_comparison(comparison: Comparison, *, run: Run) -> Path:
    """Write a comparison into its run's folder and return the file.

    The file also holds the differences between the sets, for whoever reads it without this project.

    Raises:
        RunError: the run folder cannot be written.
    """
    now = time.time_ns()
    # To the microsecond, so that names sort as the comparisons came, also within a second.
    path = (
        run.comparisons
        / f"{time.strftime('%Y%m%d-%H%M%S', time.localtime(now // 10**9))}-{now // 1000 % 10**6:06}.json"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        differences = [asdict(gap) for gap in comparison.gaps]
        write_json(path, {"schema": SCHEMA, **asdict(comparison), "differences": differences})
    except OSError as error:
        raise RunError(
            f"The comparison cannot be written to {path.parent} ({error.strerror}): free the disk."
        ) from error
    return path


def load_comparison(path: Path) -> Comparison:
    """Read a comparison that ``save_comparison`` wrote; what can be computed from its scores is computed anew.

    Raises:
        RunError: the file is missing, torn or of another schema.
    """
    try:
        stamp = path.stat()
    except OSError as error:
        raise RunError(f"{path} is not a comparison that can be read: compare again.") from error
    return _load(path, stamp.st_mtime_ns, stamp.st_size)


# Such a file is written once, and a page asks for the same one a dozen times at a click.
@lru_cache(maxsize=64)
def _load(path: Path, modified: int, size: int) -> Comparison:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("schema") not in READABLE:
            raise RunError(f"{path.name} was written by another version: compare again.")
        values.pop("differences", None)
        values["sets"] = {
            name: {label: _sample_result(result, values["classes"]) for label, result in results.items()}
            for name, results in values["sets"].items()
        }
        return Comparison(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise RunError(f"{path} is not a comparison that can be read: compare again.") from error


def _sample_result(values: dict[str, Any], classes: list[str]) -> SampleResult:
    summary = summarise([ScoredPicture(**picture) for picture in values["pictures"]], classes=classes)
    return replace(
        summary,
        unreadable=dict(values.get("unreadable", {})),
        near_duplicates=dict(values.get("near_duplicates", {})),
        is_trained_on=bool(values.get("is_trained_on", False)),
    )


def run_of(comparison: Path) -> Run:
    """Return the run in whose folder a comparison's file lies, or the one that it names where it was moved out."""
    around = (Run(folder) for folder in comparison.absolute().parents if (folder / "config.json").is_file())
    return next(around, None) or Run(Path(load_comparison(comparison).run))


def keep(folder: Path, name: str, values: Any, *, kind: Any) -> None:
    """Write a result of type ``kind`` as ``NAME.json`` into a folder, whole or not at all.

    Raises:
        RunError: the run folder cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
        plain: dict[str, Any] = _adapter(kind).dump_python(values, mode="json")
        write_json(folder / f"{name}.json", {"schema": STUDY_SCHEMA, **plain})
    except OSError as error:
        raise RunError(f"The result cannot be written to {folder} ({error.strerror}): free the disk.") from error


def kept(file: Path, *, kind: Any) -> Any:
    """Return the result of type ``kind`` that ``keep`` wrote; None where there is none that can be read."""
    try:
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return _adapter(kind).validate_python(values) if values.pop("schema") == STUDY_SCHEMA else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
