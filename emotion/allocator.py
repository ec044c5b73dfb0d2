"""How the C library keeps memory that is given back. Knows nothing of what it is used for."""

from __future__ import annotations

import ctypes
import sys

# mallopt(3): the first is the greatest that glibc takes, the second what stays at hand of freed memory.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MMAP_BYTES, _TRIM_BYTES = 32 * 2**20, 256 * 2**20


def keep_freed_memory() -> bool:
    """Let glibc keep up to 256 MB that are freed, for this process and those forked from it; return whether it does.

    A batch's activations come and go in every block. Given back to the system each time, they are zeroed page by page
    when the next block asks for them: a twelfth of a look at the pictures. Without glibc nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES) and mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES))
