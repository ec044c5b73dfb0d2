"""Render blocks and reports as HTML and Markdown, and write a report to a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from emotion.analysis.blocks import Block, Explained, Mark, PictureMap, Report
from emotion.core.errors import ConfigError, RunError
from emotion.core.files import write_files
from emotion.core.format import escaped
from emotion.report.figures import draw

HERE = Path(__file__).parent
# The style of blocks, on the page and in a report.
BLOCKS_STYLE = (HERE / "blocks.css").read_text(encoding="utf-8").strip()


def to_html(report: Report) -> str:
    """Return a report as an HTML page with light and dark styles, for screens from a phone's size and for print.

    It is self-contained, without scripts or external requests.
    """
    style = f"{(HERE / 'style.css').read_text(encoding='utf-8').strip()}\n{BLOCKS_STYLE}"
    given = {"report": report, "style": Markup(style), "uris": {}, "prefix": "", "ids": count(1)}
    return _environment().get_template("report.html.j2").render(given).lstrip()


def blocks_html(
    blocks: Sequence[Block], *, name: str, uris: Mapping[str, str], explained: Callable[[Explained], str]
) -> str:
    """Return blocks as part of a page; ``name`` prefixes their ids.

    ``uris`` maps paths to thumbnails for feature maps; ``explained`` renders a picture with its saliency maps.
    """
    given = {"uris": uris, "explained": lambda each: Markup(explained(each)), "prefix": f"{name}-", "ids": count(1)}
    module = _environment().get_template("blocks.html.j2").make_module(given)
    return f'<div class="blocks">{module.all(blocks)}</div>'  # type: ignore[attr-defined]


def to_markdown(report: Report) -> str:
    """Return a report as Markdown, with the sections and numbers of the HTML."""
    return _tidy(_environment().get_template("report.md.j2").render(report=report))


def blocks_markdown(blocks: Sequence[Block]) -> str:
    """Return blocks as Markdown."""
    return _tidy(_environment().get_template("blocks.md.j2").module.all(blocks))  # type: ignore[attr-defined]


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


RENDERERS = {".html": to_html, ".md": to_markdown}


def check_ending(path: Path) -> None:
    """Check that a file's ending names a kind of report; ConfigError if not."""
    if path.suffix.lower() not in RENDERERS:
        raise ConfigError(f"{path.name} is neither HTML nor Markdown: give a file that ends in .html or .md.")


def write_report(report: Report, path: Path) -> None:
    """Write a report as HTML or Markdown, by the file's ending, whole or not at all; RunError on failure."""
    check_ending(path)
    text = RENDERERS[path.suffix.lower()](report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_files(path.parent, {path.name: text})
    except OSError as error:
        raise RunError(
            f"The report cannot be written to {path} ({error.strerror}): choose another file, or free the disk."
        ) from error


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "kind": lambda value: type(value).__name__,
        "next": next,
        "text": _text,
        "md": escaped,
        "placed": _placed,
        # Longer than any run of backticks in the text.
        "fence": lambda line: "`" * max(3, *(len(run) + 1 for run in re.findall("`+", line)), 3),
    }
    found.globals["draw"] = lambda chart, name: Markup(draw(chart, name=name))
    return found


def _text(text: str) -> Markup:
    # Keep a number on one line with its unit and with a preceding "<".
    return Markup(re.sub(r"(?<=\d) (?=%)|(?<=&lt;) (?=\d)", "\N{NO-BREAK SPACE}", str(escape(" ".join(text.split())))))


def _placed(chart: PictureMap) -> Iterator[tuple[Mark, float, float]]:
    """Yield each mark with its distance from the left and from the bottom, in percent."""
    xs, ys = [each.x for each in chart.marks], [each.y for each in chart.marks]
    wide, high = max(xs) - min(xs) or 1, max(ys) - min(ys) or 1
    for each in chart.marks:
        yield each, round(100 * (each.x - min(xs)) / wide, 2), round(100 * (each.y - min(ys)) / high, 2)
