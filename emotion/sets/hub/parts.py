"""How a data set is laid out: its configurations, its splits, and the files of each. Opens no file but its card."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from emotion.errors import PictureError
from emotion.sets.hub.places import Place
from emotion.sets.hub.plain import plainly
from emotion.sets.naming import shown

_CARD = "README.md"
_ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".rar", ".7z"}
_WAY_OUT = "download it, and import the zip, or the folder that it holds."


@dataclass(frozen=True)
class Parts:
    """One configuration of a data set.

    ``kind`` is how its files are read; ``files`` are those of each split; ``features`` are the types of its columns and
    ``rows`` the number of rows of each split, as far as its card says; ``builder`` is the reader of datasets.
    """

    kind: str
    configs: tuple[str, ...]
    config: str
    files: Mapping[str, tuple[str, ...]]
    features: Mapping[str, Any]
    rows: Mapping[str, int]
    builder: Any = None


def find_parts(place: Place, *, config: str = "", scratch: Path) -> Parts:
    """Return a data set's layout as the readers of datasets find it by its card and the names of its files.

    Without ``config``, it is the one that its card calls the default, else the first. Readers write into ``scratch``.

    Raises:
        PictureError: it cannot be read, has no such configuration, wants to run a script, or keeps its pictures in a
            way that is not read; its card points out of it.
    """
    if place.only:
        _refuse_config(place, config, ["default"])
        return Parts("parquet", ("default",), "default", {"train": (place.only,)}, {}, {})
    _refuse_card(place)
    import datasets

    folder = str(place.folder)
    with plainly(place):
        try:
            configs = datasets.get_dataset_config_names(folder)
            _refuse_config(place, config, configs)
            chosen = config or datasets.get_dataset_default_config_name(folder) or configs[0]
            builder = datasets.load_dataset_builder(folder, name=chosen, cache_dir=str(scratch))
        except (FileNotFoundError, zipfile.BadZipFile) as error:
            raise _nothing_to_read(place) from error
    kind = type(builder).__module__.rpartition(".")[2]
    files = {str(split): _within(place, listed) for split, listed in (builder.config.data_files or {}).items()}
    every = [file for listed in files.values() for file in listed]
    if kind not in ("parquet", "imagefolder") or not every:
        raise _nothing_to_read(place)
    if any(_is_archive(file) for file in every):
        raise PictureError(f"{place.title} keeps its pictures in archives, which are not opened: {_WAY_OUT}")
    rows = {str(split): info.num_examples for split, info in (builder.info.splits or {}).items()}
    return Parts(kind, tuple(configs), chosen, files, dict(builder.info.features or {}), rows, builder)


def _refuse_config(place: Place, config: str, configs: Sequence[str]) -> None:
    if config and config not in configs:
        raise PictureError(
            f"{place.title} has no configuration {shown(config)!r}: choose one of "
            f"{', '.join(shown(each) for each in configs)}."
        )


def _within(place: Place, listed: list[str]) -> tuple[str, ...]:
    """Return the relative names of files, none of which may lie outside."""
    found = []
    for file in listed:
        path = Path(file)
        if "://" in file or not path.is_relative_to(place.folder) or ".." in path.parts:
            raise _points_out(place, file)
        found.append(path.relative_to(place.folder).as_posix())
    return tuple(found)


def _refuse_card(place: Place) -> None:
    """Refuse a card that names files elsewhere before a reader looks for them: on this machine, or anywhere."""
    from huggingface_hub import metadata_load

    with plainly(place):
        card = place.folder / _CARD
        content = (metadata_load(card) or {}) if card.is_file() else {}
    for text in _texts(content.get("configs")):
        if "://" in text or "::" in text or text.startswith(("/", "~")) or ".." in PurePosixPath(text).parts:
            raise _points_out(place, text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _points_out(place: Place, file: str) -> PictureError:
    return PictureError(f"{place.title} names {shown(file)!r}, which lies outside of it: it is not safe to import.")


def _nothing_to_read(place: Place) -> PictureError:
    names = [path.name for path in place.folder.rglob("*") if path.is_file()]
    if any(_is_archive(name) for name in names):
        return PictureError(f"{place.title} keeps its pictures in archives, which are not opened: {_WAY_OUT}")
    return PictureError(
        f"{place.title} holds no pictures that can be read: choose a data set of Parquet files or of picture files."
    )


def _is_archive(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _ARCHIVES
