"""Placeholder while the Hub's module is written."""

from typing import Any


def describe(*a: Any, **k: Any) -> Any:
    raise NotImplementedError


FromDataSet: Any = None
Describe: Any = None
Description: Any = None


def what_is_read(*a: Any, **k: Any) -> Any:
    raise NotImplementedError
