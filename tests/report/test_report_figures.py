"""Charts of a report: what is drawn, also by several threads at once and of any name."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest

from emotion.labels import SPECIES_COLOURS
from emotion.report.content import Chart, Dot, DotChart, Guide, Line, LineChart
from emotion.report.figures import LONGEST_NAME, draw

DOTS = DotChart(
    "alt", "Mean",
    (
        Dot("human", 0.7, (0.6, 0.8), SPECIES_COLOURS["human"], is_leading=True),
        Dot("dog", 0.3, (0.3, 0.3), SPECIES_COLOURS["dog"]),
    ),
    Guide(0.25, "chance"),
)  # fmt: skip
LINES = LineChart(
    "alt", "Epoch", "Loss",
    tuple(Line(f"batch {size}", "#123456", ((0, 1.4), (1, 0.7))) for size in (4, 8, 16, 24)), ring=(1, 0.7),
)  # fmt: skip
CHANGES = DotChart("alt", "Change", (Dot("grey", -0.2, (-0.3, -0.1), "#123456"),), Guide(0, "none"), is_change=True)


def said(svg: str) -> list[str]:
    """Return the texts of a chart."""
    root = ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
    return ["".join(each.itertext()).strip() for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_dots_carry_their_names_and_numbers_in_the_colours_of_the_species() -> None:
    svg = draw(DOTS, name="a")
    assert {"human", "dog", "70 %", "30 %", "chance"} <= set(said(svg))
    assert svg.lower().count(SPECIES_COLOURS["dog"].lower()) >= 2


def test_changes_carry_their_signs() -> None:
    assert "−20" in said(draw(CHANGES, name="a"))


def test_lines_are_named_once_each() -> None:
    texts = said(draw(LINES, name="a"))
    assert [text for text in texts if text.startswith("batch")] == ["batch 4", "batch 8", "batch 16", "batch 24"]


@pytest.mark.parametrize("chart", [DOTS, LINES, CHANGES])
def test_threads_draw_the_same_as_one_alone(chart: Chart) -> None:
    alone = draw(chart, name="a")
    with ThreadPoolExecutor(max_workers=4) as pool:
        assert set(pool.map(lambda _: draw(chart, name="a"), range(8))) == {alone}


def test_charts_of_a_page_share_no_id() -> None:
    ids = [re.findall(r' id="([^"]+)"', draw(DOTS, name=name)) for name in ("a", "b")]
    assert ids[0]
    assert not set(ids[0]) & set(ids[1])
    assert all(len(each) == len(set(each)) for each in ids)


@pytest.mark.parametrize("name", ["$x^2$", "<b>&", "狗", "a" * 60])
def test_any_name_is_drawn_as_it_is_called(name: str) -> None:
    shown = said(draw(DotChart(name, "", (Dot(name, 0.5, (0.4, 0.6), "#123456"),)), name="a"))
    assert any(text == name or (len(name) > LONGEST_NAME and text == name[: LONGEST_NAME - 1] + "…") for text in shown)


def test_a_chart_without_anything_is_still_one() -> None:
    assert draw(DotChart("nothing", "", ()), name="a").startswith("<svg ")
