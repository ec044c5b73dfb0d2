"""The report of a comparison as one HTML or Markdown file."""

from emotion.report.building import build_report
from emotion.report.render import to_html, to_markdown, write_report

__all__ = ["build_report", "to_html", "to_markdown", "write_report"]
