"""Picture sets of one's own: read from a zip or a folder, checked, and kept whole. Knows nothing of tensors."""
