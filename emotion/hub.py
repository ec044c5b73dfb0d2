"""Ask the Hugging Face Hub one thing, and give up within seconds. Knows nothing of what is asked for."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

# Everything that is asked before a download itself has to be answered in this time.
ANSWER_SECONDS = 3.5
Answer = TypeVar("Answer")


def ignore_unusable_proxies() -> None:
    """Take proxies out of the environment that the Hub's client cannot use: it ends every program that imports it."""
    for name in list(os.environ):
        scheme = os.environ[name].partition("://")[0].lower()
        is_proxy = name.lower() in ("http_proxy", "https_proxy", "all_proxy")
        usable = ("http", "https", *(("socks5", "socks5h") if find_spec("socksio") else ()))
        if is_proxy and "://" in os.environ[name] and scheme not in usable:
            print(f"{name} is ignored: a {scheme} proxy needs a package that is not here.", file=sys.stderr)
            del os.environ[name]


def is_hub_id(name: str) -> bool:
    """Return whether ``name`` has the form of a Hub id, ``owner/name``."""
    return re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", name) is not None and ".." not in name


def ask(question: Callable[[], Answer], *, seconds: float = ANSWER_SECONDS) -> Answer:
    """Return the answer to a question that goes over the network.

    A thread asks, because looking up a host's address may take longer than any timeout of the client.

    Raises:
        TimeoutError: there is none in time.
        Exception: whatever the question raises.
    """
    answers: list[Answer] = []
    errors: list[Exception] = []

    def put() -> None:
        try:
            answers.append(question())
        except Exception as error:  # noqa: BLE001  # handed to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError("no answer in time")
    return answers[0]


def client() -> Any:
    """Return the part of the Hub's client that speaks HTTP: ``httpx`` of its own, with its errors, headers, streams."""
    from huggingface_hub import utils

    return utils


def first_line(error: BaseException) -> str:
    """Return what an error says first, short enough for a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__
