"""``python -m emotion.faces``: draw the picture sets."""

import sys

from emotion.faces.faces_set import main

if __name__ == "__main__":
    sys.exit(main())
