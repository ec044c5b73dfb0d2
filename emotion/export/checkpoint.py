"""A run's checkpoint as a folder or a zip to hand on: weights as safetensors, processor, card. Whole or not at all."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

from emotion.errors import RunError
from emotion.export.handed_on import card_of
from emotion.run import Run

CARD, ONNX = "README.md", "model.onnx"


def export_run(run: Run, to: Path, *, onnx: bool = False) -> list[Path]:
    """Write the checkpoint of a run into the new folder ``to`` and return its files.

    With ``onnx`` the same model lies beside it as ``model.onnx``.

    Raises:
        RunError: the run has no checkpoint, the folder is there already, or cannot be written.
    """
    require_checkpoint(run)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RunError(f"{to} is there already: give a new folder, so that nothing is overwritten.")
    beside = to.with_name(f".{to.name}-{os.getpid()}")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(run.checkpoint, beside)
        (beside / CARD).write_text(card_of(run), encoding="utf-8")
        if onnx:
            from emotion.export.onnx import write_onnx

            write_onnx(beside, beside / ONNX)
        if to.is_dir():
            to.rmdir()
        beside.rename(to)
    except OSError as error:
        raise RunError(f"{to} cannot be written ({error.strerror}): choose another folder, or make room.") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return sorted(path for path in to.rglob("*") if path.is_file())


def zip_run(run: Run, to: Path) -> Path:
    """Write the checkpoint of a run as the zip ``to``, in a folder of the run's name, and return it.

    Raises:
        RunError: the run has no checkpoint, or the zip cannot be written.
    """
    require_checkpoint(run)
    beside = to.with_name(f".{to.name}-{os.getpid()}")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as packed:
            for path in weights_and_settings(run):
                packed.write(path, f"{run.name}/{path.name}")
            packed.writestr(f"{run.name}/{CARD}", card_of(run))
        beside.replace(to)
    except OSError as error:
        raise RunError(f"The zip cannot be written ({error.strerror}): make room first.") from error
    finally:
        beside.unlink(missing_ok=True)
    return to


def weights_and_settings(run: Run) -> list[Path]:
    """Return the files of a run's checkpoint that go out as they are: all but the card."""
    return sorted(path for path in run.checkpoint.iterdir() if path.name != CARD)


def require_checkpoint(run: Run) -> None:
    """Let pass a run that has a checkpoint.

    Raises:
        RunError: it has none.
    """
    if not (run.checkpoint / "config.json").is_file():
        raise RunError(f"The run {run.name} has no checkpoint yet: wait until it is finished or choose another.")
