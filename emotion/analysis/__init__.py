"""Comparisons of several species by one run, their statistics, and further studies."""

from emotion.analysis.comparing import Request, compare
from emotion.analysis.comparison import Comparison, load_comparison, save_comparison
from emotion.core.scored import SampleResult, ScoredPicture

__all__ = ["Comparison", "Request", "SampleResult", "ScoredPicture", "compare", "load_comparison", "save_comparison"]
