"""Push a run's checkpoint with its card to the Hugging Face Hub, as one commit. The token is used and kept nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from emotion.errors import HubError, RunError
from emotion.export.checkpoint import CARD, require_checkpoint, weights_and_settings
from emotion.hub import ask
from emotion.job import Progress, paced
from emotion.run import Run
from emotion.words import megabytes

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

    from emotion.export.sending import Sending

A = TypeVar("A")
# Somebody waits, and the Hub answers who a token is in a fraction of it.
_ANSWER_SECONDS = 10.0
_TICK_SECONDS = 0.1


def hub_address() -> str:
    """Return where the Hub is, without a slash at its end."""
    from huggingface_hub import constants

    return constants.ENDPOINT


@dataclass(frozen=True)
class Pushed:
    """Where a model went: the page of its repository, the commit, whether others see it, and how large it is."""

    address: str
    commit: str
    private: bool
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Push:
    """A job for another process, which gets the token through a pipe: it stands in no argument and no environment.

    Raises:
        RunError: the run has no checkpoint, or is being trained.
        HubError: the repository's name or the token cannot be one.
    """

    run: Run
    repository: str
    token: str = field(repr=False)
    private: bool = True
    endpoint: str = field(default_factory=hub_address)

    def __post_init__(self) -> None:
        require_checkpoint(self.run)
        if self.run.is_locked():
            raise RunError(f"{self.run.name} is still being trained: wait until it is finished, or stop it.")
        if not _is_repository(self.repository):
            raise HubError(
                f"{self.repository[:200]!r} is no name of a repository: write USER/NAME, each of at most 96 letters, "
                "digits, single hyphens, underscores and dots, as in rosa/emotions."
            )
        # What a header cannot hold would be quoted in the client's error.
        if not re.fullmatch(r"[!-~]{1,4096}", self.token):
            raise HubError("That is no access token of the Hub: copy one with write permission from its settings.")

    def carry_out(self) -> Generator[Progress, None, Pushed]:
        """Yield how far it is, at a page's pace, and return where it went. Closing it stops what is being sent.

        Raises:
            RunError: the checkpoint has no card that can be read.
            HubError: the Hub cannot be reached or does not take it; the repository is then as it was before, or new
                and empty.
        """
        return (yield from paced(self._steps()))

    def _steps(self) -> Generator[Progress, None, Pushed]:
        # Done in another process: the page that asks for it imports nothing of it.
        from huggingface_hub import HfApi

        from emotion.export.sending import CLIENT_ERRORS, sending

        yield Progress(0, 0, "asking the Hub whose token this is")
        with sending() as sent:
            api = HfApi(endpoint=self.endpoint, token=self.token)
            user = ""
            try:
                user = self._user(api)
                additions = self._additions()
                size = sum(each.upload_info.size for each in additions)
                making, pushing = f"making {self.repository}", f"sending {megabytes(size)}"
                private = yield from _watched(lambda: self._make_repository(api), sent, doing=making)
                commit = yield from _watched(lambda: self._commit(api, additions), sent, doing=pushing, size=size)
            except CLIENT_ERRORS as error:
                # Not "from" the error, whose request has the token in its headers.
                raise self._refusal(error, user) from None
        return Pushed(f"{self.endpoint}/{self.repository}", commit, private, size)

    def _user(self, api: HfApi) -> str:
        """Return whose the token is.

        Raises:
            HubError: it may not write.
        """
        from emotion.export.push_refusals import read_only

        whoami = ask(api.whoami, seconds=_ANSWER_SECONDS)
        if whoami.get("auth", {}).get("accessToken", {}).get("role") == "read":
            raise read_only(self.repository)
        return str(whoami.get("name", ""))

    def _additions(self) -> list[CommitOperationAdd]:
        from huggingface_hub import CommitOperationAdd

        from emotion.export.handed_on import card_of

        card = CommitOperationAdd(CARD, card_of(self.run).encode())
        return [card, *(CommitOperationAdd(path.name, path) for path in weights_and_settings(self.run))]

    def _make_repository(self, api: HfApi) -> bool:
        """Make the repository unless it is there; return whether it is private.

        Raises:
            HubError: it is there, and public although this is not to be.
        """
        from huggingface_hub.errors import HfHubHTTPError

        try:
            api.create_repo(self.repository, private=self.private)
            return self.private
        except HfHubHTTPError as error:
            # 403: a token that may write to this repository alone may make none, nor one that is there.
            if error.response.status_code not in (403, 409):
                raise
            try:
                private = bool(api.model_info(self.repository).private)
            except HfHubHTTPError:
                raise error from None
        # The switch says nothing about a repository that is there already.
        if self.private and not private:
            raise HubError(
                f"{self.repository} is there already and everybody sees it: choose another name, make it private on "
                "its page, or push as a public repository."
            )
        return private

    def _commit(self, api: HfApi, additions: list[CommitOperationAdd]) -> str:
        message = f"Push the run {self.run.name}"
        return str(api.create_commit(self.repository, operations=additions, commit_message=message).oid)

    def _refusal(self, error: Exception, user: str) -> HubError:
        from emotion.export.push_refusals import refusal

        told = refusal(error, repository=self.repository, user=user, endpoint=self.endpoint)
        # A server may say back what it was sent.
        return HubError(str(told).replace(self.token, "…"))


def _is_repository(name: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return "/" in name


def _watched(work: Callable[[], A], sent: Sending, *, doing: str, size: int = 0) -> Generator[Progress, None, A]:
    """Do it in a thread, yield how much of ``size`` bytes is sent meanwhile, and return the answer.

    0 bytes stand for what is not counted.
    """
    answer: Future[A] = Future()

    def carry_out() -> None:
        try:
            answer.set_result(work())
        except Exception as error:  # noqa: BLE001  # handed to the thread that waits
            answer.set_exception(error)

    thread = Thread(target=carry_out, name="push", daemon=True)
    thread.start()
    try:
        while not wait([answer], timeout=_TICK_SECONDS).done:
            again = ", once more since the connection broke off" if sent.is_again else ""
            yield Progress(min(sent.bytes, size), size, doing + again)
    finally:
        if not answer.done():
            sent.stop()
            # What it has asked for is answered first: the next request would be made by whatever client there is then.
            thread.join()
    return answer.result()
