"""Assemble the dashboard from its tabs. Everything heavy is done by ``Services``."""

from __future__ import annotations

import gradio as gr

from emotion.server.services import Services
from emotion.ui.api import register
from emotion.ui.compare.tab import CompareTab
from emotion.ui.guard import guarded
from emotion.ui.handlers import EVERY_PRESS, POLL, QUIET, offered_sets
from emotion.ui.landing import Landing
from emotion.ui.news import News
from emotion.ui.pictures.tab import PicturesTab, key_to_train
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard
from emotion.ui.run_tab import IN_TURN, RunTab
from emotion.ui.runs_table import RunsTable
from emotion.ui.settings import ListBackbones, known_backbones
from emotion.ui.train_tab import TrainTab

TITLE = "Emotion, across species"
DESCRIPTION = "Teach an image classifier four human emotions, then find out whether it can read a dog."
HEADER = f"""<header class="page-header"><h1>{TITLE}</h1>
<p>{DESCRIPTION}</p></header>"""
FIRST_RUN = "Nothing is trained yet. Predict and Cross-species wait for a first run."
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
# Most browsers do not know HEIC, and the widgets take only what is an image to the browser.
HEIC_IS_AN_IMAGE = r"""<script>{
  const type = Object.getOwnPropertyDescriptor(Blob.prototype, 'type');
  Object.defineProperty(File.prototype, 'type', {
    get() { return type.get.call(this) || (/\.hei[cf]$/i.test(this.name) ? 'image/heic' : ''); },
  });
}</script>"""
HEAD = f'<meta name="description" content="{DESCRIPTION}">' + TAB_LEAVES_LISTS + FIELDS_ARE_CALLED_WHAT_THEY_SAY
HEAD += HEIC_IS_AN_IMAGE
# Files that Gradio keeps for a page are looked at every hour and deleted after a day.
CACHE_SECONDS = (3600, 86400)


def build_app(services: Services, board: RunBoard, *, backbones: ListBackbones = known_backbones) -> gr.Blocks:
    """Return the page; it is served by ``web_server``, with ``HEAD``."""
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
        predict.one.photographs.click(
            guarded(lambda: [gr.Tabs(selected="pictures"), gr.Tabs(selected="photographs")]), None,
            [tabs, pictures.incoming.ways], **QUIET,
        )  # fmt: skip
        train.kept.connect(page)
        train.sweep.connect(page)
        page.load(guarded(train.asked.by_page(train.attach)), [train.remembered, train.asked.count], train.view, **POLL)
        predict.follow(news)
        compare.picker.follow(news)
        news.connect(page)
        pictures.connect(page, offered_sets, [train.pictures, compare.form.sets])
        pictures.review.train.click(
            guarded(lambda key: {tabs: gr.Tabs(selected="train"), train.pictures: key_to_train(key)}),
            pictures.chosen, [tabs, train.pictures], **QUIET,
        )  # fmt: skip
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
