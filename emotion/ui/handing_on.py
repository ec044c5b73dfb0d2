"""Export of a model: pack it as a zip, push it to the Hub, share it with other visitors."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from emotion.core.errors import EmotionError
from emotion.core.format import megabytes
from emotion.core.owners import OF_THE_SERVER, owner_of, share
from emotion.server.services import Services
from emotion.ui.events import Steps, Values, on, watched
from emotion.ui.html import sentence, slot
from emotion.ui.run_board import RunBoard
from emotion.ui.uploads import new_download
from emotion.ui.visitor import current_visitor

if TYPE_CHECKING:
    from emotion.server.publish import Pushed

TOKEN_NOTE = "One with write permission, from the Hub’s settings. It is used for this push and kept nowhere."
PRIVATE_NOTE = "Only you see it. Its page can change that later."
LABEL = "Share with everyone"
SHARE_NOTE = "Others see the run's settings and numbers and may use its model. They do not see your pictures."
# The Hub's own limits, in characters.
MAX_NAME, MAX_TOKEN = 200, 4096


def share_switch(folder: Path | None) -> gr.Checkbox:
    """Return the sharing switch of a run's or a set's folder: hidden unless it is the visitor's."""
    owner = owner_of(folder) if folder else OF_THE_SERVER
    return gr.Checkbox(value=owner.shared, visible=bool(owner.owner) and owner.owner == current_visitor())


class HandingOn:
    """The widgets that export the run whose name is in the state ``run``; each build method adds some of them."""

    def __init__(self, services: Services, board: RunBoard, run: gr.State) -> None:
        self.services, self.board, self.run = services, board, run

    def build_pack(self) -> None:
        """Add two buttons: one packs the model, the other, visible afterwards, downloads it."""
        pack = gr.Button("Pack the model", min_width=140)
        self.file = gr.DownloadButton("Download the model", visible=False, min_width=140)
        on(pack.click, self._pack, self.run, self.file, show_progress="full", show_progress_on=[pack])
        on(self.run.change, lambda: {self.file: gr.DownloadButton(visible=False)}, None, self.file, by_page=True)

    def build_share(self) -> None:
        """Add the switch that shares the run with other visitors; visible on a public server only."""
        self.switch = gr.Checkbox(label=LABEL, info=SHARE_NOTE, visible=False)
        on(self.switch.input, self._share, [self.run, self.switch], self.switch)

    def build_push(self) -> None:
        """Add the fields of a push.

        The token is stored in no state of the page: it comes with the click and goes to the process that pushes; its
        field is emptied first. Closing the page ends the push.
        """
        plain: dict[str, Any] = {
            "html_attributes": gr.InputHTMLAttributes(autocomplete="off", autocorrect="off", spellcheck=False)
        }
        with gr.Accordion("Push to the Hub", open=False, elem_id="push"):
            repository = gr.Textbox(label="Repository", placeholder="user/name", max_length=MAX_NAME, **plain)
            private = gr.Checkbox(label="Private repository", value=True, info=PRIVATE_NOTE)
            self.token = gr.Textbox(
                label="Access token", type="password", info=TOKEN_NOTE, max_length=MAX_TOKEN, **plain
            )
            button = gr.Button("Push to the Hub", size="md")
            self.status = slot("push-status")
        given, shown = [self.run, repository, private, self.token], [self.status, self.token]
        on(button.click, self._push, given, shown, concurrency_limit=4, concurrency_id="push")
        on(self.run.change, lambda: {self.status: ""}, None, self.status, by_page=True)

    def _share(self, name: str | None, shared: bool) -> Values:
        run = self.board.find(name)
        share(run.path, self.board.visitor(), shared=bool(shared))
        return {self.switch: share_switch(run.path)}

    def _pack(self, name: str | None) -> Values:
        from emotion.server.publish import zip_run  # Slow to import.

        run = self.board.find(name)
        made = zip_run(run, new_download(f"{run.name}.zip"))
        # With the run's name: another run may be on the page by now.
        return {self.file: gr.DownloadButton(f"Download {run.name}", value=str(made), visible=True)}

    def _push(self, name: str | None, repository: str, private: bool, token: str) -> Steps:
        yield {self.token: ""}  # First, whatever happens next.
        from emotion.server.publish import Push

        try:
            run = self.board.find(name)
            job = Push(run=run, repository=repository.strip(), token=token.strip(), private=private)
            pushed = yield from watched(self.services.do(job), self.status)
            yield {self.status: _pushed_html(run.name, pushed)}
        except EmotionError as error:
            yield {self.status: sentence(str(error), kind="problem")}


def _pushed_html(run: str, pushed: Pushed) -> str:
    """Return a sentence on the push, with a link to the repository."""
    address, seen = html.escape(pushed.address), "private" if pushed.private else "public"
    return (
        f'<p class="note" role="status">{html.escape(run)} is pushed to <a href="{address}" target="_blank" '
        f'rel="noopener noreferrer">{address}</a> ({seen}, {megabytes(pushed.bytes)} in one commit).</p>'
    )
