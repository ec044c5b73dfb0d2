"""Whose a picture set is: written with it, and what another visitor learns of it."""

from __future__ import annotations

from pathlib import Path

from zips import make_zip, plain_files

from emotion.owners import owner_of, share
from emotion.sets.bringing import Bring, FromPath
from emotion.sets.saved import SavedSet


def bring(tmp_path: Path, name: str, *, owner: str) -> SavedSet:
    archive = make_zip(tmp_path / f"{name}.zip", plain_files())
    steps = Bring(FromPath(archive), name=name, root=tmp_path / "sets", owner=owner).carry_out()
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return SavedSet(tmp_path / "sets" / end.value.key)


def alike(found: SavedSet) -> set[str]:
    return {each.set for each in found.manifest.near_duplicates if each.set}


def test_a_visitor_learns_nothing_of_a_set_that_they_may_not_see(tmp_path: Path):
    hers = bring(tmp_path, "hers", owner="anna")
    assert owner_of(hers.folder).owner == "anna"
    assert alike(bring(tmp_path, "his", owner="bert")) == set()
    share(hers.folder, "anna", shared=True)
    assert alike(bring(tmp_path, "his-too", owner="bert")) == {"hers", "his"}
