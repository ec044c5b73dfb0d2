"""Draw a report's charts as SVG that takes its colours and fonts from the page."""

from __future__ import annotations

import io
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from emotion.analysis.blocks import DotChart, LineChart
from emotion.core.format import minus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In pixels; as wide as a phone shows without shrinking the text.
WIDTH, LINES_HEIGHT, ROW_HEIGHT, AROUND_ROWS = 380, 250, 23, 62
TEXT_SIZE, LONGEST_NAME = 12.0, 28
# Placeholder colours, used nowhere else, for the page's text colour and rules.
INK, RULE = "#010203", "#030201"
FROM_PAGE = {INK: "currentColor", RULE: "var(--rule, #D5DBE6)"}
# Text stays text, to be selected, searched and drawn in the page's fonts; a set may be called `$x$`.
STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "emotion", "savefig.transparent": True, "text.parse_math": False,
    "font.size": TEXT_SIZE, "text.color": INK, "axes.labelcolor": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.left": False, "axes.spines.right": False, "axes.spines.top": False, "axes.edgecolor": RULE,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": RULE, "grid.linewidth": 0.8,
    "axes.titlesize": TEXT_SIZE, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 10,
    "xtick.major.size": 0, "ytick.major.size": 0, "xtick.major.pad": 6, "ytick.major.pad": 6,
    "legend.frameon": False, "legend.fontsize": TEXT_SIZE, "legend.handlelength": 1.6, "legend.columnspacing": 1.2,
}  # fmt: skip
QUARTERS, PERCENTS = (0, 0.25, 0.5, 0.75, 1), ("0", "25", "50", "75", "100 %")
DOTS, DASHES = (0, (1, 2)), (0, (2, 1.6))
GUIDE: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": DOTS, "zorder": 1.5}
LABEL: dict[str, Any] = {"textcoords": "offset points", "va": "bottom", "fontsize": TEXT_SIZE - 1}


def draw(chart: DotChart | LineChart, *, name: str) -> str:
    """Return a chart as an SVG element; ``name`` is unique within the page and prefixes its ids."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Never reset, since all threads share the settings.
    mpl.rcParams.update(STYLE)
    height = AROUND_ROWS + ROW_HEIGHT * len(chart.dots) if isinstance(chart, DotChart) else LINES_HEIGHT
    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, layout="constrained")
    if isinstance(chart, DotChart):
        _dots(figure.add_subplot(), chart)
    else:
        _lines(figure, figure.add_subplot(), chart)
    return _as_element(figure, alt=chart.alt, name=name)


def _dots(axes: Axes, chart: DotChart) -> None:
    is_change = chart.chance is None
    axes.set_yticks(range(len(chart.dots)), [_short(dot.name) for dot in chart.dots])
    for place, (dot, label) in enumerate(zip(chart.dots, axes.get_yticklabels(), strict=True)):
        weight, width, size = ("bold", 3.0, 9) if dot.is_leading else ("normal", 1.8, 6)
        label.set_fontweight(weight)
        axes.plot(dot.interval, [place, place], color=dot.colour, linewidth=width)
        axes.plot([dot.value], [place], "o", color=dot.colour, markersize=size)
        axes.annotate(
            minus(f"{dot.value * 100:+.0f}") if is_change else f"{dot.value * 100:.0f} %", (1, place),
            xycoords=axes.get_yaxis_transform(), xytext=(8, 0), textcoords="offset points", va="center_baseline",
            fontweight=weight,
        )  # fmt: skip
    axes.set_ylim(len(chart.dots) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    if is_change:
        reach = max(0.1, *(abs(end) for dot in chart.dots for end in dot.interval)) * 1.05
        axes.set_xlim(-reach, reach)
        axes.xaxis.set_major_formatter(lambda at, _: "0" if abs(at) < 0.005 else minus(f"{at * 100:+.0f}"))
    else:
        axes.set_xlim(-0.01, 1.01)
        axes.set_xticks(QUARTERS, PERCENTS)
    axes.set_xlabel(chart.axis)
    at, text = (0.0, "no change") if chart.chance is None else (chart.chance, "chance")
    axes.axvline(at, **GUIDE)
    axes.annotate(text, (at, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 4), ha="center", **LABEL)


def _lines(figure: Figure, axes: Axes, chart: LineChart) -> None:
    xs = [x for line in chart.lines for x, _ in line.points]
    for line in chart.lines:
        x, y = [point[0] for point in line.points], [point[1] for point in line.points]
        if line.intervals:
            below = [at - low for at, (low, _) in zip(y, line.intervals, strict=True)]
            above = [high - at for at, (_, high) in zip(y, line.intervals, strict=True)]
            axes.errorbar(x, y, yerr=[below, above], fmt="none", ecolor=line.colour, elinewidth=1.2, alpha=0.7)
        dashes = DASHES if line.is_dashed else "solid"
        axes.plot(x, y, "o", color=line.colour, linestyle=dashes, linewidth=2, markersize=4.5, label=line.name)
    if chart.ring is not None:
        axes.plot(*([value] for value in chart.ring), "o", markersize=12, markerfacecolor="none", markeredgecolor=INK)
    if chart.is_share:
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks(QUARTERS, PERCENTS)
    else:
        axes.set_ylim(bottom=0)
    if chart.has_diagonal:
        axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=DOTS)
        axes.set_xticks(QUARTERS, PERCENTS)
        # After the ticks, which would widen the limits.
        axes.set_xlim(math.floor(min(xs) * 4) / 4 - 0.03, 1.03)
    elif all(float(x).is_integer() for x in xs):
        axes.locator_params(axis="x", integer=True, nbins=9)
    axes.set_xlabel(chart.x_axis)
    axes.set_title(_short(chart.y_axis))
    if len(chart.lines) > 1:
        figure.legend(loc="outside lower center", ncols=3)
    if chart.chance is not None:
        axes.axhline(chart.chance, **GUIDE)
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "xytext": (-2, 3), "ha": "right"}
        axes.annotate("chance", (1, chart.chance), **place, **LABEL)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _as_element(figure: Figure, *, alt: str, name: str) -> str:
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Ignore warnings about missing glyphs: matplotlib only measures the text; the page's fonts draw it.
        warnings.simplefilter("ignore")
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    _, _, svg = buffer.getvalue().partition("<svg")
    svg = re.sub(r"font-family: [^;\"]*;? ?|<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    for stand_in, said in FROM_PAGE.items():
        svg = svg.replace(stand_in, said)
    size = f"0 0 {figure.bbox.width:g} {figure.bbox.height:g}"
    opening = f'<svg viewBox="{size}" role="img" aria-label="{escape(alt)}" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return opening + svg.partition(">")[2]
