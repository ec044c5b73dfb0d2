"""The report's whole experiment, run again: every figure and table of the README."""
