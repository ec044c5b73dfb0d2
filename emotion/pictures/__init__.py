"""Finding, decoding, splitting and sampling labelled pictures. Knows nothing of tensors."""
