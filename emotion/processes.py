"""Start child processes: forked from one that has imported everything, and ended with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

PRELOAD = "emotion.training.preload"
# The forkserver forks children from a process that has imported everything; Windows has no fork.
if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")


def start_process(target: Any, *arguments: Any) -> BaseProcess:
    """Start a child that ends with this process, forked from one that has imported ``PRELOAD``."""
    if CONTEXT.get_start_method() == "forkserver":
        CONTEXT.set_forkserver_preload([PRELOAD])
    process = CONTEXT.Process(target=_guarded, args=(target, *arguments))
    process.start()
    return process


def _guarded(target: Any, *arguments: Any) -> None:
    # Ctrl+C in the server's terminal reaches its children too: the server ends them, in its order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    target(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
