"""A run as a classifier: one picture, many, what speaks for a class, what it has never seen."""
