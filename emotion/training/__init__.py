"""Training as a generator of events, with its inputs: batches, views and features of the frozen layers."""
