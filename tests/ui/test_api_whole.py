"""The named endpoints on the real thing: the bundled backbone, real processes, and gradio_client as anybody uses it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from serving_pages import SERVED, served

from emotion.backbones.bundled import is_complete
from emotion.backbones.registry import DEFAULT, models_folder
from emotion.ui.app import build_app
from emotion.worker import Workers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_complete(models_folder() / DEFAULT), reason="dinov2-small is not in models/: `make run`"),
    *SERVED,
]


def test_a_program_brings_pictures_trains_on_them_watches_predicts_and_compares(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_SETS", str(tmp_path / "sets"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    with zipfile.ZipFile(tmp_path / "people.zip", "w") as made:
        for file in (faces / "human_train").rglob("*.webp"):
            made.write(file, file.relative_to(faces / "human_train"))
    with Workers(runs_folder=tmp_path / "runs") as workers, served(build_app(workers)) as url:
        client = Client(url, verbose=False)
        archive = handle_file(tmp_path / "people.zip")
        own = client.predict(archive=archive, name="My people", species="human", api_name="/import_pictures")
        assert own["pictures"] == 24
        run = client.predict(picture_set=own["key"], epochs=4, batch_size=8, api_name="/train")["run"]
        while (said := client.predict(run=run, api_name="/run_status"))["status"] in ("queued", "running"):
            assert said["message"]
        assert said["status"] == "finished", said["message"]
        picture = next((faces / "dog_eval" / "sad").iterdir())
        judged = client.predict(picture=handle_file(picture), run=run, api_name="/predict")
        assert sum(judged["scores"].values()) == pytest.approx(1, abs=1e-4)
        again = client.predict(picture=handle_file(picture), api_name="/predict")
        assert again["scores"] == judged["scores"]
        found = client.predict(sets=["drawn/human_eval", "drawn/dog_eval"], run=run, size=6, api_name="/compare")
        assert [(each["set"], each["n"]) for each in found["samples"]] == [("human", 6), ("dog", 6)]
        assert found["gaps"][0]["sentence"]
        client.close()
