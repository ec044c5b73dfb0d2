"""What is shown of a result, as plain values: text, tables, charts and pictures, which page and report render alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from emotion.core.intervals import Interval
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
    """A paragraph; a finding is what comes first, a warning what nobody should pass over."""

    text: str
    kind: Literal["plain", "finding", "note", "warning"] = "plain"
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Points:
    """Sentences of equal weight; each may carry a smaller one below it."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    rows: tuple[tuple[str, str], ...]


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


@dataclass(frozen=True)
class Table:
    """A table; ``corner`` heads the rows' names. ``is_text`` marks one whose cells are words rather than numbers."""

    caption: str
    corner: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class Beside:
    """Small tables of one kind, to be read beside one another."""

    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Guide:
    """A value that a chart's values are held against, such as chance, and what it is called."""

    value: float
    text: str


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
    """Values of 0 to 1, or of -1 to 1 where they are changes, each with its interval, below one another."""

    alt: str
    axis: str
    dots: tuple[Dot, ...]
    guide: Guide | None = None
    is_change: bool = False


@dataclass(frozen=True)
class Line:
    """Points in a chart that are joined; ``intervals`` are those of their heights, or there are none."""

    name: str
    colour: str
    points: tuple[Point, ...]
    intervals: tuple[Interval, ...] = ()
    is_dashed: bool = False


@dataclass(frozen=True)
class LineChart:
    """Lines over a shared axis; ``is_share`` says that heights are 0 to 1, ``ring`` is a point to be marked."""

    alt: str
    x_axis: str
    y_axis: str
    lines: tuple[Line, ...]
    guide: Guide | None = None
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
    marks: tuple[Mark, ...]
    colours: tuple[tuple[str, str], ...]
    shapes: tuple[tuple[str, str], ...]


Chart = DotChart | LineChart | PictureMap


@dataclass(frozen=True)
class Figure:
    """Charts that belong together. ``table`` holds their numbers, unless a table of the section does already."""

    caption: str
    charts: tuple[Chart, ...]
    table: Table | None = None


@dataclass(frozen=True)
class Shown:
    """A picture that may be shown: a small copy as a data URI, and what was said of it."""

    uri: str
    alt: str
    title: str
    detail: str
    is_right: bool


@dataclass(frozen=True)
class Explained:
    """A picture of a set beside its maps of classes, each with a remark. No report shows it."""

    name: str
    picture: str
    said: str
    maps: tuple[tuple[Saliency, str], ...]
    colour: str


@dataclass(frozen=True)
class Gallery:
    """Pictures of a set."""

    name: str
    pictures: tuple[Shown, ...]


@dataclass(frozen=True)
class Command:
    """What to type, and what it does."""

    does: str
    line: str


@dataclass(frozen=True)
class Limit:
    """Something that the numbers do not say, with the publications that say why."""

    title: str
    text: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Limits:
    """All of them."""

    items: tuple[Limit, ...]


@dataclass(frozen=True)
class Folded:
    """A table that few will want to read, out of the way where that can be done."""

    title: str
    table: Table


Block = Heading | Text | Points | Facts | Table | Beside | Figure | Explained | Gallery | Command | Limits | Folded


@dataclass(frozen=True)
class Section:
    """A part of a report, in the order in which it is read."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A report: ``answer`` in one sentence, ``basis`` on what it rests, ``warnings`` that belong beside it."""

    title: str
    dateline: str
    answer: str
    basis: str
    warnings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default_factory=tuple)
