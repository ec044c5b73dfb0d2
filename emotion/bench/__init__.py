"""The bench: figures that say how fast and how good this is, each beside a reference that is measured with it."""
