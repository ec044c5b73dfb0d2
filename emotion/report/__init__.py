"""A comparison as one file that anybody can read, in HTML and in Markdown: what was asked, and what came out."""

from emotion.report.building import build_report
from emotion.report.content import Report
from emotion.report.html import to_html
from emotion.report.markdown import to_markdown
from emotion.report.writing import write_report

__all__ = ["Report", "build_report", "to_html", "to_markdown", "write_report"]
