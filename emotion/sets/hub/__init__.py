"""Data sets of the Hugging Face Hub, or laid out as there, as sources of a picture set. Runs nobody's code."""
