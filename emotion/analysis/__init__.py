"""Samples of several species judged by one run, what the numbers are worth, and every further question."""

from emotion.analysis.comparison import Comparison, Request, compare
from emotion.analysis.kept import load_comparison, save_comparison
from emotion.core.scored import SampleResult, ScoredPicture, summarise

__all__ = [
    "Comparison",
    "Request",
    "SampleResult",
    "ScoredPicture",
    "compare",
    "load_comparison",
    "save_comparison",
    "summarise",
]
