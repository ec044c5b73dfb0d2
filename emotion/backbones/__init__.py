"""Which pretrained backbones exist, where their weights come from, and how each is cut into blocks."""
