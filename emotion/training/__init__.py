"""Training as a generator of events, and what it needs: batches, views, features of the frozen part."""
