"""Charts: pure functions from events and results to Plotly figures in one shared style."""
