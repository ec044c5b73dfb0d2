"""Ask the Hugging Face Hub, fetch a backbone from it, and give up within seconds where it cannot be reached."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from emotion.core.errors import BackboneError

FILES = ["config.json", "preprocessor_config.json", "model.safetensors"]


def is_cached(name: str) -> bool:
    """Return whether the files of a Hub id lie in the local Hub cache."""
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(name, file), str) for file in FILES)


def fetch(name: str) -> tuple[Path, str]:
    """Return the folder with a Hub id's files and its commit: from the local cache, else downloaded.

    Raises:
        BackboneError: the Hub cannot be reached, or has no such model.
    """
    from huggingface_hub import snapshot_download

    if not is_cached(name):
        _require_answer(name)
        folder = Path(_download(name))
    else:
        folder = Path(snapshot_download(name, allow_patterns=FILES, local_files_only=True))
    return folder, folder.name


def _download(name: str) -> str:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        # By name and not by commit: only then the cache notes which commit the name stands for, and serves it offline.
        return snapshot_download(name, allow_patterns=FILES, etag_timeout=ANSWER_SECONDS)
    except (HfHubHTTPError, client().httpx.HTTPError, OSError) as error:
        raise BackboneError(
            f"{name} could not be downloaded ({first_line(error)}): try again, or choose a backbone that is here "
            "(`python -m emotion backbones` lists them)."
        ) from error


def _require_answer(name: str) -> None:
    """Ask the Hub whether it has the model."""
    from huggingface_hub import HfApi

    try:
        ask(lambda: HfApi().model_info(name, timeout=ANSWER_SECONDS))
    except Exception as error:
        raise _refusal(name, error) from error


def _refusal(name: str, error: Exception) -> BackboneError:
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return BackboneError(f"{name} is gated: ask for access on its page and log in with `hf auth login`.")
    if isinstance(error, RepositoryNotFoundError):
        return BackboneError(f"The Hub at {constants.ENDPOINT} has no model {name}: check its name.")
    return BackboneError(
        f"{name} is not on this machine, and the Hub at {constants.ENDPOINT} cannot be reached "
        f"({first_line(error)}): connect to the network, give a local folder, or choose the bundled dinov2-small."
    )


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
