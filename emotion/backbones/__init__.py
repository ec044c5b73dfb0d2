"""Pretrained backbones: which exist, where their weights come from, and the body and head of each."""
