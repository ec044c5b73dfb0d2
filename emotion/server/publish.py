"""Publish a run's model as a folder, as a zip, or in a repository of the Hub, and the project as a Space: whole or not
at all.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emotion.backbones.hub import ask, client, first_line, is_hub_id
from emotion.core.errors import EmotionError, HubError, RunError, SpaceError
from emotion.core.format import megabytes
from emotion.core.progress import Progress
from emotion.runs.run import Run

CARD, ONNX = "README.md", "model.onnx"
# The visitor is waiting; the Hub usually answers in a fraction of this.
ANSWER_SECONDS = 10.0
ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "requirements.txt"
FILES = ("README.md", "LICENSE", REQUIREMENTS, "app.py")
# Only these file types of a folder: a photograph left there must not be pushed. The results in docs supply the landing
# panel's numbers and the README's links.
FOLDERS: dict[str, frozenset[str]] = {
    "emotion": frozenset({".py", ".js", ".css", ".j2"}),
    "assets": frozenset({".webp", ".png", ".css", ".json", ".safetensors"}),
    "docs": frozenset({".md", ".json"}),
}
ATTRIBUTES = ".gitattributes"
MARK = "# Written by `python -m emotion space`, which replaces the whole folder when it is run again."
# The Hub rejects a push whose binary files are not in Git LFS.
BINARY = ("*.png", "*.webp", "*.safetensors")
WRITTEN = frozenset({*FILES, *FOLDERS, ATTRIBUTES})
# Prepended to the project's requirements.
CPU_WHEELS = """\
# PyTorch's wheels without CUDA, gigabytes smaller: for a Space with a GPU, take the next line out.
--extra-index-url https://download.pytorch.org/whl/cpu
"""


def export_run(run: Run, to: Path, *, onnx: bool = False) -> list[Path]:
    """Write the checkpoint of a run into the new folder ``to`` and return its files.

    With ``onnx``, the folder also has the model as ``model.onnx``.
    Raises EmotionError if the run has no checkpoint, or the folder exists or cannot be written.
    """
    card = _card_of(run)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RunError(f"{to} is there already: give a new folder, so that nothing is overwritten.")
    with replaced(to) as folder:
        shutil.copytree(run.checkpoint, folder, dirs_exist_ok=True)
        (folder / CARD).write_bytes(card)
        if onnx:
            _write_onnx(run, folder / ONNX)
    return sorted(to.iterdir())


def _write_onnx(run: Run, to: Path) -> None:
    """Write a run's model as float32 ONNX.

    ``pixel_values`` is (N, 3, H, W), as the checkpoint's processor makes it; ``logits`` is (N, C) in the order of the
    checkpoint's ``id2label``; N is free.
    Raises RunError if the checkpoint cannot be read; OSError if the file cannot be written.
    """
    import torch

    from emotion.inference.classifier import Classifier

    network = Classifier(run).network

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = network.model.cpu()

        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.model(pixel_values=pixel_values).logits
            return logits

    with warnings.catch_warnings(), torch.inference_mode():
        # This exporter, which writes a single file, warns that there is a newer one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Logits(),
            (torch.zeros(2, 3, network.image_size, network.image_size),),
            str(to),
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={"pixel_values": {0: "batch"}, "logits": {0: "batch"}},
            opset_version=18,
            dynamo=False,
        )


def zip_run(run: Run, to: Path) -> Path:
    """Write a run's checkpoint as the zip ``to``, in a folder named after the run, and return the path.
    Raises RunError if the run has no checkpoint, or the zip cannot be written.
    """
    card = _card_of(run)
    try:
        with zipfile.ZipFile(to, "w") as packed:
            for path in _files_but_the_card(run):
                packed.write(path, f"{run.name}/{path.name}")
            packed.writestr(f"{run.name}/{CARD}", card)
    except OSError as error:
        to.unlink(missing_ok=True)
        raise RunError(f"The zip cannot be written ({error.strerror}): make room first.") from error
    return to


@dataclass(frozen=True)
class Pushed:
    """The result of a push: the repository's page, the commit, whether it is private, and the size in bytes."""

    address: str
    commit: str
    private: bool
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Push:
    """A job for another process, which gets the token through a pipe, not as an argument or environment variable.
    Raises RunError if the run has no checkpoint or is being trained; HubError if the repository's name or the token is
    malformed.
    """

    run: Run
    repository: str
    token: str = field(repr=False)
    private: bool = True

    def __post_init__(self) -> None:
        _card_of(self.run)
        if self.run.is_locked():
            raise RunError(f"{self.run.name} is still being trained: wait until it is finished, or stop it.")
        if not is_hub_id(self.repository):
            raise HubError(f"{self.repository[:200]!r} is no name of a repository: write USER/NAME, as in rosa/faces.")
        # A token that no header can hold would be quoted in the client's error.
        if not re.fullmatch(r"[!-~]{1,4096}", self.token):
            raise HubError("That is no access token of the Hub: copy one with write permission from its settings.")

    def carry_out(self) -> Generator[Progress, None, Pushed]:
        """Push all files in one commit: yield the progress, and return where the model went.
        Raises RunError if the checkpoint has no readable card; HubError if the Hub cannot be reached or refuses the
        push. The repository is then unchanged, or new and empty.
        """
        from huggingface_hub import CommitOperationAdd, HfApi

        yield Progress(0, 0, f"asking the Hub for {self.repository}")
        # Not upload_folder: the published card is not the checkpoint's own, and is stored in no file.
        files = [CommitOperationAdd(each.name, each) for each in _files_but_the_card(self.run)]
        files.append(CommitOperationAdd(CARD, _card_of(self.run)))
        size, api, name = sum(each.upload_info.size for each in files), HfApi(token=self.token), self.repository
        _quieten_the_client()
        try:
            ask(lambda: api.create_repo(name, private=self.private, exist_ok=True), seconds=ANSWER_SECONDS)
            private = bool(api.model_info(name, timeout=ANSWER_SECONDS).private)
            # ``private`` has no effect on an existing repository.
            if self.private and not private:
                raise HubError(
                    f"{name} is there already and everybody sees it: choose another name, make it private on its page, "
                    "or push as a public repository."
                )
            yield Progress(0, 0, f"sending {megabytes(size)}")
            commit = api.create_commit(name, operations=files, commit_message=f"Push the run {self.run.name}")
        except (client().httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
            # A server may echo the token.
            said = str(getattr(error, "server_message", None) or error).replace(self.token, "…")
            # Without the cause: its request has the token in its headers.
            raise HubError(
                f"The Hub at {api.endpoint} did not take {name} ({first_line(ValueError(said))}): see to that and push "
                "again, or pack the model and put it there by hand."
            ) from None
        return Pushed(f"{api.endpoint}/{name}", commit.oid, private, size)


def _files_but_the_card(run: Run) -> list[Path]:
    return sorted(path for path in run.checkpoint.iterdir() if path.name != CARD)


def _card_of(run: Run) -> bytes:
    """Return the card to publish. Raises RunError if the run has no checkpoint, or one without a readable card."""
    from emotion.report.model_card import card_of

    if not (run.checkpoint / "config.json").is_file():
        raise RunError(f"The run {run.name} has no checkpoint yet: wait until it is finished or choose another.")
    return card_of(run).encode()


def _quieten_the_client() -> None:
    """Let the Hub's client upload by plain HTTP, without progress bars, warnings or telemetry, in this process.

    The default, Xet storage, is missing on some Hubs, and its library keeps logs of its own. Telemetry would name the
    surrounding programs in each request.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_TELEMETRY = True
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bars()
    warnings.simplefilter("ignore")


def write_space(to: Path, *, root: Path = ROOT) -> list[Path]:
    """Write the Space of the project in ``root`` into the folder ``to``, and return its files.

    Raises EmotionError if a file is missing or does not belong, ``to`` holds anything else, or it cannot be written.
    """
    paths = list_files(root)
    _require_ours(to)
    with replaced(to) as folder:
        for path in paths:
            copy = folder / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        requirements = (root / REQUIREMENTS).read_text(encoding="utf-8")
        (folder / REQUIREMENTS).write_text(CPU_WHEELS + requirements, encoding="utf-8")
        attributes = [MARK, *(f"{kind} filter=lfs diff=lfs merge=lfs -text" for kind in BINARY)]
        (folder / ATTRIBUTES).write_text("\n".join(attributes) + "\n", encoding="utf-8")
    return [path for path in to.rglob("*") if path.is_file()]


def list_files(root: Path) -> list[Path]:
    """Return the files of a Space, without hidden and compiled ones.
    Raises SpaceError if one is missing, or a file is of no permitted type.
    """
    for name in (*FILES, *FOLDERS):
        if not (root / name).exists():
            raise SpaceError(f"{root / name} is missing: a Space cannot do without it, so put it back.")
    found = [root / name for name in FILES]
    for folder, kinds in FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            is_hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(root).parts)
            if is_hidden or (path.is_dir() and not path.is_symlink()):
                continue
            if path.is_symlink() or path.suffix not in kinds:
                raise SpaceError(f"{path} is nothing that belongs into a Space: move it elsewhere and try again.")
            found.append(path)
    return found


def _require_ours(to: Path) -> None:
    """Raise SpaceError unless a folder is missing, empty, or was written by this module and holds nothing else."""
    if to.is_symlink() or (to.exists() and not to.is_dir()):
        raise SpaceError(f"{to} is no folder: give a new one.")
    names, mark = {path.name for path in to.glob("*")}, to / ATTRIBUTES
    is_ours = mark.is_file() and mark.read_text(encoding="utf-8", errors="replace").startswith(MARK)
    if more := sorted(names - (WRITTEN if is_ours else set())):
        raise SpaceError(
            f"{to} holds {more[0]}, which this command did not write: move it elsewhere, or give a new folder."
        )


@contextmanager
def replaced(to: Path) -> Iterator[Path]:
    """Give a folder that takes the place of ``to`` at the end, unless there is an error.
    Raises EmotionError if it cannot be written.
    """
    try:
        to.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{to.name}-", dir=to.absolute().parent) as beside:
            folder = Path(beside) / to.name
            folder.mkdir()
            yield folder
            if to.exists():
                shutil.rmtree(to)
            folder.rename(to)
    except OSError as error:
        raise EmotionError(
            f"{to} cannot be written ({error.strerror}): choose another folder, or make room."
        ) from error
