"""A comparison as one file that anybody can read, in HTML and in Markdown: what was asked, and what came out."""

from emotion.analysis.blocks import Report
from emotion.report.building import build_report
from emotion.report.render import to_html, to_markdown, write_report

__all__ = ["Report", "build_report", "to_html", "to_markdown", "write_report"]
