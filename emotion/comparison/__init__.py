"""Score samples of several species with one run, and say what the numbers are worth. Knows nothing of models."""

from emotion.comparison.comparing import Comparison, Request, compare
from emotion.comparison.files import load_comparison, save_comparison
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
