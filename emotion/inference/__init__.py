"""A run as a classifier: of one picture or many, with saliency and novelty."""
