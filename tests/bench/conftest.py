"""A workplace in which nothing is trained: for measurements that are stand-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from emotion.bench.workplace import Workplace
from emotion.pictures.drawn import DRAWN_FOLDER


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(
        folder=tmp_path,
        pictures=DRAWN_FOLDER,
        peer=tmp_path / "no_peer.py",
        workers=cast(Any, None),
        is_full=False,
    )
