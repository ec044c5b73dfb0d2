"""Keep transformers from printing while weights are loaded. Hides reports and progress bars, never an exception."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers inside the block, and put its verbosity and progress bars back afterwards.

    Loading a backbone into a classifier always reports a fresh classifier and an unused pooler: that is what was
    asked for, so the report would only alarm. Callers that need to know read ``output_loading_info`` instead.
    """
    verbosity, progress_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if progress_bar:
            logging.enable_progress_bar()
