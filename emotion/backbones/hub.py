"""Fetch backbones from the Hugging Face Hub, with a timeout of seconds where it cannot be reached."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from emotion.core.errors import BackboneError

FILES = ["config.json", "preprocessor_config.json", "model.safetensors"]
# The time in seconds in which the Hub must answer all requests before the download.
ANSWER_SECONDS = 3.5
Answer = TypeVar("Answer")


def is_cached(name: str) -> bool:
    """Return whether the files of a Hub id are in the local Hub cache."""
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(name, file), str) for file in FILES)


def fetch(name: str) -> Path:
    """Return the folder with a Hub id's files, named after its commit: from the local cache, else downloaded.
    Raises BackboneError where the Hub cannot be reached, or has no such model.
    """
    from huggingface_hub import HfApi, constants, snapshot_download
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        is_here = is_cached(name)
        if not is_here:
            ask(lambda: HfApi().model_info(name, timeout=ANSWER_SECONDS))
        # By name, not commit: only then does the cache record the name's commit, and serve it offline.
        return Path(snapshot_download(name, allow_patterns=FILES, local_files_only=is_here))
    except GatedRepoError as error:
        raise BackboneError(f"{name} is gated: ask for access on its page and log in with `hf auth login`.") from error
    except RepositoryNotFoundError as error:
        raise BackboneError(f"The Hub at {constants.ENDPOINT} has no model {name}: check its name.") from error
    except Exception as error:
        raise BackboneError(
            f"{name} is not on this machine, and the Hub at {constants.ENDPOINT} does not give it "
            f"({first_line(error)}): connect to the network, give a local folder, or choose the bundled dinov2-small."
        ) from error


def ignore_unusable_proxies() -> None:
    """Remove proxies that the Hub's client cannot use from the environment: importing it would fail."""
    usable = ("http", "https", *(("socks5", "socks5h") if find_spec("socksio") else ()))
    for name in [each for each in os.environ if each.lower() in ("http_proxy", "https_proxy", "all_proxy")]:
        scheme, sign, _ = os.environ[name].lower().partition("://")
        if sign and scheme not in usable:
            print(f"{name} is ignored: a {scheme} proxy needs a package that is not here.", file=sys.stderr)
            del os.environ[name]


def is_hub_id(name: str) -> bool:
    """Return whether ``name`` has the form of a Hub id, ``owner/name``."""
    return re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", name) is not None and ".." not in name


def ask(question: Callable[[], Answer], *, seconds: float = ANSWER_SECONDS) -> Answer:
    """Return the answer to a question sent over the network.

    It runs in a daemon thread, because resolving a host's address may take longer than any timeout of the client.
    Raises TimeoutError where there is no answer in time, else any error of the question.
    """
    answer: Future[Answer] = Future()

    def put() -> None:
        try:
            answer.set_result(question())
        except Exception as error:  # noqa: BLE001  # passed to the waiting thread
            answer.set_exception(error)

    threading.Thread(target=put, daemon=True).start()
    return answer.result(seconds)


def client() -> Any:
    """Return the module that holds the Hub client's ``httpx``, errors, headers and streams."""
    from huggingface_hub import utils

    return utils


def first_line(error: BaseException) -> str:
    """Return the first line of an error, shortened for a sentence."""
    first, *_ = [*str(error).strip().splitlines(), type(error).__name__]
    return first.rstrip(".")[:160]
