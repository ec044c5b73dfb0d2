"""What a calibration says and what it does not, in sentences that page and report share. Computes nothing."""

from __future__ import annotations

from emotion.analysis.calibration import PER_BIN, RunCalibration

ECE = (
    "ECE, the expected calibration error: how far the confidence in the most likely class and the share right lie "
    f"apart, on average over bins of equally many pictures. About {PER_BIN} make a bin, since fewer say little of a "
    "share; in brackets the 95 % interval."
)
BIAS = (
    "On few pictures ECE comes out too large, and never 0. “If calibrated” is what a perfectly calibrated model of the "
    "same confidences shows with as many pictures: on average, and at most in 95 of 100 samples."
)
SHIFT = (
    "A calibration does not carry over a shift (Ovadia et al. 2019): the temperature was fitted on pictures of the "
    "kind that the run was trained on, and promises nothing for others."
)
FLATTERED = "The validation pictures chose the epoch and the temperature, so their row at T is a little too good."


def temperature_sentence(found: RunCalibration, *, label_smoothing: float) -> str:
    """Say what the fitted temperature means; ``label_smoothing`` is that of the training."""
    t, (low, high) = f"Temperature T = {found.temperature:.2f}", found.interval
    if not found.is_bounded:
        why = "it is right of nearly all of them" if found.temperature < 1 else "it is no better than a guess"
        return f"{t}, the end of the range: the validation pictures bound no temperature, since {why}."
    if low <= 1 <= high:
        return f"{t}: the raw probabilities are about as sure as they should be; T cannot be told from 1."
    if found.temperature > 1:
        return f"{t}: the raw probabilities are too sure."
    smoothed = f" Label smoothing of {label_smoothing:g} trains that." if label_smoothing else ""
    return f"{t}: the raw probabilities are too timid.{smoothed}"
