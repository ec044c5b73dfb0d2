"""Assemble the dashboard from its tabs, and serve it. Everything heavy comes in through ``Services``."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from emotion.errors import ConfigError
from emotion.mcp import serves_mcp, what_to_install
from emotion.public import public_limits
from emotion.ui.api import register
from emotion.ui.compare.tab import CompareTab
from emotion.ui.guard import guarded
from emotion.ui.handlers import EVERY_PRESS, POLL, QUIET, offered_sets
from emotion.ui.landing import Landing
from emotion.ui.light_sessions import SESSIONS, keep_sessions_light
from emotion.ui.news import News
from emotion.ui.own_uploads import fetch_nothing, keep_uploads_apart
from emotion.ui.password import asked_password
from emotion.ui.pictures.tab import PicturesTab
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard
from emotion.ui.run_tab import IN_TURN, RunTab
from emotion.ui.runs_table import RunsTable
from emotion.ui.services import Services
from emotion.ui.settings import ListBackbones, known_backbones
from emotion.ui.theme import ICON, STYLE, theme
from emotion.ui.train_tab import TrainTab
from emotion.ui.uploads import UploadsOfVisitors
from emotion.ui.visited import VisitedServices
from emotion.ui.visitor import VisitorCookie

TITLE = "Emotion, across species"
DESCRIPTION = "Teach an image classifier four human emotions, then find out whether it can read a dog."
HEADER = f"""<header class="page-header"><h1>{TITLE}</h1>
<p>{DESCRIPTION}</p></header>"""
FIRST_RUN = "Nothing is trained yet. Predict and Cross-species wait for a first run."
MAX_UPLOAD = "4gb"
# Gradio's dropdown answers to a key a moment later, by when Tab has left it: it would open again, over the next field.
TAB_LEAVES_LISTS = """<script>document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && event.target.matches('[role=combobox]')) event.stopPropagation();
}, true);</script>"""
# Gradio's field for files is called otherwise than what stands in it, and whoever speaks to the page says that.
FIELDS_ARE_CALLED_WHAT_THEY_SAY = """<script>new MutationObserver(() => {
    for (const field of document.querySelectorAll('button.upload-container[aria-label]')) {
        const text = field.innerText.trim().replace(/\\s+/g, ' ');
        if (text && field.ariaLabel !== text) field.ariaLabel = text;
    }
}).observe(document.documentElement, {subtree: true, childList: true});</script>"""
# Files that Gradio keeps for a page are looked at every hour and deleted after a day.
CACHE_SECONDS = (3600, 86400)


def build_app(services: Services, *, backbones: ListBackbones = known_backbones) -> gr.Blocks:
    """Return the page; give it to ``launch``."""
    board = RunBoard(services.runs_folder)
    services = VisitedServices(services, board, public_limits())
    page = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=CACHE_SECONDS, fill_width=False)
    with page:
        # First, so that no event of the page takes one of their names.
        register(services, board)
        news = News(board)
        gr.HTML(HEADER, apply_default_css=False)
        with gr.Row(visible=False, elem_classes="first-run", elem_id="first-run") as first_run:
            gr.HTML(f"<p>{FIRST_RUN}</p>", apply_default_css=False)
            first = gr.Button("Train the default", variant="primary", elem_id="train-default", scale=0, min_width=180)
        landing = Landing()
        with gr.Tabs(selected="train", elem_id="tabs") as tabs:
            with gr.Tab("Pictures", id="pictures"):
                pictures = PicturesTab(services)
            with gr.Tab("Train", id="train"):
                train = TrainTab(services, board, list(backbones()))
                train.follow(news)
                table = RunsTable(board, news)
            with gr.Tab("Runs", id="runs"):
                runs = RunTab(services, board, news)
            with gr.Tab("Predict", id="predict"):
                predict = PredictTab(services, board)
            with gr.Tab("Cross-species", id="compare"):
                compare = CompareTab(services, board)
        landing.lead_to(tabs)
        first.click(
            guarded(
                train.asked.by_visitor(
                    lambda: [*train.start_default(), gr.Tabs(selected="train"), gr.Row(visible=False)]
                )
            ),
            train.asked.count,
            [*train.view, train.remembered, tabs, first_run],
            concurrency_id="start",
            **QUIET,
        )
        news.tell(lambda: [gr.Row(visible=not board.summaries())], [], [first_run])
        _connect_runs(runs, table, train, tabs)
        train.kept.connect(page)
        train.sweep.connect(page)
        page.load(guarded(train.asked.by_page(train.attach)), [train.remembered, train.asked.count], train.view, **POLL)
        for tab in (predict, compare):
            tab.picker.follow(news)
        predict.beside.follow(news)
        news.connect(page)
        pictures.connect(page, offered_sets, [train.pictures, compare.form.sets])
    return page


def _connect_runs(runs: RunTab, table: RunsTable, train: TrainTab, tabs: gr.Tabs) -> None:
    """Lead from a row of a table to its run, and from a run back to its curves and its settings."""
    for rows in (table.table, train.sweep.table):
        rows.click(guarded(runs.open_row), None, [tabs, *runs.view], trigger_mode=EVERY_PRESS, **IN_TURN)
    runs.watch.click(
        guarded(
            train.asked.by_visitor(
                lambda name: [gr.Tabs(selected="train"), *train.begin(runs.board.find(name), is_live=False)]
            )
        ),
        [runs.run, train.asked.count], [tabs, *train.view, train.remembered], **QUIET,
    )  # fmt: skip
    runs.again.click(
        guarded(lambda name: [gr.Tabs(selected="train"), *train.kept.of_run(runs.board.find(name))]),
        runs.run, [tabs, *train.kept.widgets], **QUIET,
    )  # fmt: skip


def launch(page: gr.Blocks, *, host: str, port: int | None, **more: Any) -> Any:
    """Serve the page; visitors' pictures are kept neither in their browser nor here, and nothing is asked elsewhere.

    Raises:
        ConfigError: MCP tools are asked for, and cannot be served.
        OSError: the address is in use.
    """
    limits, has_tools = public_limits(), serves_mcp()
    keep_uploads_apart()
    fetch_nothing()
    keep_sessions_light()
    if has_tools:
        from emotion.ui.mcp_tools import serve_our_tools

        serve_our_tools()
    served = page.launch(
        server_name=host,
        server_port=port,
        theme=theme(),
        css=STYLE.read_text(encoding="utf-8") if STYLE.is_file() else None,
        head=f'<meta name="description" content="{DESCRIPTION}">' + TAB_LEAVES_LISTS + FIELDS_ARE_CALLED_WHAT_THEY_SAY,
        run_history=False,
        ssr_mode=False,
        footer_links=[],
        max_file_size=f"{limits.upload_megabytes}mb" if limits else MAX_UPLOAD,
        # The first one sees a request first.
        app_kwargs={
            "middleware": [
                Middleware(VisitorCookie),
                Middleware(UploadsOfVisitors),
            ]
        },
        favicon_path=ICON if ICON.is_file() else None,
        share=False,
        # Gradio asks itself for the page and gives up after three seconds: a server that is started again while many
        # wait for it would end there.
        _frontend=False,
        state_session_capacity=SESSIONS,
        quiet=True,
        show_error=True,
        enable_monitoring=False,
        # Said in any case: otherwise a variable of Gradio's own opens its server, which asks for no password.
        mcp_server=has_tools,
        **asked_password(),
        **more,
    )
    if has_tools and not page.mcp_server:
        page.close(verbose=False)
        raise ConfigError(f"The MCP tools cannot be served ({page.mcp_error}): {what_to_install()}.")
    return served
