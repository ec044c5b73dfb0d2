"""Push to the Hub: a run's model into a repository of the visitor's, with a token that leaves the page at once."""

from __future__ import annotations

import html
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion.core.errors import EmotionError
from emotion.core.format import megabytes
from emotion.server.services import Services
from emotion.ui.guard import guarded, guarded_stream
from emotion.ui.handlers import QUIET
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence
from emotion.ui.studying import watched

if TYPE_CHECKING:
    from emotion.server.publish import Pushed

TOKEN_NOTE = "One with write permission, from the Hub’s settings. It is used for this push and kept nowhere."
PRIVATE_NOTE = "Only you see it. Its page can change that later."
# A token and a name are as long as the Hub allows; who pastes a book meant something else.
MAX_NAME, MAX_TOKEN = 200, 4096


class Pushing:
    """What a push needs to know, a button, and how it goes, for the run that is chosen in ``run``.

    The token is in no state of the page: it comes with the click, goes to the process that pushes, and its field is
    emptied before anything else happens. To close the page is to end the push.
    """

    def __init__(self, services: Services, board: RunBoard, run: gr.Dropdown) -> None:
        self.services = services
        self.board = board
        plain = gr.InputHTMLAttributes(autocomplete="off", autocorrect="off", spellcheck=False)
        with gr.Accordion("Push to the Hub", open=False, elem_id="push"):
            self.repository = gr.Textbox(
                label="Repository", placeholder="user/name", max_length=MAX_NAME, html_attributes=plain,
                elem_id="push-repository",
            )  # fmt: skip
            self.private = gr.Checkbox(
                label="Private repository", value=True, info=PRIVATE_NOTE, elem_id="push-private"
            )
            self.token = gr.Textbox(
                label="Access token", type="password", info=TOKEN_NOTE, max_length=MAX_TOKEN, html_attributes=plain,
                elem_id="push-token",
            )  # fmt: skip
            self.button = gr.Button("Push to the Hub", elem_id="push-model", size="md")
            self.status = gr.HTML("", elem_id="push-status", apply_default_css=False)
        # The run that the status tells of.
        self.told = gr.State("")
        outputs = [self.status, self.token, self.told]
        self.button.click(
            guarded_stream(self.push), [run, self.repository, self.private, self.token], outputs,
            concurrency_limit=4, concurrency_id="push", **QUIET,
        )  # fmt: skip
        run.change(guarded(self.hide), [run, self.told], self.status, **QUIET)

    def hide(self, name: str | None, told: str) -> Any:
        """Empty the status of another run."""
        return gr.skip() if name == told else ""

    def push(self, name: str | None, repository: str, private: bool, token: str) -> Generator[list[Any], None, None]:
        """Push the run's model, and say where it is."""
        # The field first, whatever comes of it.
        yield [gr.skip(), "", name]
        # Only now: a page that is opened does not wait for what writes cards.
        from emotion.server.publish import Push

        try:
            run = self.board.find(name)
            job = Push(run=run, repository=repository.strip(), token=token.strip(), private=private)
            pushed = yield from watched(self.services.do(job), place=lambda line: [line, gr.skip(), name])
        except EmotionError as error:
            # Beside the fields, where it stays to be read.
            yield [sentence(str(error), kind="problem"), gr.skip(), name]
            return
        yield [pushed_html(pushed), gr.skip(), name]


def pushed_html(pushed: Pushed) -> str:
    """Return where a model went, with a link to its page."""
    address = html.escape(pushed.address)
    seen = "private" if pushed.private else "public"
    return (
        f'<p class="note" role="status">Pushed to <a href="{address}" target="_blank" rel="noopener noreferrer">'
        f"{address}</a> ({seen}, {megabytes(pushed.bytes)} in one commit).</p>"
    )
