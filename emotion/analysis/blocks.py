"""Results as plain values (text, tables, charts, pictures) that the page and the report render alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from emotion.core.format import percent, span
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.labels import colour_of
from emotion.core.prediction import Saliency
from emotion.core.scored import ScoredPicture

Tone = Literal["plain", "right", "wrong"]
Point = tuple[float, float]
# A publication: its citation and its URL.
Source = tuple[str, str]


@dataclass(frozen=True)
class Text:
    """A paragraph, with an optional bold title; a finding comes first, a warning must not be missed."""

    text: str
    kind: Literal["plain", "heading", "finding", "note", "warning"] = "plain"
    sources: tuple[Source, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Facts:
    """A list of names and values."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cell:
    """A value with a smaller detail, such as its interval; ``share`` (0 to 1) is the strength of its shading.

    ``opens`` makes it a button of the page: the correct and the predicted class of the pictures that it opens.
    """

    text: str
    detail: str = ""
    share: float | None = None
    tone: Tone = "plain"
    opens: tuple[str, str] | None = None


@dataclass(frozen=True)
class Row:
    """A row of a table: its name, with a swatch if it has a ``colour`` or a ``picture`` (a data URI), and its cells."""

    name: str
    cells: tuple[Cell, ...]
    colour: str = ""
    is_reference: bool = False
    picture: str = ""


def row(name: str, *cells: Cell | str | tuple[str, str], colour: str = "", is_reference: bool = False) -> Row:
    """Return a row of a table; a cell is given as text, as text and detail, or as a Cell."""
    whole = [each if isinstance(each, Cell) else Cell(*((each,) if isinstance(each, str) else each)) for each in cells]
    return Row(name, tuple(whole), colour, is_reference)


def right_of(correct: int, n: int) -> tuple[str, str]:
    """Return how many are right, with the share and its interval as the detail: 13 of 20, 65 %: 43 to 82."""
    return f"{correct} of {n}", f"{percent(correct / n)}: {span(wilson_interval(correct, n))}"


def shaded(counts: Mapping[str, int], *, right: str | None = None) -> list[Cell]:
    """Return the counts of predicted classes as cells, shaded by share; ``right`` is the correct class."""
    total = max(1, sum(counts.values()))
    tones: dict[str, Tone] = {label: "right" if label == right else "wrong" if right else "plain" for label in counts}
    return [Cell(str(number), share=number / total, tone=tones[label]) for label, number in counts.items()]


@dataclass(frozen=True)
class Table:
    """A table; ``corner`` heads the rows' names. Few need to read one that ``is_folded``."""

    caption: str
    corner: str
    head: Sequence[str]
    rows: Sequence[Row]
    note: str = ""
    is_text: bool = False
    is_folded: bool = False


@dataclass(frozen=True)
class Beside:
    """Small tables of one kind, side by side."""

    tables: Sequence[Table]


@dataclass(frozen=True)
class Dot:
    """A named value (0 to 1) with its interval. A leading one summarises those after it."""

    name: str
    value: float
    interval: Interval
    colour: str
    is_leading: bool = False


@dataclass(frozen=True)
class DotChart:
    """Rows of values from 0 to 1 against ``chance``, or of changes from -1 to 1 (None), with intervals."""

    alt: str
    axis: str
    dots: Sequence[Dot]
    chance: float | None


@dataclass(frozen=True)
class Line:
    """A line through points; ``intervals`` are those of their y values, or empty."""

    name: str
    colour: str
    points: Sequence[Point]
    intervals: Sequence[Interval] = ()
    is_dashed: bool = False


@dataclass(frozen=True)
class LineChart:
    """Lines over a shared axis; ``is_share`` means that y is from 0 to 1, ``ring`` is a point to mark."""

    alt: str
    x_axis: str
    y_axis: str
    lines: Sequence[Line]
    chance: float | None = None
    is_share: bool = False
    ring: Point | None = None
    has_diagonal: bool = False


@dataclass(frozen=True)
class Mark:
    """A picture's position on a map; ``colour`` stands for its class, ``shape`` for its set."""

    x: float
    y: float
    colour: str
    shape: str
    picture: str
    title: str


@dataclass(frozen=True)
class PictureMap:
    """Pictures laid out on two axes; points stand for pictures that may not be shown."""

    alt: str
    x_axis: str
    y_axis: str
    marks: Sequence[Mark]
    colours: Sequence[tuple[str, str]]
    shapes: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Figure:
    """Charts that belong together; ``table`` holds their numbers, unless another table of the section does."""

    caption: str
    charts: Sequence[DotChart | LineChart | PictureMap]
    table: Table | None = None


@dataclass(frozen=True)
class Explained:
    """A picture of a set with its saliency maps by class, each with a remark. Not part of reports."""

    name: str
    picture: str
    said: str
    maps: Sequence[tuple[Saliency, str]]
    colour: str


@dataclass(frozen=True)
class Shown:
    """A picture that may be shown, as a thumbnail's data URI, in its class's colour; ``tick`` gives it a box to tick.

    Of a scored one ``title`` is the class it shows and ``detail`` the predicted one, each with its probability.
    """

    uri: str
    alt: str
    title: str
    detail: str
    is_right: bool | None = None
    colour: str = "transparent"
    tick: str = ""


def judged(picture: ScoredPicture, uri: str, *, name: str = "", can_tick: bool = False) -> Shown:
    """Return a scored picture of the set ``name``, by its thumbnail."""
    said = f"{picture.predicted} {percent(picture.scores[picture.predicted])}"
    return Shown(
        uri,
        f"{name}, shows {picture.label}, said {said}".removeprefix(", "),
        f"{picture.label} {percent(picture.correct_confidence)}",
        said,
        is_right=picture.predicted == picture.label,
        colour=colour_of(picture.predicted),
        tick=picture.sha256 if can_tick else "",
    )


@dataclass(frozen=True)
class Gallery:
    """Pictures that belong together, such as those of a set; ``name`` may be empty."""

    name: str
    pictures: Sequence[Shown]


@dataclass(frozen=True)
class Command:
    """A command line and its effect."""

    does: str
    line: str


Block = Text | Points | Facts | Table | Beside | Figure | Explained | Gallery | Command


@dataclass(frozen=True)
class Section:
    """A section of a report, with its blocks in reading order."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """A report: the ``answer`` in short, its ``basis``, and the ``warnings`` that belong with it."""

    title: str
    dateline: str
    answer: str
    basis: str
    warnings: Sequence[str] = ()
    sections: Sequence[Section] = ()
