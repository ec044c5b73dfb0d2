"""Many pictures, judged by one run: what was given, what was said of each, and the table of it."""
