"""Fetch a backbone from the Hugging Face Hub, and give up within seconds where it cannot be reached."""

from __future__ import annotations

from pathlib import Path

from emotion.errors import BackboneError
from emotion.hub import ANSWER_SECONDS, ask, client, first_line

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
