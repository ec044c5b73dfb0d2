"""Training as a generator of events, and what it needs: batches, views, the trunk's activations."""
