"""One public server for the tests of its visitors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.serving import Site, serving


@pytest.fixture(scope="session")
def space_server(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path, tiny_dinov2: Path) -> Iterator[Site]:
    """A Space, whose proxy says where a visitor comes from, with little room, where a tiny backbone may be trained."""
    environment = {
        "EMOTION_PICTURES": str(tiny_pictures), "EMOTION_PUBLIC_SMALL": str(tiny_dinov2), "EMOTION_PUBLIC_QUEUED": "2",
        "EMOTION_PUBLIC_DISK_GIGABYTES": "4", "SPACE_ID": "somebody/emotion", "SPACE_HOST": "somebody-emotion.hf.space",
    }  # fmt: skip
    with serving(tmp_path_factory.mktemp("space"), environment=environment, public=True) as site:
        yield site


@pytest.fixture(scope="module")
def public_site(space_server: Site, trained_run: Path) -> Site:
    """The public server as a module finds it: with a run of its own alone."""
    space_server.clear()
    shutil.copytree(trained_run, space_server.runs / trained_run.name)
    return space_server
