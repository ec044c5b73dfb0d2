"""The dashboard: everything under here is a view of pictures, runs, predictions and comparisons."""
