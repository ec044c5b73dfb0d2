"""The server side of the dashboard: training queue, model processes, visitors and their limits, publishing."""
