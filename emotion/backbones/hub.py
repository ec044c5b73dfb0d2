"""Fetch a backbone from the Hugging Face Hub, and give up within seconds where it cannot be reached."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from emotion.errors import BackboneError

FILES = ["config.json", "preprocessor_config.json", "model.safetensors"]
# Everything that is asked before the weights themselves has to be answered in this time.
ANSWER_SECONDS = 3.5


def is_hub_id(name: str) -> bool:
    """Return whether ``name`` has the form of a Hub id, ``owner/name``."""
    return re.fullmatch(r"[\w.-]{1,96}/[\w.-]{1,96}", name) is not None and ".." not in name


def is_cached(name: str) -> bool:
    """Return whether the files of a Hub id lie in the local Hub cache."""
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(name, file), str) for file in FILES)


def cached_config(name: str) -> Path:
    """Return the ``config.json`` of a Hub id in the local Hub cache, or a path where nothing is."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json") if is_hub_id(name) else None
    return Path(found) if isinstance(found, str) else Path("not-here")


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
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        # By name and not by commit: only then the cache notes which commit the name stands for, and serves it offline.
        return snapshot_download(name, allow_patterns=FILES, etag_timeout=ANSWER_SECONDS)
    except (HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise BackboneError(
            f"{name} could not be downloaded ({_first_line(error)}): try again, or choose a backbone that is here "
            "(`python -m emotion backbones` lists them)."
        ) from error


def _require_answer(name: str) -> None:
    """Ask the Hub whether it has the model.

    A thread asks, because looking up a host's address may take longer than any timeout of the client.
    """
    answer: list[Exception | None] = []
    thread = threading.Thread(target=lambda: answer.append(_error_or_none(name)), daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if answer != [None]:
        raise _refusal(name, answer[0] if answer else None)


def _error_or_none(name: str) -> Exception | None:
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(name, timeout=ANSWER_SECONDS)
    except Exception as error:  # noqa: BLE001  # handed to the thread that waits
        return error
    return None


def _refusal(name: str, error: Exception | None) -> BackboneError:
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return BackboneError(f"{name} is gated: ask for access on its page and log in with `hf auth login`.")
    if isinstance(error, RepositoryNotFoundError):
        return BackboneError(f"The Hub at {constants.ENDPOINT} has no model {name}: check its name.")
    reason = "no answer in time" if error is None else _first_line(error)
    return BackboneError(
        f"{name} is not on this machine, and the Hub at {constants.ENDPOINT} cannot be reached ({reason}): connect to "
        "the network, give a local folder, or choose the bundled dinov2-small."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".")[:160] if lines else type(error).__name__
