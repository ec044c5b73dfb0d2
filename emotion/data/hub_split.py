"""One split of a data set on the Hub, or in its layout: found by ``datasets``, read in parts. Runs no foreign code.

Empty files with the names of its files are laid out in a temporary folder, so that ``datasets`` never uses the network.
Parquet is read by row groups over ``HfFileSystem``. Nothing is left in a cache.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from emotion.backbones.hub import ANSWER_SECONDS, ask, first_line, is_hub_id
from emotion.core.errors import EmotionError, PictureError
from emotion.core.format import megabytes
from emotion.data.classes import label_text
from emotion.data.limits import MAX_BYTES, Limits
from emotion.data.names import PARQUET, PICTURE_SUFFIXES, plain_text, refuse_other, shown

_LONGEST_LABEL = 1000
MAX_LABELS = 200  # A column with more values does not hold labels.
_FAR_FILES = 16  # The most files of a split that are read over the network.
_BUFFER, _BESIDE_BYTES = 2 << 20, 20_000_000
_AT_ONCE = 4
_READ_WHOLE = ("README.md", "dataset_infos.json", "metadata.csv", "metadata.jsonl", "metadata.parquet")
_LABELS = re.compile(r"(dictionary<values=)?(large_)?string|bool|u?int\d|float|halffloat|double")
# Names that lead out of the folder, of system files and of pipes.
_ODD_NAME = re.compile(r"^/|\\|::|://|(^|/)\.|[\0-\x1f\x7f]")
# The first bytes of JPEG, PNG, WebP, BMP, GIF and TIFF, and after four bytes those of HEIC and AVIF.
_PICTURES = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n|RIFF|BM|GIF8|II\*\0|MM\0\*|....ftyp", re.DOTALL)
# A Parquet file, and the number of a row group in it.
Group = tuple[Any, int]
# The number of a row, its picture, and the name of its picture; both may be missing.
Cell = tuple[int, bytes | None, str]


class HubSplit:
    """One split of a data set: row groups in Parquet files, one of which may be a list of picture files.

    ``types`` are the columns' Arrow types, ``names`` the classes of those declared as labels, ``images`` those declared
    as pictures. ``beside`` are the files that a list of pictures may name, by the paths in it.
    """

    def __init__(self, path: Path, title: str, *, is_far: bool, commit: str, limits: Limits) -> None:
        import fsspec  # type: ignore[import-untyped]
        from huggingface_hub import HfApi, HfFileSystem

        self.title, self.is_far, self.commit = title, is_far, ""
        self._files, root = fsspec.filesystem("file"), path.as_posix()
        if is_far:
            # Each failed try would be logged. The last error is raised, and becomes one sentence.
            logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
            info = ask(lambda: HfApi().dataset_info(title, revision=commit or None, timeout=ANSWER_SECONDS))
            self.commit = info.sha or commit
            # Reads one byte more than requested; the default is five million.
            self._files = HfFileSystem(block_size=1, skip_instance_cache=True)
            root = f"datasets/{title}@{self.commit}"
        listed = self._files.find(root, detail=True)
        limits.check(title, files=len(listed))
        names = {each: "train.parquet" if each == root else each.removeprefix(f"{root}/") for each in listed}
        plain = [each for each in listed if listed[each]["type"] == "file" and not _ODD_NAME.search(names[each])]
        self._paths = {names[each]: each for each in plain}
        self.sizes = {names[each]: int(listed[each]["size"]) for each in plain}

    def lay_out(self, folder: Path) -> None:
        """Create files with these names in a folder, empty ones except for cards and lists."""
        import yaml
        from huggingface_hub import metadata_load

        for name, size in self.sizes.items():
            is_read = PurePosixPath(name).name in _READ_WHOLE
            if is_read and size > _BESIDE_BYTES:
                raise PictureError(f"{self.title} has a {shown(name)} of {megabytes(size)}: that is not read.")
            if is_read or PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES | {PARQUET, ".py"}:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(self.content(name) if is_read else b"")
        if not (card := folder / "README.md").is_file():
            return
        text = card.read_text(encoding="utf-8", errors="replace")
        head = text.partition("\n---")[0] if text.startswith("---") else ""
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(head)):
            raise PictureError(f"{self.title} has a README.md whose head names parts of itself: that is not read.")
        configs = json.dumps((metadata_load(card) or {}).get("configs"), default=str)
        if outside := re.search(r'"([/~][^"]*|[^"]*(://|::|\.\.)[^"]*)"', configs):
            raise PictureError(
                f"{self.title} names {shown(outside[1])!r}, which lies outside of it: it is not safe to import."
            )

    def find(self, folder: Path, config: str, split: str) -> None:
        """Find a split among the files laid out in a folder, and open its files."""
        import datasets
        import pyarrow.dataset as arrow
        import pyarrow.parquet

        datasets.disable_progress_bars()
        datasets.logging.set_verbosity(logging.CRITICAL)
        try:
            self.configs = tuple(datasets.get_dataset_config_names(str(folder)))
            refuse_other(config, self.configs, f"{self.title} has no configuration")
            self.config = config or datasets.get_dataset_default_config_name(str(folder)) or self.configs[0]
            builder = datasets.load_dataset_builder(str(folder), name=self.config, cache_dir=f"{folder}-cache")
            kind, found = type(builder).__module__.rpartition(".")[2], builder.config.data_files or {}
        except FileNotFoundError:
            kind, found = "", {}
        splits = {
            str(each): [Path(file).relative_to(folder).as_posix() for file in files]
            for each, files in found.items()
            if files
        }
        if kind not in ("parquet", "imagefolder") or not splits:
            raise PictureError(
                f"{self.title} holds no pictures that can be read, as files or in Parquet (archives are not opened): "
                "choose another one, or download it and import the zip or the folder that it holds."
            )
        refuse_other(split, splits, f"{self.title} has no split")
        self.split = split or ("train" if "train" in splits else next(iter(splits)))
        self.bytes = sum(self.sizes[name] for name in splits[self.split])
        self.beside = {str(folder / name): name for name in splits[self.split] if kind == "imagefolder"}
        self.is_near = not self.is_far or bool(self.beside) or len(splits[self.split]) <= _FAR_FILES
        self.rows = {each: getattr((builder.info.splits or {}).get(each), "num_examples", None) for each in splits}
        features = builder.info.features or {}
        if self.beside:
            builder.config.data_files = datasets.data_files.DataFilesDict({self.split: found[self.split]})
            builder.download_and_prepare(verification_mode="no_checks")
            listed = builder.as_dataset(split=self.split)
            features, self.rows[self.split] = listed.features, len(listed)
            pyarrow.parquet.write_table(listed.data.table, f"{folder}.list")
            self._dataset = arrow.dataset(f"{folder}.list", format="parquet")
        else:
            for each in [self.split] if self.is_far else sorted(splits, key=lambda each: each == self.split):
                paths = [self._paths[name] for name in splits[each]]
                self._dataset = arrow.dataset(paths, filesystem=self._files, format="parquet")
                self.rows[each] = self._dataset.count_rows() if self.is_near else self.rows[each]
        self.types = {each.name: each.type for each in self._dataset.schema}
        if b"huggingface" in (self._dataset.schema.metadata or {}):
            features = datasets.Features.from_arrow_schema(self._dataset.schema) | features
        declared = {name: each for name, each in features.items() if name in self.types}
        self.images = {name for name, each in declared.items() if isinstance(each, datasets.Image)}
        self.names = {name: each.names for name, each in declared.items() if isinstance(each, datasets.ClassLabel)}

    def content(self, name: str) -> bytes:
        with self._files.open(self._paths[name]) as opened:
            return bytes(opened.read(min(self.sizes[name], MAX_BYTES + 1)))  # An import skips larger files.

    def groups(self) -> Iterator[tuple[int, int, Group]]:
        """Yield the row groups in order, as (first row, end row, group); parts of a group can be read."""
        from pyarrow.parquet import ParquetFile

        ends = 0
        # With a buffer, one row of a large group is read without the rest, which Arrow's scanner would read ahead.
        how = {"buffer_size": _BUFFER, "pre_buffer": False}
        for fragment in self._dataset.get_fragments():
            with fragment.open() as raw, ParquetFile(raw, metadata=fragment.metadata, **how) as file:
                for number in range(file.num_row_groups):
                    start, ends = ends, ends + file.metadata.row_group(number).num_rows
                    yield start, ends, (file, number)

    def labels(self, group: Group, column: str) -> list[str]:
        """Return the label of each row of a group; empty where there is none."""
        values = list[Any]()
        for batch in _batches(group, column, 256):
            values += batch.column(0).to_pylist()
            if any(isinstance(each, str) and len(each) > _LONGEST_LABEL for each in values[-len(batch) :]):
                raise PictureError(f"The column {shown(column)!r} of {self.title} holds long texts and no labels.")
        named = dict(enumerate(self.names.get(column, ())))
        texts = {
            each: label_text(named.get(each, "") if named and isinstance(each, int) else each) for each in set(values)
        }
        return [texts[value] if plain_text(texts[value]) else "" for value in values]

    def counts(self, column: str) -> dict[str, int | None]:
        """Return how often each label occurs in a column; nothing for a column without labels or with too many."""
        counter = Counter[str]()
        if not _LABELS.match(str(self.types[column])):
            return {}
        for _, _, group in islice(self.groups(), None if self.is_near else 1):
            try:
                counter.update(self.labels(group, column))
            except PictureError:
                return {}
            if len(counter) > MAX_LABELS + 1:
                return {}
        labels = [*(named := self.names.get(column, [])), *sorted(counter.keys() - {"", *named})]
        counted = {label: counter[label] if self.is_near else None for label in labels}
        return counted if len(labels) <= MAX_LABELS else {}

    def holds_pictures(self, column: str) -> bool:
        """Whether a column is declared as pictures, or its first value begins like one."""
        if column in self.images or "binary" not in str(self.types[column]):
            return column in self.images
        first = range(next((ends for _, ends, _ in self.groups()), 0))
        return _PICTURES.match(next((found for _, found, _ in self._cells(column, first) if found), b"")) is not None

    def size(self, column: str, rows: Sequence[int]) -> int:
        """Return how many bytes must be read for the pictures of these rows (in order)."""
        if self.beside:
            return sum(self.sizes.get(self.beside.get(path, ""), 0) for _, _, path in self._cells(column, rows))
        wanted = (group for start, ends, group in self.groups() if _within(rows, start, ends))
        return sum(file.metadata.row_group(number).total_byte_size for file, number in wanted)

    def pictures(self, column: str, rows: Sequence[int]) -> Iterator[Cell]:
        """Yield the cells of these rows (in order), with the bytes of pictures in separate files."""

        def whole(cell: Cell) -> Cell:
            row, content, path = cell
            return row, self.content(self.beside[path]) if path in self.beside else content, path

        cells = self._cells(column, rows)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := [*islice(cells, _AT_ONCE)]:
                yield from pool.map(whole, some)

    def _cells(self, column: str, rows: Sequence[int]) -> Iterator[Cell]:
        for start, ends, group in self.groups():
            wanted = _within(rows, start, ends)
            for batch in _batches(group, column, 8) if wanted else ():
                for row in _within(wanted, start, start + len(batch)):
                    value = batch.column(0)[row - start].as_py()
                    found = value if isinstance(value, dict) else {"path" if isinstance(value, str) else "bytes": value}
                    content = found.get("bytes")
                    yield row, content if isinstance(content, bytes) else None, str(found.get("path") or "")
                if (start := start + len(batch)) > wanted[-1]:
                    break


def _within(rows: Sequence[int], start: int, ends: int) -> Sequence[int]:
    return rows[bisect_left(rows, start) : bisect_left(rows, ends)]


def _batches(group: Group, column: str, rows: int) -> Iterator[Any]:
    file, number = group
    batches: Iterator[Any] = file.iter_batches(rows, row_groups=[number], columns=[column], use_threads=False)
    return batches


@contextmanager
def opened_split(
    source: str | Path, config: str, split: str, *, on_hub: bool, limits: Limits, commit: str = "",
    within: Path | None = None,
) -> Iterator[HubSplit]:  # fmt: skip
    """Open a split, the default one if none is named; its files are laid out ``within`` a folder.
    Raises PictureError where there is none; any error of its readers or the Hub's client becomes one sentence.
    """
    path, name = Path(source), str(source)
    is_parquet = name.lower().endswith(PARQUET)
    is_far = on_hub or not name or not (path.is_dir() or (path.is_file() and is_parquet))
    # A mistyped file name is not a Hub id.
    is_file = isinstance(source, Path) or path.exists() or is_parquet
    if is_far and (not is_hub_id(name) or (is_file and not on_hub)):
        raise PictureError(
            f"There is no data set {shown(name)!r}: give the id of one on the Hub (owner/name), or a Parquet file or a "
            "folder that is here."
        )
    title = name if is_far else shown(path.name)
    with tempfile.TemporaryDirectory(prefix="emotion-data-set-", dir=within) as scratch:
        try:
            opened = HubSplit(path.resolve(), title, is_far=is_far, commit=commit, limits=limits)
            # datasets recognises a script that wants to be run by its name, which is that of the folder.
            folder = Path(scratch).resolve() / path.resolve().name
            folder.mkdir()
            opened.lay_out(folder)
            opened.find(folder, config, split)
            yield opened
        except EmotionError:
            raise
        except Exception as error:
            from huggingface_hub import constants

            said = shown(first_line(error))
            raise PictureError(
                f"{title} cannot be read from the Hub at {constants.ENDPOINT} ({said}): check its name, your access to "
                "it (`hf auth login`) and the network, or import a zip, a folder or a Parquet file."
                if is_far
                else f"{title} is no data set that can be read ({said}): choose another one, or mend it."
            ) from error
