"""Charts: pure functions from events and results to Plotly figures, and the one look they share."""
