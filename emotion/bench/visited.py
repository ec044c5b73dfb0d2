"""The dashboard as a visitor leaves it: it has predicted one picture before it trains its queue. For the memory figure.

``python -m emotion.bench.visited RUN PICTURE``; children import this module again, so nothing heavy stands up here.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(run: str, picture: str) -> int:
    """Serve like ``app.py`` until interrupted; return its exit code."""
    import app
    from emotion import worker
    from emotion.run import Run

    class VisitedWorkers(worker.Workers):
        """Predicts one picture before it takes up the queue."""

        def take_up_queue(self) -> None:
            self.predict(Run(Path(run)), Path(picture))
            super().take_up_queue()

    worker.Workers = VisitedWorkers  # type: ignore[misc]  # app.py takes the class from there
    return app.main()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
