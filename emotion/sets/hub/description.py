"""What a data set offers, found in itself: configurations, splits, columns of pictures and of labels. Decides nothing.

Anything that is found is a choice: of each kind, the best guess stands first.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion.errors import PictureError
from emotion.sets.hub.places import Place, open_place
from emotion.sets.limits import Limits
from emotion.sets.naming import shown

if TYPE_CHECKING:
    from emotion.sets.hub.listing import Listing
    from emotion.sets.hub.parts import Parts
    from emotion.sets.hub.tables import Tables

# Picked where nobody picks: the name that most data sets give to what they are for.
_USUAL_SPLIT = "train"


@dataclass(frozen=True)
class Description:
    """What a data set holds, of one configuration and one split of it; texts in it are as strangers wrote them.

    ``source`` is an id on the Hub (``on_hub``) or a path, ``commit`` the version that was looked at, empty for what is
    here. ``splits`` gives the rows of each, None where that is not known. ``columns`` says in words what each holds.
    ``picture_columns`` are those that can be imported, the likeliest first; so are the keys of ``labels``, which gives
    for each column how often each label stands in it, None where to count them would take long. ``bytes`` is the size
    of the split's files, all of which are downloaded from the Hub.
    """

    source: str
    on_hub: bool
    commit: str
    config: str
    configs: tuple[str, ...]
    split: str
    splits: Mapping[str, int | None]
    columns: Mapping[str, str]
    picture_columns: tuple[str, ...]
    labels: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)
    bytes: int = 0

    @property
    def title(self) -> str:
        """How sentences call it."""
        return self.source if self.on_hub else shown(Path(self.source).name)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Look:
    """A look into one split of a data set, while it is open."""

    parts: Parts
    split: str
    content: Tables | Listing
    scratch: Path


def describe(
    source: str | Path, *, config: str = "", split: str = "", on_hub: bool = False, limits: Limits | None = None
) -> Description:
    """Look at a data set: what is here under that path (a folder, a Parquet file), else what the Hub has of that id.

    From the Hub it takes its card, its list of files and parts of some of them, not the pictures. Without ``config``
    and ``split``, the usual ones are looked at. With ``on_hub``, nothing of this machine is meant.

    Raises:
        PictureError: there is none, or it cannot be read; the Hub cannot be reached within seconds, or does not give
            it; it wants to run a script.
    """
    within = limits or Limits()
    deadline = time.monotonic() + within.seconds
    place = open_place(source, on_hub=on_hub, limits=within)
    try:
        with looked_at(place, config=config, split=split, limits=within, deadline=deadline) as look:
            return _described(str(source), place, look)
    finally:
        place.close()


@contextmanager
def looked_at(place: Place, *, config: str, split: str, limits: Limits, deadline: float) -> Iterator[Look]:
    """Open one split of a data set.

    Raises:
        PictureError: as ``describe``.
    """
    # All of these take seconds to import; by now the Hub has answered.
    from emotion.sets.hub.listing import Listing
    from emotion.sets.hub.parts import find_parts
    from emotion.sets.hub.plain import plainly
    from emotion.sets.hub.tables import Tables

    with tempfile.TemporaryDirectory(prefix="emotion-data-set-") as folder:
        scratch = Path(folder)
        parts = find_parts(place, config=config, scratch=scratch)
        if split and split not in parts.files:
            raise PictureError(
                f"{place.title} has no split {shown(split)!r}: choose one of "
                f"{', '.join(shown(each) for each in parts.files)}."
            )
        chosen = split or (_USUAL_SPLIT if _USUAL_SPLIT in parts.files else next(iter(parts.files)))
        with plainly(place):
            if parts.kind == "parquet":
                content: Tables | Listing = Tables(place, parts.files[chosen], parts.features)
            else:
                content = Listing(place, parts, chosen, limits=limits, deadline=deadline)
        yield Look(parts, chosen, content, scratch)


def _described(source: str, place: Place, look: Look) -> Description:
    from emotion.sets.hub import columns
    from emotion.sets.hub.plain import plainly

    features = look.content.features
    with plainly(place):
        pictures = [
            name
            for name, feature in features.items()
            if columns.is_image(feature) or (columns.may_hold_pictures(feature) and look.content.encoded(name))
        ]
        labelled = [name for name, feature in features.items() if columns.may_hold_labels(feature)]
        counts = look.content.labels(labelled)
        rows = _rows(place, look)
    return Description(
        source=source,
        on_hub=place.far,
        commit=place.commit,
        config=look.parts.config,
        configs=look.parts.configs,
        split=look.split,
        splits=rows,
        columns={name: columns.in_words(feature) for name, feature in features.items()},
        picture_columns=columns.best_first_pictures(pictures, features),
        labels=columns.best_first_labels(counts, features),
        bytes=sum(place.size(file) for file in look.parts.files[look.split]),
    )


def _rows(place: Place, look: Look) -> dict[str, int | None]:
    """Return how many rows each split has, by its files where that is cheap, else as the card says, if it does."""
    from emotion.sets.hub.tables import Tables

    rows: dict[str, int | None] = {split: look.parts.rows.get(split) for split in look.parts.files}
    if rows[look.split] is None or not place.far:
        rows[look.split] = look.content.rows()
    if look.parts.kind == "parquet" and not place.far:
        rows |= {split: Tables(place, files, {}).rows() for split, files in look.parts.files.items()}
    return rows
