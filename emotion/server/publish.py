"""Publish a run's model as a folder, as a zip, or in a repository of the Hub: whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import warnings
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emotion.backbones.hub import ask, client, first_line, is_hub_id
from emotion.core.errors import HubError, RunError
from emotion.core.format import megabytes
from emotion.core.progress import Progress
from emotion.report.model_card import card_of
from emotion.runs.run import Run

CARD, ONNX = "README.md", "model.onnx"
# The visitor is waiting; the Hub usually answers in a fraction of this.
_ANSWER_SECONDS = 10.0


def export_run(run: Run, to: Path, *, onnx: bool = False) -> list[Path]:
    """Write the checkpoint of a run into the new folder ``to`` and return its files.

    With ``onnx``, the folder also has the model as ``model.onnx``.
    Raises RunError if the run has no checkpoint, or the folder exists or cannot be written.
    """
    _require_checkpoint(run)
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RunError(f"{to} is there already: give a new folder, so that nothing is overwritten.")
    beside = to.with_name(f".{to.name}-{os.getpid()}")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(run.checkpoint, beside)
        (beside / CARD).write_text(card_of(run), encoding="utf-8")
        if onnx:
            from emotion.server.onnx import write_onnx

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
    """Write a run's checkpoint as the zip ``to``, in a folder named after the run, and return the path.
    Raises RunError if the run has no checkpoint, or the zip cannot be written.
    """
    _require_checkpoint(run)
    card = card_of(run)
    try:
        with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as packed:
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
        _require_checkpoint(self.run)
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
        card = card_of(self.run).encode()
        api = HfApi(token=self.token)
        try:
            with _plain_hub():
                ask(
                    lambda: api.create_repo(self.repository, private=self.private, exist_ok=True),
                    seconds=_ANSWER_SECONDS,
                )
                private = bool(api.model_info(self.repository, timeout=_ANSWER_SECONDS).private)
                # ``private`` has no effect on an existing repository.
                if self.private and not private:
                    raise HubError(
                        f"{self.repository} is there already and everybody sees it: choose another name, make it "
                        "private on its page, or push as a public repository."
                    )
                files = _files_but_the_card(self.run)
                additions = [CommitOperationAdd(CARD, card), *(CommitOperationAdd(each.name, each) for each in files)]
                size = sum(each.upload_info.size for each in additions)
                yield Progress(0, 0, f"sending {megabytes(size)}")
                # Not upload_folder: the published card is not the checkpoint's own, and is stored in no file.
                message = f"Push the run {self.run.name}"
                commit = api.create_commit(self.repository, operations=additions, commit_message=message)
        except (client().httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
            # Without the cause: its request has the token in its headers.
            raise self._refusal(error, api.endpoint) from None
        return Pushed(f"{api.endpoint}/{self.repository}", commit.oid, private, size)

    def _refusal(self, error: BaseException, endpoint: str) -> HubError:
        while not getattr(error, "server_message", None) and error.__cause__:
            error = error.__cause__
        # A server may echo the token.
        said = first_line(ValueError(str(getattr(error, "server_message", None) or error).replace(self.token, "…")))
        return HubError(
            f"The Hub at {endpoint} did not take {self.repository} ({said}): see to that and push again, or pack "
            "the model and put it there by hand."
        )


def _files_but_the_card(run: Run) -> list[Path]:
    return sorted(path for path in run.checkpoint.iterdir() if path.name != CARD)


def _require_checkpoint(run: Run) -> None:
    if not (run.checkpoint / "config.json").is_file():
        raise RunError(f"The run {run.name} has no checkpoint yet: wait until it is finished or choose another.")


@contextmanager
def _plain_hub() -> Iterator[None]:
    """Let the Hub's client upload by plain HTTP, without progress bars, warnings or telemetry.

    The default, Xet storage, is missing on some Hubs, and its library keeps logs of its own. Telemetry would name the
    surrounding programs in each request.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    verbosity, switches = logging.get_verbosity(), ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY")
    before = {name: getattr(constants, name) for name in switches}
    vars(constants).update(dict.fromkeys(switches, True))
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        with disable_progress_bars(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        vars(constants).update(before)
