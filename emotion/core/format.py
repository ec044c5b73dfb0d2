"""Formats of numbers and lists on the page, the command line and in reports."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

# Spreadsheets take a cell that begins with one of these as a formula, and a file or class name may begin with one
# (https://owasp.org/www-community/attacks/CSV_Injection); the last four are their full-width forms.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Characters with a meaning in Markdown or HTML.
_MARKS = re.compile(r"([\\`*_\[\]<>|#~$])")


def percent(share: float) -> str:
    """Return a share (0 to 1) in whole percent."""
    return f"{share * 100:.0f} %"


def exact_percent(share: float) -> str:
    """Return a share (0 to 1) in percent with one decimal."""
    return f"{share * 100:.1f} %"


def span(interval: tuple[float, float]) -> str:
    """Return an interval of shares in whole percent, without the sign: 53 to 83."""
    return minus(f"{interval[0] * 100:.0f} to {interval[1] * 100:.0f}")


def points(change: float) -> str:
    """Return a difference of shares in percentage points with its sign and one decimal: +12.3, −4.0."""
    return minus(f"{change * 100:+.1f}")


def p_value(value: float) -> str:
    """Return a p-value in the usual format of tables."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def minus(text: str) -> str:
    """Return a number with its hyphen replaced by a minus sign."""
    return text.replace("-", "−")


def count(number: int, noun: str) -> str:
    """Return a number and its noun: 1 picture, 2 pictures."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def in_words(number: int) -> str:
    """Return a small number as a word, a larger one in figures."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[number] if number < len(words) else f"{number:,}"


def listed(parts: Sequence[str]) -> str:
    """Return parts as a list in a sentence: a, b and c."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def capital(text: str) -> str:
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]


def moment(seconds: float) -> str:
    """Return a Unix time as a local day and time: 25 November 2026, 03:57."""
    at = time.localtime(seconds)
    return f"{at.tm_mday} {time.strftime('%B %Y, %H:%M', at)}"


def duration(seconds: float) -> str:
    """Return a time span in words: 12 ms, 0.4 s, 12 s, 3 min 20 s, 1 h 5 min."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if seconds >= 9.95:
        return f"{whole} s"
    return f"{seconds:.1f} s" if seconds >= 0.05 else f"{seconds * 1000:.0f} ms"


def megabytes(size: int) -> str:
    """Return a size in bytes as text with its unit."""
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} KB"


def harmless(cell: str | float) -> str | float:
    """Return a cell that no spreadsheet runs as a formula: an apostrophe is put before one."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_BEGINS_FORMULA) else cell


def escaped(text: str) -> str:
    """Return a text on one line, with Markdown characters escaped."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
