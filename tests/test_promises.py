"""Each promise of tests/README.md names a test that is there, and of each part one that a plain ``make test`` runs."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
_, *PARTS = (TESTS / "README.md").read_text("utf-8").split("\n### ")
PROMISES = {part.splitlines()[0]: re.findall(r"`([^`]+\.py)::(\w+)`", part) for part in PARTS}


@cache
def claims_in(file: str) -> dict[str, bool]:
    """Return the tests of a file, each with whether it is marked slow whole."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        node.name: any(ast.unparse(mark) == "pytest.mark.slow" for mark in node.decorator_list) for node in functions
    }


@pytest.mark.parametrize("part", PROMISES)
def test_each_promise_names_a_test_and_of_each_part_some_are_quick(part: str) -> None:
    assert [f"{file}::{name}" for file, name in PROMISES[part] if name not in claims_in(file)] == []
    assert sum(not claims_in(file)[name] for file, name in PROMISES[part]) >= 3


def test_every_part_of_the_product_has_its_promises() -> None:
    assert len(PROMISES) == 10
    assert sum(map(len, PROMISES.values())) > 130
