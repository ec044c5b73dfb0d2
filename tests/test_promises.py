"""Each promise of tests/README.md names a test that is there, and one that a plain ``make test`` runs."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PROMISES = re.findall(r"^\| (.+?) \| (`.+`) \|$", (TESTS / "README.md").read_text("utf-8"), re.MULTILINE)
# It takes the server's life to show.
SLOW_ALONE = {"`make soak` shows it"}


@cache
def claims_in(file: str) -> dict[str, bool]:
    """Return the tests of a file, each with whether it is marked slow whole."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        node.name: any(ast.unparse(mark) == "pytest.mark.slow" for mark in node.decorator_list) for node in functions
    }


@pytest.mark.parametrize(("promise", "tests"), PROMISES, ids=[promise[:60] for promise, _ in PROMISES])
def test_a_promise_is_held_by_a_test_that_is_quick(promise: str, tests: str) -> None:
    named = [name.split("::") for name in re.findall(r"`([^`]+)`", tests)]
    missing = [f"{file}::{name}" for file, name in named if name not in claims_in(file)]
    assert missing == []
    assert promise in SLOW_ALONE or not all(claims_in(file)[name] for file, name in named)


def test_there_are_promises() -> None:
    assert len(PROMISES) > 100
