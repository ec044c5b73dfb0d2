"""The report's whole experiment, run again: the figures and tables of what the README tells of it."""
