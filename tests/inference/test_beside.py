"""What goes on beside something long: nobody waits for what somebody else asked for."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from helpers.waiting import until

if TYPE_CHECKING:
    from helpers.serving import Site


def test_a_prediction_does_not_wait_for_a_comparison_which_gives_way_to_it(
    site: Site, trained_run: Path, tiny_pictures: Path
) -> None:
    from gradio_client import handle_file

    picture = tiny_pictures / "dog_eval" / "sad" / "sad_000.png"
    assert site.process is not None
    server = psutil.Process(site.process.pid)

    def children() -> dict[int, int]:
        """How nice every model process is, beside the server, by its id."""
        usual = server.nice()
        return {
            each.pid: each.nice() - usual
            for each in server.children(recursive=True)
            if each.status() != psutil.STATUS_ZOMBIE
        }

    with site.client() as client:

        def predict() -> Any:
            return client.predict(run=trained_run.name, picture=handle_file(str(picture)), api_name="/predict")

        first = predict()
        before = set(children())
        sets = [each["key"] for each in client.predict(api_name="/picture_sets")]
        comparing = client.submit(run=trained_run.name, sets=sets, emotion="all", size=6, api_name="/compare")
        nice = until(lambda: {pid: by for pid, by in children().items() if pid not in before and by > 0})
        for pid in nice:  # However fast it is, it is not over meanwhile.
            os.kill(pid, signal.SIGSTOP)
        try:
            assert predict()["scores"] == first["scores"]
            assert not comparing.done()
        finally:
            for pid in nice:
                os.kill(pid, signal.SIGCONT)
        assert comparing.result()["run"] == trained_run.name
