"""The memory of a tree of processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotion.bench.memory import pss_of_tree

HELD = 60_000_000
CHILD = f"held = bytearray({HELD}); print('ready', flush=True); input()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=sys.stdin)
child.wait()
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="This system has no /proc/*/smaps_rollup."
)


@pytest.fixture
def family() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        yield parent
        parent.communicate("\n", timeout=20)


def test_the_sum_counts_a_child(family: subprocess.Popen[str]) -> None:
    tree = pss_of_tree(family.pid)
    assert len(tree) == 2
    assert tree[family.pid] < HELD < sum(tree.values()) < 2 * HELD


def test_a_process_that_is_gone_counts_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert pss_of_tree(gone.pid) == {}
