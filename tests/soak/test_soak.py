"""The soak, bounded: the same visitors and the same faults for half a minute. ``make soak`` goes on for ten."""

import sys
from pathlib import Path

import pytest
from helpers.serving import ROOT
from soak import soak, write


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Faults are made as Linux makes them.")
@pytest.mark.skipif(
    not (ROOT / "models" / "dinov2-small" / "model.safetensors").is_file(),
    reason="dinov2-small is not in models/: `make run`",
)
def test_visitors_at_a_server_under_faults_see_nothing_odd_and_leave_nothing_untrue(tmp_path: Path):
    report = soak(25.0, visitors=12)
    # How flat and how fast takes longer to tell than this lasts.
    assert {claim: found for claim, found in report["claims"].items() if found} == {}
    assert report["faults"]["killed the server"] == 1
    assert report["calls"]["predict"]["outcomes"]["done"] > 0
    write(report, tmp_path)
    assert (tmp_path / "soak.md").read_text().startswith("# Soak\n")
