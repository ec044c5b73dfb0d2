"""What numbers are worth: intervals, differences, calibration. Knows nothing of models or of pictures."""
