"""A data set's repository on the Hub: its files by name and size, read in parts, or downloaded within limits.

Everything lies in a folder of its own among the temporary ones, which is deleted at the end: pictures of people are not
left behind in a cache that nobody thinks of. The files' names are there from the start, without content, so that the
readers of datasets can find out how it is laid out, and never go to the network themselves. The token, for those data
sets that need one, is found by the Hub's client (``HF_TOKEN``, or ``hf auth login``); it is not kept here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from emotion.errors import PictureError
from emotion.hub import ANSWER_SECONDS, ask, client, first_line
from emotion.job import Progress
from emotion.sets.hub.remote import Remote
from emotion.sets.limits import Limits
from emotion.sets.naming import shown
from emotion.sets.refusals import refuse_full, refuse_late
from emotion.words import megabytes

# A listing of many files comes in many pages.
_LISTING_SECONDS = 60.0
_STALL_SECONDS = 15.0
_TICK_SECONDS = 0.2
_AT_ONCE = 4
_CHUNK = 1 << 20
# What says how a data set is laid out, rather than being a part of it.
_CARDS = ("README.md", "dataset_infos.json")
_CARD_BYTES = 10_000_000


class Repository:
    """A data set on the Hub, at one commit.

    Raises:
        PictureError: the Hub cannot be reached, does not have it or does not give it, or it has too many files.
    """

    far = True
    only = ""

    def __init__(self, name: str, *, commit: str, limits: Limits) -> None:
        from huggingface_hub import HfApi

        # Each failed try would be printed. The last one is raised, and becomes one sentence.
        logging.getLogger("huggingface_hub.utils._http").setLevel(logging.ERROR)
        self.title = name
        with refusing(name):
            info = ask(lambda: HfApi().dataset_info(name, revision=commit or None, timeout=ANSWER_SECONDS))
            self.commit = info.sha or commit
            listed = ask(lambda: list(self._listed(limits)), seconds=_LISTING_SECONDS)
        self._files = {file: (size, sha256) for file, size, sha256 in listed}
        self._got: dict[str, int] = {}
        self._whole: set[str] = set()
        self._within = Path(tempfile.mkdtemp(prefix="emotion-data-set-")).resolve()
        # Named as the repository is: a script of that name is how the readers know a data set that wants to run one.
        self.folder = self._within / name.rpartition("/")[2]
        try:
            self._lay_out(limits)
        except BaseException:
            self.close()
            raise

    def size(self, file: str) -> int:
        """Return how many bytes a file has, as the Hub says."""
        return self._files[file][0]

    def opened(self, file: str) -> IO[bytes]:
        """Open a file of which parts are read over the network."""
        if file in self._whole:
            return (self.folder / file).open("rb")
        return cast(IO[bytes], Remote(self._url(file), self.size(file)))

    def fetch(self, files: Sequence[str], *, limits: Limits, deadline: float) -> Generator[Progress, None, None]:
        """Download these files, a few at once; to close the generator is to stop.

        Raises:
            PictureError: the Hub does not give them, they are larger than the limit, there is no room, or it takes
                longer than the limit.
        """
        missing = [file for file in files if file not in self._whole]
        total = sum(self.size(file) for file in missing)
        if total > limits.bytes:
            raise PictureError(
                f"{self.title} is a download of {megabytes(total)}: the limit is {megabytes(limits.bytes)} a set."
            )
        refuse_full(self._within, total)
        stop = threading.Event()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = {pool.submit(self._download, file, stop) for file in missing}
            try:
                while waiting:
                    done, waiting = wait(waiting, timeout=_TICK_SECONDS, return_when=FIRST_EXCEPTION)
                    for each in done:
                        each.result()
                    got = sum(self._got.get(file, 0) for file in missing)
                    yield Progress(got, total, f"downloading {megabytes(total)}")
                    refuse_late(deadline, limits)
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)

    def spent(self, file: str) -> None:
        """Delete a file's content."""
        (self.folder / file).write_bytes(b"")
        self._whole.discard(file)

    def close(self) -> None:
        """Delete everything that was fetched."""
        shutil.rmtree(self._within, ignore_errors=True)

    def _listed(self, limits: Limits) -> Iterator[tuple[str, int, str]]:
        """Yield each file's name, size in bytes, and its SHA-256 where the Hub knows it."""
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile

        tree = HfApi().list_repo_tree(self.title, recursive=True, revision=self.commit, repo_type="dataset")
        for count, each in enumerate(tree, 1):
            if count > limits.files:
                raise PictureError(f"{self.title} holds too many files: the limit is {limits.files:,}.")
            if isinstance(each, RepoFile) and _is_plain(each.path):
                yield each.path, each.size, each.lfs.sha256 if each.lfs else ""

    def _lay_out(self, limits: Limits) -> None:
        try:
            for file in self._files:
                path = self.folder / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        except OSError as error:
            raise PictureError(
                f"The files of {self.title} cannot be laid out in {self._within} ({error.strerror}): make room there."
            ) from error
        stop = threading.Event()
        for card in _CARDS:
            if card not in self._files:
                continue
            if self.size(card) > _CARD_BYTES:
                raise PictureError(f"{self.title} has a {card} of {megabytes(self.size(card))}: that is not read.")
            with refusing(self.title):
                ask(lambda card=card: self._download(card, stop), seconds=_STALL_SECONDS)  # type: ignore[misc]

    def _url(self, file: str) -> str:
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.title, file, repo_type="dataset", revision=self.commit)

    def _download(self, file: str, stop: threading.Event) -> None:
        """Download one file whole, of exactly the size and content that the Hub has announced.

        Raises:
            PictureError: it cannot be had.
        """
        http = client()
        size, sha256 = self._files[file]
        url = self._url(file)
        digest = hashlib.sha256()
        got = 0
        with (
            refusing(self.title),
            http.http_stream_backoff(
                "GET", url, max_retries=2, headers=http.build_hf_headers(), timeout=_STALL_SECONDS
            ) as answer,
            (self.folder / file).open("wb") as kept,
        ):
            http.hf_raise_for_status(answer)
            for chunk in answer.iter_bytes(_CHUNK):
                got += len(chunk)
                if stop.is_set() or got > size:
                    break
                kept.write(chunk)
                digest.update(chunk)
                self._got[file] = got
        if stop.is_set():
            return
        if got != size or sha256 not in ("", digest.hexdigest()):
            raise PictureError(f"{self.title} came damaged ({shown(file)}): try again.")
        self._whole.add(file)


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn what the Hub's client raises into one sentence.

    Raises:
        PictureError: in place of it.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        yield
    except PictureError:
        raise
    except (HfHubHTTPError, client().httpx.HTTPError, json.JSONDecodeError, OSError) as error:
        # The file system of the Hub wraps what it met.
        met = list(_chain(error))
        if any(isinstance(each, GatedRepoError) for each in met):
            raise PictureError(
                f"{name} is gated: ask for access on its page and log in with `hf auth login`, or set HF_TOKEN."
            ) from error
        if any(isinstance(each, RepositoryNotFoundError) for each in met):
            raise PictureError(
                f"The Hub at {constants.ENDPOINT} has no data set {name}, or it is private: check its name, or log in "
                "with `hf auth login`."
            ) from error
        status = next((each.response.status_code for each in met if isinstance(each, HfHubHTTPError)), 0)
        if status in (401, 403):
            raise PictureError(
                f"The Hub at {constants.ENDPOINT} does not give {name} ({first_line(error)}): log in with "
                "`hf auth login` as someone who may read it."
            ) from error
        if isinstance(error, OSError) and error.strerror and error.filename:
            raise PictureError(f"{name} cannot be kept ({error.strerror}): make room for it.") from error
        raise PictureError(
            f"{name} cannot be read from the Hub at {constants.ENDPOINT} ({first_line(error)}): connect to the network "
            "and try again, or import a zip, a folder or a Parquet file."
        ) from error


def _chain(error: BaseException | None) -> Iterator[Any]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_plain(file: str) -> bool:
    """Whether a file's name stays in its folder, and is none of a system's."""
    parts = PurePosixPath(file).parts
    return (
        bool(parts)
        and not file.startswith("/")
        and "\\" not in file
        and file.isprintable()
        and not any(part.startswith(".") for part in parts)
    )
