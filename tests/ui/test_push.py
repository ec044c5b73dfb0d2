"""Push to the Hub as its handler does it: the field is emptied first, and whoever may use a run may push it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import gradio as gr
import pytest
from scripted import ScriptedServices

from emotion.errors import HubError
from emotion.export.pushing import Push, Pushed
from emotion.job import Progress
from emotion.owners import share
from emotion.run import Run
from emotion.runs import create_run
from emotion.ui.pushing import Pushing, pushed_html
from emotion.ui.run_board import RunBoard

TOKEN = "hf_AnnasToken"
SKIPPED = gr.skip()


class Hub(ScriptedServices):
    """Services that push nowhere and remember what was asked of them."""

    refusal = ""

    def do(self, job: Push) -> Generator[Progress, None, Pushed]:
        self.job = job
        yield Progress(3, 4, "sending 4 MB")
        if self.refusal:
            raise HubError(self.refusal)
        return Pushed(f"https://hub.test/{job.repository}", "d" * 40, job.private, 4_000_000)


@pytest.fixture
def hub(services: ScriptedServices) -> Hub:
    return Hub(services.runs_folder)


def asked(hub: Hub, run: Run, *, visitor: str | None = None, repository: str = " anna/emotions ") -> Iterator[Any]:
    with gr.Blocks():
        pushing = Pushing(hub, RunBoard(hub.runs_folder, visitor=lambda: visitor), gr.Dropdown())
    return pushing.push(run.name, repository, True, f" {TOKEN}\n")


def test_the_field_is_emptied_before_anything_else_and_the_end_links_to_the_repository(hub: Hub, trained: Run):
    steps = asked(hub, trained)
    assert next(steps) == [SKIPPED, ""]
    assert not hasattr(hub, "job")
    rest = list(steps)
    assert (hub.job.run, hub.job.repository, hub.job.token, hub.job.private) == (trained, "anna/emotions", TOKEN, True)
    assert any("Sending 4 MB." in line and "width:75.0%" in line for line, _ in rest[:-1])
    assert 'href="https://hub.test/anna/emotions"' in rest[-1][0]
    assert "(private, 4 MB in one commit)" in rest[-1][0]
    assert all(TOKEN not in line for line, _ in rest)
    # What is typed meanwhile stays.
    assert all(field == SKIPPED for _, field in rest)


def test_a_job_says_its_token_to_nobody(hub: Hub, trained: Run):
    list(asked(hub, trained))
    assert TOKEN not in f"{hub.job} {hub.job!r}"


def test_a_refusal_stays_beside_the_fields(hub: Hub, trained: Run):
    hub.refusal = "The Hub does not know <this> token."
    *_, (line, field) = asked(hub, trained)
    assert (line, field) == ('<p class="problem" role="status">The Hub does not know &lt;this&gt; token.</p>', SKIPPED)
    *_, (line, _) = asked(hub, trained, repository="no name")
    assert "is no name of a repository" in line


def test_a_visitor_pushes_a_shared_run_and_no_other(hub: Hub, trained: Run):
    run = create_run(trained.config(), root=hub.runs_folder, owner="anna")
    run.checkpoint.mkdir()
    (run.checkpoint / "config.json").write_text("{}")
    assert "Pushed to" in list(asked(hub, run, visitor="anna"))[-1][0]
    assert "That run is gone" in list(asked(hub, run, visitor="bert"))[-1][0]
    share(run.path, "anna", shared=True)
    assert "Pushed to" in list(asked(hub, run, visitor="bert"))[-1][0]
    # What the server's owner put there is for all.
    assert "Pushed to" in list(asked(hub, trained, visitor="bert"))[-1][0]


def test_an_address_is_no_markup():
    assert "<script>" not in pushed_html(Pushed('http://hub/"><script>', "d" * 40, False, 1))
