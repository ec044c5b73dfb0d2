"""Assemble the dashboard from its tabs. Everything heavy is done by ``Services``."""

from __future__ import annotations

from typing import Any

import gradio as gr

from emotion.report.render import BLOCKS_STYLE
from emotion.server.services import Services
from emotion.ui.address import SCRIPT, TABS, address, named
from emotion.ui.api import register
from emotion.ui.chosen import Chosen
from emotion.ui.compare.tab import CompareTab
from emotion.ui.events import on
from emotion.ui.handlers import offered_sets
from emotion.ui.landing import Landing
from emotion.ui.news import News
from emotion.ui.pictures.tab import PicturesTab, key_to_train
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard
from emotion.ui.runs_tab import RunsTab
from emotion.ui.settings import ListBackbones, known_backbones
from emotion.ui.train_tab import TrainTab
from emotion.ui.watching import Watch

TITLE = "Emotion, across species"
DESCRIPTION = "Teach an image classifier four human emotions, then find out whether it can read a dog."
# On a keyboard the first Tab leads past the header.
HEADER = f"""<a class="skip" href="#tabs">Skip to the tabs</a><header class="page-header"><h1>{TITLE}</h1>
<p>{DESCRIPTION}</p></header>"""
# Gradio's dropdown answers to a key a moment later, by when Tab has left it: it would open again, over the next field.
TAB_LEAVES_LISTS = """<script>document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && event.target.matches('[role=combobox]')) event.stopPropagation();
}, true);</script>"""
# Arrows lead from one tab to the next, and the first link past the header; Gradio leaves both out.
ARROWS_ON_TABS = """<script>document.addEventListener('keydown', (event) => {
    const tab = event.target.closest?.('[role=tab]'), step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.parentElement.querySelectorAll('[role=tab]')].filter((each) => each.offsetParent);
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
    event.preventDefault();
});
document.addEventListener('click', (event) => {
    if (!event.target.closest?.('.skip')) return;
    event.preventDefault();
    document.querySelector('#tabs [role=tab][aria-selected=true]').focus();
});</script>"""
# Gradio's field for files is called otherwise than what stands in it, and whoever speaks to the page says that.
FIELDS_ARE_CALLED_WHAT_THEY_SAY = """<script>new MutationObserver(() => {
    for (const field of document.querySelectorAll('button.upload-container[aria-label]')) {
        const text = field.innerText.trim().replace(/\\s+/g, ' ');
        if (text && field.ariaLabel !== text) field.ariaLabel = text;
    }
    const search = document.querySelector('#runs-table input:not([aria-label])');
    if (search) search.ariaLabel = 'Search the runs';
}).observe(document.documentElement, {subtree: true, childList: true});</script>"""
# Most browsers do not know HEIC, and the widgets take only what is an image to the browser.
HEIC_IS_AN_IMAGE = r"""<script>{
  const type = Object.getOwnPropertyDescriptor(Blob.prototype, 'type');
  Object.defineProperty(File.prototype, 'type', {
    get() { return type.get.call(this) || (/\.hei[cf]$/i.test(this.name) ? 'image/heic' : ''); },
  });
}</script>"""
HEAD = f'<meta name="description" content="{DESCRIPTION}">' + TAB_LEAVES_LISTS + FIELDS_ARE_CALLED_WHAT_THEY_SAY
HEAD += f"{HEIC_IS_AN_IMAGE}{ARROWS_ON_TABS}{SCRIPT}<style>{BLOCKS_STYLE}</style>"
# Files that Gradio keeps for a page are looked at every hour and deleted after a day.
CACHE_SECONDS = (3600, 86400)


def build_app(services: Services, board: RunBoard, *, backbones: ListBackbones = known_backbones) -> gr.Blocks:
    """Return the page; it is served by ``web_server``, with ``HEAD``."""
    page = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=CACHE_SECONDS, fill_width=False)
    with page:
        # First, so that no event of the page takes one of their names.
        register(services, board)
        news = News(board)
        with gr.Row(elem_id="header"):
            gr.HTML(HEADER, apply_default_css=False)
            chosen = Chosen(board)
        landing = Landing(board, news)
        with gr.Tabs(selected="train", elem_id="tabs") as tabs:
            with gr.Tab("Train", id="train"):
                train = TrainTab(services, board, list(backbones()), news)
            with gr.Tab("Predict", id="predict"):
                predict = PredictTab(services, board, chosen, news)
            with gr.Tab("Cross-species", id="compare"):
                compare = CompareTab(services, board, chosen, news)
            with gr.Tab("Runs", id="runs"):
                runs = RunsTab(services, board, chosen, news)
            with gr.Tab("Pictures", id="pictures"):
                pictures = PicturesTab(services)
        _connect_tabs(tabs, news, landing)
        _connect_runs(chosen, train, runs, tabs)
        _connect_pictures(predict, pictures, train, tabs)
        train.kept.connect(page)
        chosen.follow(news)
        news.connect(page)
        pictures.connect(page, offered_sets, [train.pictures, compare.form.sets])
    return page


def _connect_tabs(tabs: gr.Tabs, news: News, landing: Landing) -> None:
    """Keep the open tab in the address, and open the one that a link or the intro asks for."""
    landing.lead_to(tabs)
    for each in (tab for tab in tabs.children if isinstance(tab, gr.Tab)):
        on(each.select, None, None, None, js=address("tab", str(each.id)))

    def asked_tab(asked: str) -> dict[Any, Any]:
        tab = named(asked, "tab")
        return {tabs: gr.Tabs(selected=tab)} if tab in TABS else {}

    news.tell(asked_tab, [news.address], [tabs])


def _connect_runs(chosen: Chosen, train: TrainTab, runs: RunsTab, tabs: gr.Tabs) -> None:
    """Lead from a finished training to what its model may do, and from a run back to its curves and its settings."""
    for button, tab in ((train.try_it, "predict"), (train.compare, "compare")):

        def lead(seen: Watch, tab: str = tab) -> dict[Any, Any]:
            return {**chosen.use(seen.run.name), tabs: gr.Tabs(selected=tab)} if seen.run else {}

        on(button.click, lead, train.watch, [chosen.run, chosen.picked, tabs])

    def curves(name: str) -> dict[Any, Any]:
        return {**train.follow(runs.board.find(name), is_live=False), tabs: gr.Tabs(selected="train")}

    def again(name: str) -> dict[Any, Any]:
        return {**train.kept.of_run(runs.board.find(name)), tabs: gr.Tabs(selected="train")}

    on(runs.watch.click, curves, runs.open, [tabs, *train.view])
    on(runs.again.click, again, runs.open, [tabs, *train.kept.widgets])


def _connect_pictures(predict: PredictTab, pictures: PicturesTab, train: TrainTab, tabs: gr.Tabs) -> None:
    """Lead from a doubtful prediction to photographs, and from a picture set to a training on it."""
    ways = pictures.incoming.ways

    def photographs() -> dict[Any, Any]:
        return {tabs: gr.Tabs(selected="pictures"), ways: gr.Tabs(selected="photographs")}

    def training(key: str | None) -> dict[Any, Any]:
        return {train.pictures: key_to_train(key), tabs: gr.Tabs(selected="train")}

    on(predict.one.photographs.click, photographs, None, [tabs, ways])
    on(pictures.review.train.click, training, pictures.chosen, [tabs, train.pictures])
