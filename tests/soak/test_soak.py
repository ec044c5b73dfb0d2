"""The soak, bounded: the same visitors and the same faults for half a minute. ``make soak`` goes on for ten."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from soak import soak
from soak_record import SERVER_KILLED
from soak_report import JSON, MARKDOWN
from soak_verdict import Claim

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder

SECONDS, VISITORS = 25.0, 12
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="Faults are made as Linux makes them."),
    pytest.mark.skipif(not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: `make run`"),
]


def test_visitors_at_a_server_under_faults_see_nothing_odd_and_leave_nothing_untrue(tmp_path: Path) -> None:
    report = soak(SECONDS, visitors=VISITORS)
    # How flat and how fast takes longer to tell than this lasts.
    untrue: list[Claim] = [claim for claim in report.claims if claim.is_met is False]
    assert untrue == []
    assert report.record.starts
    assert SERVER_KILLED in {text for _, text in report.record.faults}
    assert report.record.seconds_of("predict")
    report.write(tmp_path)
    assert (tmp_path / MARKDOWN).read_text().startswith("# Soak\n")
    assert (tmp_path / JSON).stat().st_size
