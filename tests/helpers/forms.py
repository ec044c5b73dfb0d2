"""Whether what is answered today has the form, or the numbers, of what was answered before."""

from typing import Any

import pytest


def kind(value: Any) -> str:
    """Return the JSON type of a value."""
    names = {bool: "true or false", int: "whole number", float: "number", str: "text", type(None): "null"}
    return names.get(type(value), "list" if isinstance(value, list | tuple) else "object")


def same_form(old: Any, new: Any, where: str = "it") -> None:
    """Fail where a name is gone or a value has another type than it had; more names may be there than before.

    Where nothing was known (null) anything may be known now, and a whole number is a number.
    """
    if old is None:
        return
    if isinstance(old, dict):
        assert isinstance(new, dict), where
        assert old.keys() <= new.keys(), f"{where} lacks {old.keys() - new.keys()}"
        for name, value in old.items():
            same_form(value, new[name], f"{where}.{name}")
    elif isinstance(old, list):
        assert kind(new) == "list", where
        for value in new if old else ():
            assert any(_is_like(each, value) for each in old), f"{where}[]: {value!r} is like none of before"
    else:
        assert kind(new) in (kind(old), "whole number" if kind(old) == "number" else kind(old)), f"{where}: {new!r}"


def _is_like(old: Any, new: Any) -> bool:
    try:
        same_form(old, new)
    except AssertionError:
        return False
    return True


def close_to(old: Any, new: Any, tolerance: float, where: str = "it") -> None:
    """Fail where a number that was told is further away than that, or anything else is another; more may be told."""
    if isinstance(old, dict):
        for name, value in old.items():
            close_to(value, new[name], tolerance, f"{where}.{name}")
    elif isinstance(old, list):
        assert len(old) == len(new), where
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            close_to(one, other, tolerance, f"{where}[{number}]")
    elif isinstance(old, float):
        assert new == pytest.approx(old, abs=tolerance), where
    else:
        assert old == new, where
