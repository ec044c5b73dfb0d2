"""The Hub's client while something is sent: silent, within timeouts, its bytes counted. Knows nothing of what is sent.

The client takes its settings from the whole process, so that one thing at a time is sent in each.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# The HTTP library of huggingface_hub, which brings it.
import httpx2
from huggingface_hub import constants
from huggingface_hub.utils import logging
from huggingface_hub.utils._http import default_client_factory, parse_ratelimit_headers, set_client_factory
from huggingface_hub.utils.tqdm import disable_progress_bars

# A commit of large files takes the Hub a while; what stands still for longer than this is broken.
_STALL_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
_SETTINGS = {
    # Its chunks go past this client: nothing would count them, and their storage is not of every Hub. Without it files
    # go by HTTP, and one commit holds them all.
    "HF_HUB_DISABLE_XET": True,
    # It would ask the Hub for a list of programs to name in each request, and keep it in the home folder.
    "HF_HUB_DISABLE_TELEMETRY": True,
    # A server's own token has no part in what a visitor sends.
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": True,
}


class StoppedError(Exception):
    """Nobody waits for it any more."""


class RateLimitedError(Exception):
    """The Hub wants no more requests for so many ``seconds``; None where it does not say for how long."""

    def __init__(self, seconds: int | None) -> None:
        super().__init__(seconds)
        self.seconds = seconds


# What the client raises where the Hub, the network or a file is to blame.
CLIENT_ERRORS = (RateLimitedError, httpx2.HTTPError, OSError, ValueError, RuntimeError)


class Sending:
    """Counts what goes out, and can stop it."""

    def __init__(self) -> None:
        self._sent: dict[str, int] = {}
        self._is_stopped = False
        self.is_again = False

    @property
    def bytes(self) -> int:
        """How many bytes of files are sent; those of a try that failed do not count."""
        return sum(self._sent.values())

    def stop(self) -> None:
        """Let nothing more go out."""
        self._is_stopped = True

    def begin(self, url: str) -> None:
        """Count a file from its start, which is another try where it was begun before."""
        self.is_again = url in self._sent
        self._sent[url] = 0

    def count(self, url: str, size: int) -> None:
        """Count some bytes of a file.

        Raises:
            StoppedError: nothing more is to go out.
        """
        self.require_going()
        self._sent[url] += size

    def require_going(self) -> None:
        """Let pass what goes out before it is stopped.

        Raises:
            StoppedError: it is.
        """
        if self._is_stopped:
            raise StoppedError

    def client(self) -> httpx2.Client:
        """Return a client as the Hub's own, which counts, and gives up."""
        client = default_client_factory()
        client.timeout = httpx2.Timeout(_STALL_SECONDS, connect=_CONNECT_SECONDS)
        hooks = client.event_hooks
        client.event_hooks = {
            "request": [*hooks["request"], self._before_request],
            "response": [*hooks["response"], _refuse_to_wait],
        }
        return client

    def _before_request(self, request: httpx2.Request) -> None:
        self.require_going()
        if request.method == "PUT" and isinstance(request.stream, httpx2.SyncByteStream):
            request.stream = _Counted(request.stream, str(request.url), self)


class _Counted(httpx2.SyncByteStream):
    """What is sent to an address, counted as it goes."""

    def __init__(self, stream: httpx2.SyncByteStream, url: str, sending: Sending) -> None:
        self._stream, self._url, self._sending = stream, url, sending

    def __iter__(self) -> Iterator[bytes]:
        self._sending.begin(self._url)
        for chunk in self._stream:
            yield chunk
            self._sending.count(self._url, len(chunk))

    def close(self) -> None:
        """Close what is read from."""
        self._stream.close()


@contextmanager
def sending() -> Iterator[Sending]:
    """Let the Hub's client count and be silent, and put everything back afterwards."""
    before = {name: getattr(constants, name) for name in _SETTINGS}
    verbosity, sent = logging.get_verbosity(), Sending()
    # What it warns of is told as a sentence, where it is the end of the matter, and is nobody's business otherwise.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, value in _SETTINGS.items():
            setattr(constants, name, value)
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        set_client_factory(sent.client)
        try:
            with disable_progress_bars():
                yield sent
        finally:
            set_client_factory(default_client_factory)
            logging.set_verbosity(verbosity)
            for name, value in before.items():
                setattr(constants, name, value)


def _refuse_to_wait(response: httpx2.Response) -> None:
    """Say at once what the client would sleep on, for minutes and five times over."""
    if response.status_code == 429:
        limit, after = parse_ratelimit_headers(response.headers), response.headers.get("Retry-After", "")
        raise RateLimitedError(limit.reset_in_seconds if limit else int(after) if after.isdecimal() else None)
