"""Whose a run or a picture set is, and what follows from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emotion.errors import RefusedError
from emotion.owners import FILE, give, hashed, may_change, may_see, owner_of, share

ANNA, BERT = hashed("anna"), hashed("bert")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "thing").mkdir()
    return tmp_path / "thing"


def test_what_a_visitor_made_is_seen_and_changed_by_nobody_else(folder: Path):
    give(folder, ANNA)
    assert (may_see(folder, ANNA), may_change(folder, ANNA)) == (True, True)
    assert (may_see(folder, BERT), may_change(folder, BERT)) == (False, False)


def test_what_is_shared_is_seen_by_all_and_changed_by_its_owner_alone(folder: Path):
    give(folder, ANNA)
    share(folder, ANNA, shared=True)
    assert (may_see(folder, BERT), may_change(folder, BERT)) == (True, False)
    with pytest.raises(RefusedError, match="not yours"):
        share(folder, BERT, shared=False)
    share(folder, ANNA, shared=False)
    assert not may_see(folder, BERT)


def test_what_the_server_brought_is_seen_by_all_and_changed_by_no_visitor(folder: Path):
    assert (may_see(folder, ANNA), may_change(folder, ANNA)) == (True, False)
    assert not may_change(folder, "")
    with pytest.raises(RefusedError, match="the server's own"):
        share(folder, None, shared=False)


def test_whoever_sits_at_the_machine_may_do_everything(folder: Path):
    give(folder, None)
    assert not (folder / FILE).exists()
    give(folder, ANNA)
    assert (may_see(folder, None), may_change(folder, None)) == (True, True)


@pytest.mark.parametrize("torn", ["", "[]", "{}", '{"owner": 1}', "\udcff"])
def test_a_torn_file_opens_nothing(folder: Path, torn: str):
    (folder / FILE).write_bytes(torn.encode("utf-8", "surrogateescape"))
    assert not may_see(folder, ANNA)
    assert not may_change(folder, "")


def test_the_disk_has_the_hash_and_never_the_secret(folder: Path):
    give(folder, hashed("a secret"))
    assert json.loads((folder / FILE).read_text()) == {"owner": hashed("a secret"), "shared": False}
    assert len(owner_of(folder).owner) == 64
    assert [path.name for path in folder.iterdir()] == [FILE]
