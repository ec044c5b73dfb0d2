"""Pictures: read, listed, split, sampled and changed; picture sets: imported, edited and packed."""
