"""What may be done with a model beyond this page: pack it as a zip, push it to the Hub, share it with everyone."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion.core.errors import EmotionError
from emotion.core.format import megabytes
from emotion.core.owners import owner_of, share
from emotion.runs.run import Run
from emotion.server.services import Services
from emotion.ui.events import on
from emotion.ui.run_board import RunBoard
from emotion.ui.status import sentence
from emotion.ui.studying import watched
from emotion.ui.uploads import new_download

if TYPE_CHECKING:
    from emotion.server.publish import Pushed

TOKEN_NOTE = "One with write permission, from the Hub’s settings. It is used for this push and kept nowhere."
PRIVATE_NOTE = "Only you see it. Its page can change that later."
LABEL = "Share with everyone"
SHARE_NOTE = "Others see the run's settings and numbers and may use its model; your pictures they do not see."
# A token and a name are as long as the Hub allows; who pastes a book meant something else.
MAX_NAME, MAX_TOKEN = 200, 4096


class HandingOn:
    """The widgets for the run whose name is in ``run``, which the page keeps."""

    def __init__(self, services: Services, board: RunBoard, run: gr.State) -> None:
        self.services, self.board, self.run = services, board, run

    def build_pack(self) -> None:
        """Put two buttons here: one packs, the other, there once it is packed, downloads."""
        self.pack = gr.Button("Pack the model", elem_id="pack-model", min_width=140)
        self.file = gr.DownloadButton("Download the model", visible=False, elem_id="model-file", min_width=140)
        on(self.pack.click, self._pack, self.run, self.file, show_progress="full", show_progress_on=[self.pack])
        on(self.run.change, lambda: {self.file: gr.DownloadButton(visible=False)}, None, self.file, by_page=True)

    def build_share(self) -> None:
        """Put the switch here that opens a visitor's run to the others; there on a public server only."""
        self.switch = gr.Checkbox(label=LABEL, info=SHARE_NOTE, visible=False, elem_id="share")
        on(self.switch.input, self._share, [self.run, self.switch], self.switch)

    def build_push(self) -> None:
        """Put what a push needs to know here.

        The token is in no state of the page: it comes with the click, goes to the process that pushes, and its field is
        emptied before anything else happens. To close the page is to end the push.
        """
        plain = gr.InputHTMLAttributes(autocomplete="off", autocorrect="off", spellcheck=False)
        with gr.Accordion("Push to the Hub", open=False, elem_id="push"):
            repository = gr.Textbox(
                label="Repository", placeholder="user/name", max_length=MAX_NAME, html_attributes=plain,
                elem_id="push-repository",
            )  # fmt: skip
            private = gr.Checkbox(label="Private repository", value=True, info=PRIVATE_NOTE, elem_id="push-private")
            self.token = gr.Textbox(
                label="Access token", type="password", info=TOKEN_NOTE, max_length=MAX_TOKEN, html_attributes=plain,
                elem_id="push-token",
            )  # fmt: skip
            button = gr.Button("Push to the Hub", elem_id="push-model", size="md")
            self.status = gr.HTML("", elem_id="push-status", apply_default_css=False)
        on(
            button.click, self._push, [self.run, repository, private, self.token], [self.status, self.token],
            concurrency_limit=4, concurrency_id="push",
        )  # fmt: skip
        on(self.run.change, lambda: {self.status: ""}, None, self.status, by_page=True)

    def shared(self, run: Run) -> Any:
        """Return how the switch stands for a run: hidden for whoever may not turn it."""
        owner = owner_of(run.path)
        return gr.Checkbox(value=owner.shared, visible=bool(owner.owner) and owner.owner == self.board.visitor())

    def _share(self, name: str | None, shared: bool) -> dict[Any, Any]:
        run = self.board.find(name)
        share(run.path, self.board.visitor(), shared=bool(shared))
        return {self.switch: self.shared(run)}

    def _pack(self, name: str | None) -> dict[Any, Any]:
        # Only now: a page that is opened does not wait for what writes cards.
        from emotion.server.publish import zip_run

        run = self.board.find(name)
        made = zip_run(run, new_download(f"{run.name}.zip"))
        # With its name: by now another run may be on the page.
        return {self.file: gr.DownloadButton(f"Download {run.name}", value=str(made), visible=True)}

    def _push(self, name: str | None, repository: str, private: bool, token: str) -> Iterator[dict[Any, Any]]:
        # The field first, whatever comes of it.
        yield {self.token: ""}
        from emotion.server.publish import Push

        try:
            run = self.board.find(name)
            job = Push(run=run, repository=repository.strip(), token=token.strip(), private=private)
            pushed = yield from watched(self.services.do(job), place=lambda line: {self.status: line})
        except EmotionError as error:
            # Beside the fields, where it stays to be read.
            yield {self.status: sentence(str(error), kind="problem")}
            return
        yield {self.status: _pushed_html(run, pushed)}


def _pushed_html(run: Run, pushed: Pushed) -> str:
    """Return where a model went, with a link to its page."""
    address = html.escape(pushed.address)
    seen = "private" if pushed.private else "public"
    return (
        f'<p class="note" role="status">{html.escape(run.name)} is pushed to <a href="{address}" target="_blank" '
        f'rel="noopener noreferrer">{address}</a> ({seen}, {megabytes(pushed.bytes)} in one commit).</p>'
    )
