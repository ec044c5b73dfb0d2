"""Write a report as a file, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from emotion.core.errors import ConfigError, RunError
from emotion.core.files import write_texts
from emotion.report.content import Report
from emotion.report.html import to_html
from emotion.report.markdown import to_markdown

RENDERERS = {".html": to_html, ".md": to_markdown}


def check_ending(path: Path) -> None:
    """Make sure that a file's name says which kind of report it is.

    Raises:
        ConfigError: it ends in something else than .html or .md.
    """
    if path.suffix.lower() not in RENDERERS:
        raise ConfigError(f"{path.name} is neither HTML nor Markdown: give a file that ends in .html or .md.")


def write_report(report: Report, path: Path) -> None:
    """Write a report as HTML or Markdown, by the file's ending; a reader sees the old or the new one, nothing between.

    Raises:
        ConfigError: the file ends in something else than .html or .md.
        RunError: it cannot be written.
    """
    check_ending(path)
    text = RENDERERS[path.suffix.lower()](report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_texts(path.parent, {path.name: text})
    except OSError as error:
        raise RunError(
            f"The report cannot be written to {path} ({error.strerror}): choose another file, or free the disk."
        ) from error
