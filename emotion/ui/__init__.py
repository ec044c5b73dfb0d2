"""The dashboard: views of pictures, runs, predictions and comparisons."""
