"""Freed memory stays at hand where the C library can be told to keep it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Takes 20 MB and gives them back, again and again; prints how often the system had to hand out a page for it.
SCRIPT = """
import ctypes, resource, sys
from emotion.allocator import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == "keep" else None
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def take():
    place = libc.malloc(20_000_000)
    other = libc.malloc(1_000)
    ctypes.memset(place, 1, 20_000_000)
    libc.free(other)
    libc.free(place)
take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    take()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, kept)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="Only glibc can be told to keep memory.")
def test_freed_memory_is_taken_again_without_asking_the_system() -> None:
    def faults(how: str) -> tuple[int, str]:
        command = [sys.executable, "-c", SCRIPT, how]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return int(said[0]), said[1]

    kept, said = faults("keep")
    assert said == "True"
    assert 10 * kept < faults("leave")[0]
