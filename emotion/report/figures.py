"""Draw a report's charts as SVG text that takes its ink and its fonts from the page. Computes no numbers."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from emotion.analysis.blocks import Chart, DotChart, Guide, LineChart, PictureMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# As wide as a phone shows without making text small; a unit is a pixel.
WIDTH, LINES_HEIGHT, ROW_HEIGHT, AROUND_ROWS = 380, 250, 23, 62
TEXT_SIZE = 12.0
LONGEST_NAME = 28
MAP_MORE = 90
MARKERS = {"circle": "o", "triangle": "^", "square": "s", "diamond": "D", "cross": "P", "star": "*"}
# Stand-ins, which no colour of ours is, for what the page decides: its ink and its rules.
INK, RULE = "#010203", "#030201"
_FROM_PAGE = {INK: "currentColor", RULE: "var(--rule, #D5DBE6)"}
_NEEDED = re.compile(r'(?:url\(#|href="#)([^)"]+)')


def draw(chart: Chart, *, name: str) -> str:
    """Return a chart as an SVG element; ``name`` is its own within the page, so that no two share an id."""
    figure = _figure(chart)
    axes = figure.add_subplot()
    _style(axes)
    if isinstance(chart, DotChart):
        _dots(axes, chart)
    elif isinstance(chart, PictureMap):
        _map(figure, axes, chart)
    else:
        _lines(figure, axes, chart)
    return _as_element(figure, alt=chart.alt, name=name)


def _figure(chart: Chart) -> Figure:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Set once and never put back, since settings are shared by all threads. Text stays text: it is selected, searched
    # and drawn in the page's own fonts.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "emotion"})
    height = AROUND_ROWS + ROW_HEIGHT * len(chart.dots) if isinstance(chart, DotChart) else LINES_HEIGHT
    height += MAP_MORE * isinstance(chart, PictureMap)
    return Figure(figsize=(WIDTH / 72, height / 72), dpi=72, layout="constrained")


def _style(axes: Axes) -> None:
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(RULE)
    axes.tick_params(colors=INK, labelsize=TEXT_SIZE, length=0, pad=6)
    axes.grid(visible=True, color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)


def _dots(axes: Axes, chart: DotChart) -> None:
    places = list(range(len(chart.dots)))
    for place, dot in zip(places, chart.dots, strict=True):
        low, high = dot.interval
        axes.plot([low, high], [place, place], color=dot.colour, linewidth=3 if dot.is_leading else 1.8)
        axes.plot([dot.value], [place], "o", color=dot.colour, markersize=9 if dot.is_leading else 6)
        sign = "+" if chart.is_change else ""
        number = f"{dot.value * 100:{sign}.0f}".replace("-", "−")
        axes.annotate(
            f"{number} %" if not chart.is_change else number, (1, place), xycoords=axes.get_yaxis_transform(),
            xytext=(8, 0), textcoords="offset points", va="center_baseline", color=INK, fontsize=TEXT_SIZE,
            fontweight="bold" if dot.is_leading else "normal",
        )  # fmt: skip
    axes.set_yticks(places, [_short(dot.name) for dot in chart.dots])
    for label, dot in zip(axes.get_yticklabels(), chart.dots, strict=True):
        label.set_fontweight("bold" if dot.is_leading else "normal")
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    if chart.is_change:
        reach = max(0.1, *(abs(end) for dot in chart.dots for end in dot.interval)) * 1.05
        axes.set_xlim(-reach, reach)
        axes.xaxis.set_major_formatter(
            lambda value, _: "0" if abs(value) < 0.005 else f"{value * 100:+.0f}".replace("-", "−")
        )
    else:
        axes.set_xlim(-0.01, 1.01)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.set_xlabel(chart.axis, color=INK, fontsize=TEXT_SIZE)
    if chart.guide is not None:
        _guide(axes, chart.guide, is_upright=True)


def _lines(figure: Figure, axes: Axes, chart: LineChart) -> None:
    for line in chart.lines:
        x, y = [point[0] for point in line.points], [point[1] for point in line.points]
        if line.intervals:
            below = [at - low for at, (low, _) in zip(y, line.intervals, strict=True)]
            above = [high - at for at, (_, high) in zip(y, line.intervals, strict=True)]
            axes.errorbar(x, y, yerr=[below, above], fmt="none", ecolor=line.colour, elinewidth=1.2, alpha=0.7)
        dashes = (0, (2, 1.6)) if line.is_dashed else "solid"
        axes.plot(x, y, "o", color=line.colour, linestyle=dashes, linewidth=2, markersize=4.5, label=line.name)
    if chart.ring is not None:
        axes.plot(*([value] for value in chart.ring), "o", markersize=12, markerfacecolor="none", markeredgecolor=INK)
    if chart.has_diagonal:
        axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (1, 2)))
    if chart.is_share:
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    else:
        axes.set_ylim(bottom=0)
    _whole_ticks(axes, chart)
    axes.set_xlabel(chart.x_axis, color=INK, fontsize=TEXT_SIZE)
    axes.set_title(_short(chart.y_axis), loc="left", color=INK, fontsize=TEXT_SIZE, fontweight="bold", pad=10)
    legend: dict[str, Any] = {
        "frameon": False, "fontsize": TEXT_SIZE, "labelcolor": INK, "handlelength": 1.6, "columnspacing": 1.2,
    }  # fmt: skip
    if len(chart.lines) == 2:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0.5, **legend)
    elif len(chart.lines) > 2:
        # Beside the title there is no room for as many.
        figure.legend(loc="outside lower center", ncols=3, **legend)
    if chart.guide is not None:
        _guide(axes, chart.guide, is_upright=False)


def _map(figure: Figure, axes: Axes, chart: PictureMap) -> None:
    for each in chart.marks:
        axes.plot([each.x], [each.y], MARKERS[each.shape], color=each.colour, markersize=5, alpha=0.75)
    keys = [axes.plot([], [], "s", color=colour, label=_short(name))[0] for name, colour in chart.colours]
    keys += [axes.plot([], [], MARKERS[shape], color=INK, label=_short(name))[0] for name, shape in chart.shapes]
    figure.legend(handles=keys, loc="outside lower center", ncols=2, frameon=False, fontsize=TEXT_SIZE, labelcolor=INK)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(_short(chart.x_axis), color=INK, fontsize=TEXT_SIZE)
    axes.set_ylabel(_short(chart.y_axis), color=INK, fontsize=TEXT_SIZE)


def _whole_ticks(axes: Axes, chart: LineChart) -> None:
    from matplotlib.ticker import MaxNLocator

    if chart.has_diagonal:
        least = min((x for line in chart.lines for x, _ in line.points), default=0.0)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        # After the ticks, which would widen it.
        axes.set_xlim(math.floor(least * 4) / 4 - 0.03, 1.03)
    elif all(float(x).is_integer() for line in chart.lines for x, _ in line.points):
        axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True))


def _guide(axes: Axes, guide: Guide, *, is_upright: bool) -> None:
    style: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (1, 2)), "zorder": 1.5}
    if is_upright:
        axes.axvline(guide.value, **style)
        place, beside, transform, across = (guide.value, 1.0), (0, 4), axes.get_xaxis_transform(), ("center", "bottom")
    else:
        axes.axhline(guide.value, **style)
        place, beside, transform, across = (1.0, guide.value), (-2, 3), axes.get_yaxis_transform(), ("right", "bottom")
    axes.annotate(
        guide.text, place, xycoords=transform, xytext=beside, textcoords="offset points", ha=across[0], va=across[1],
        color=INK, fontsize=TEXT_SIZE - 1,
    )  # fmt: skip


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _as_element(figure: Figure, *, alt: str, name: str) -> str:
    from matplotlib.text import Text

    for each in figure.findobj(Text):
        each.set_parse_math(False)  # A set called `$x$` is called so.
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Of letters that matplotlib's own font lacks: it only measures; the page's fonts draw.
        warnings.simplefilter("ignore")
        figure.savefig(
            buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = _with_own_ids(svg, name)
    for stand_in, said in _FROM_PAGE.items():
        svg = svg.replace(stand_in, said)
    opening = f'<svg viewBox="0 0 {figure.bbox.width:g} {figure.bbox.height:g}" role="img" aria-label="{escape(alt)}"'
    return re.sub(r"<svg [^>]*>", lambda _: f'{opening} xmlns:xlink="http://www.w3.org/1999/xlink">', svg, count=1)


def _with_own_ids(svg: str, name: str) -> str:
    """Return an SVG with only the ids that are referred to, each with the name before it."""
    needed: Sequence[str] = sorted(set(_NEEDED.findall(svg)))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in needed else "", svg)
    for each in needed:
        for before, after in (('id="', '"'), ('href="#', '"'), ("url(#", ")")):
            svg = svg.replace(f"{before}{each}{after}", f"{before}{name}-{each}{after}")
    return svg
