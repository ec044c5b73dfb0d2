"""Pictures: decode, list, split and sample them; picture sets: import, edit and pack them."""
