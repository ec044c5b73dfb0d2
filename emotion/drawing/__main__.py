"""``python -m emotion.drawing``: draw the picture sets."""

import sys

from emotion.drawing.faces_set import main

if __name__ == "__main__":
    sys.exit(main())
