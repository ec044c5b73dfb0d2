"""A file on the Hub of which parts are read, as if it lay here. Keeps nothing of it."""

from __future__ import annotations

import io
from typing import Any

from emotion.hub import client

_STALL_SECONDS = 15.0


class Remote(io.RawIOBase):
    """A file of ``size`` bytes behind an address, read by ranges.

    Raises:
        OSError, httpx.HTTPError: from every reading, where the network fails or the Hub does not give it.
    """

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read as many bytes as the buffer holds, fewer at the end only."""
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        http = client()
        headers = {**http.build_hf_headers(), "Range": f"bytes={self._at}-{self._at + wanted - 1}"}
        got = 0
        with http.http_stream_backoff(
            "GET", self._url, max_retries=1, headers=headers, timeout=_STALL_SECONDS
        ) as answer:
            http.hf_raise_for_status(answer)
            if answer.status_code != 206:
                raise OSError("it gives no parts of files")
            for chunk in answer.iter_bytes():
                part = chunk[: wanted - got]
                buffer[got : got + len(part)] = part
                got += len(part)
        if got != wanted:
            raise OSError("the connection was cut")
        self._at += got
        return got
