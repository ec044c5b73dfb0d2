"""What is shown of a result, as plain values: text, tables, charts and pictures, which page and report render alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from emotion.core.format import percent, span
from emotion.core.intervals import Interval, wilson_interval
from emotion.core.prediction import Saliency

Tone = Literal["plain", "right", "wrong"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Source:
    """A publication, as it is cited, and where it is found."""

    text: str
    url: str


@dataclass(frozen=True)
class Heading:
    """A heading below that of the section."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph, with a bold title or none; a finding comes first, a warning is what nobody should pass over."""

    text: str
    kind: Literal["plain", "finding", "note", "warning"] = "plain"
    sources: tuple[Source, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Points:
    """Sentences of equal weight; ``details``, where there are any, are a smaller one below each."""

    items: Sequence[str]
    details: Sequence[str] = ()


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cell:
    """A value and what stands smaller beside it, such as its interval; ``share`` (0 to 1) is how far it is shaded."""

    text: str
    detail: str = ""
    share: float | None = None
    tone: Tone = "plain"


@dataclass(frozen=True)
class Row:
    """A row of a table: its name, with a swatch of ``colour`` where there is one, and its cells."""

    name: str
    cells: tuple[Cell, ...]
    colour: str = ""
    is_reference: bool = False


def row(name: str, *cells: Cell | str | tuple[str, str], colour: str = "", is_reference: bool = False) -> Row:
    """Return a row of a table; a cell is given as its text, as text and detail, or whole."""
    whole = [each if isinstance(each, Cell) else Cell(*((each,) if isinstance(each, str) else each)) for each in cells]
    return Row(name, tuple(whole), colour, is_reference)


def right_of(correct: int, n: int) -> tuple[str, str]:
    """Return how many are right, with the share and its interval as the smaller text: 13 of 20, 65 %: 43 to 82."""
    return f"{correct} of {n}", f"{percent(correct / n)}: {span(wilson_interval(correct, n))}"


def shaded(counts: Mapping[str, int], *, right: str | None = None) -> list[Cell]:
    """Return how often each class was said as cells, shaded by its share; ``right`` is the class that is shown."""
    total = max(1, sum(counts.values()))
    tones: dict[str, Tone] = {label: "right" if label == right else "wrong" if right else "plain" for label in counts}
    return [Cell(str(number), share=number / total, tone=tones[label]) for label, number in counts.items()]


@dataclass(frozen=True)
class Table:
    """A table; ``corner`` heads the rows' names.

    ``is_text`` marks one whose cells are words rather than numbers, ``is_folded`` one that few will want to read.
    """

    caption: str
    corner: str
    head: Sequence[str]
    rows: Sequence[Row]
    note: str = ""
    is_text: bool = False
    is_folded: bool = False


@dataclass(frozen=True)
class Beside:
    """Small tables of one kind, to be read beside one another."""

    tables: Sequence[Table]


@dataclass(frozen=True)
class Dot:
    """A value (0 to 1) with its interval, by name. A leading one stands for those that follow it."""

    name: str
    value: float
    interval: Interval
    colour: str
    is_leading: bool = False


@dataclass(frozen=True)
class DotChart:
    """Values of 0 to 1 held against ``chance``, or changes of -1 to 1 (None), each with its interval, in rows."""

    alt: str
    axis: str
    dots: Sequence[Dot]
    chance: float | None


@dataclass(frozen=True)
class Line:
    """Points in a chart that are joined; ``intervals`` are those of their heights, or there are none."""

    name: str
    colour: str
    points: Sequence[Point]
    intervals: Sequence[Interval] = ()
    is_dashed: bool = False


@dataclass(frozen=True)
class LineChart:
    """Lines over a shared axis; ``is_share`` says that heights are 0 to 1, ``ring`` is a point to be marked."""

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
    """A picture at its place on a map: ``colour`` and ``shape`` tell what it shows and which set it is of."""

    x: float
    y: float
    colour: str
    shape: str
    picture: str
    title: str


@dataclass(frozen=True)
class PictureMap:
    """Pictures laid out on two axes; where no picture may be shown each is a point."""

    alt: str
    x_axis: str
    y_axis: str
    marks: Sequence[Mark]
    colours: Sequence[tuple[str, str]]
    shapes: Sequence[tuple[str, str]]


Chart = DotChart | LineChart | PictureMap


@dataclass(frozen=True)
class Figure:
    """Charts that belong together. ``table`` holds their numbers, unless a table of the section does already."""

    caption: str
    charts: Sequence[Chart]
    table: Table | None = None


@dataclass(frozen=True)
class Explained:
    """A picture of a set beside its maps of classes, each with a remark. No report shows it."""

    name: str
    picture: str
    said: str
    maps: Sequence[tuple[Saliency, str]]
    colour: str


@dataclass(frozen=True)
class Shown:
    """A picture that may be shown: a small copy as a data URI, and what was said of it."""

    uri: str
    alt: str
    title: str
    detail: str
    is_right: bool


@dataclass(frozen=True)
class Gallery:
    """Pictures of a set."""

    name: str
    pictures: Sequence[Shown]


@dataclass(frozen=True)
class Command:
    """What to type, and what it does."""

    does: str
    line: str


Block = Heading | Text | Points | Facts | Table | Beside | Figure | Explained | Gallery | Command


@dataclass(frozen=True)
class Section:
    """A part of a report, in the order in which it is read."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Report:
    """A report: ``answer`` in one sentence, ``basis`` on what it rests, ``warnings`` that belong beside it."""

    title: str
    dateline: str
    answer: str
    basis: str
    warnings: Sequence[str] = ()
    sections: Sequence[Section] = ()
