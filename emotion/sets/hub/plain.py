"""What the readers of datasets and pyarrow print and raise, kept to one sentence. Knows no format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from emotion.errors import PictureError
from emotion.hub import first_line
from emotion.sets.hub.places import Place
from emotion.sets.naming import shown


@contextmanager
def plainly(place: Place) -> Iterator[None]:
    """Keep the readers quiet within the block, and turn what they raise into one sentence.

    What they meet is written by strangers, so anything of these kinds may come of it.

    Raises:
        PictureError: in place of it.
    """
    import datasets
    import pyarrow as pa
    import yaml

    odd = (
        ValueError, TypeError, LookupError, OSError, RuntimeError, AttributeError, ArithmeticError, AssertionError,
        MemoryError, pa.ArrowException, yaml.YAMLError, datasets.exceptions.DatasetsError,
    )  # fmt: skip
    with _quiet():
        try:
            with _network(place):
                yield
        except PictureError:
            raise
        except odd as error:
            raise PictureError(_sentence(place.title, error)) from error


def _network(place: Place) -> AbstractContextManager[None]:
    if not place.far:
        return nullcontext()
    from emotion.sets.hub.repository import refusing

    return refusing(place.title)


@contextmanager
def _quiet() -> Iterator[None]:
    from datasets.utils import logging
    from huggingface_hub.utils import logging as of_hub

    # Which warns of a card without a header, beside our sentence.
    of_hub.get_logger("huggingface_hub.repocard").setLevel(logging.ERROR)
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _sentence(title: str, error: BaseException) -> str:
    if isinstance(error, RuntimeError) and "scripts are no longer supported" in str(error):
        return (
            f"{title} wants to run a script of its own, which is never done here: choose a data set that keeps its "
            "pictures in Parquet files."
        )
    return f"{title} is no data set that can be read ({shown(first_line(error))}): choose another one, or mend it."
