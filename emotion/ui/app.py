"""Assemble the dashboard from its tabs."""

import gradio as gr

from emotion.report.render import BLOCKS_STYLE
from emotion.server.services import Services
from emotion.ui.api import register
from emotion.ui.chosen import Chosen
from emotion.ui.compare.tab import CompareTab
from emotion.ui.events import Values, on
from emotion.ui.html import put
from emotion.ui.landing import build_landing
from emotion.ui.news import ADDRESS_SCRIPT, OPEN_ASKED_TAB, News, address
from emotion.ui.picture_sets import evaluation_sets, list_picture_sets, training_sets
from emotion.ui.pictures.tab import PicturesTab, key_to_train
from emotion.ui.predict.tab import PredictTab
from emotion.ui.run_board import RunBoard
from emotion.ui.runs_tab import RunsTab
from emotion.ui.train_tab import TrainTab, Watched

TITLE = "Emotion, across species"
DESCRIPTION = "Teach an image classifier four human emotions, then find out whether it can read a dog."
# The first press of Tab reaches the link past the header.
HEADER = f"""<a class="skip" href="#tabs">Skip to the tabs</a><header class="page-header"><h1>{TITLE}</h1>
<p>{DESCRIPTION}</p></header>"""
# Gradio's dropdown handles a key with a delay, after Tab has left it, and would open again over the next field.
TAB_LEAVES_LISTS = """<script>document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && event.target.matches('[role=combobox]')) event.stopPropagation();
}, true);</script>"""
# Arrow keys move between tabs, and the skip link moves focus past the header; Gradio lacks both.
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
# The accessible name of Gradio's file field must contain its visible text, for users of voice control.
FIELDS_ARE_CALLED_WHAT_THEY_SAY = """<script>new MutationObserver(() => {
    for (const field of document.querySelectorAll('button.upload-container[aria-label]')) {
        const text = field.innerText.trim().replace(/\\s+/g, ' ');
        if (text && field.ariaLabel !== text) field.ariaLabel = text;
    }
    const search = document.querySelector('#runs-table input:not([aria-label])');
    if (search) search.ariaLabel = 'Search the runs';
}).observe(document.documentElement, {subtree: true, childList: true});</script>"""
# Most browsers give HEIC files no type, and the widgets accept only files with an image type.
HEIC_IS_AN_IMAGE = r"""<script>{
  const type = Object.getOwnPropertyDescriptor(Blob.prototype, 'type');
  Object.defineProperty(File.prototype, 'type', {
    get() { return type.get.call(this) || (/\.hei[cf]$/i.test(this.name) ? 'image/heic' : ''); },
  });
}</script>"""
HEAD = f'<meta name="description" content="{DESCRIPTION}">' + TAB_LEAVES_LISTS + FIELDS_ARE_CALLED_WHAT_THEY_SAY
HEAD += f"{HEIC_IS_AN_IMAGE}{ARROWS_ON_TABS}{ADDRESS_SCRIPT}<style>{BLOCKS_STYLE}</style>"
# How often Gradio checks its cached files, and their maximum age.
CACHE_SECONDS = (3600, 86400)


def build_app(services: Services, board: RunBoard) -> gr.Blocks:
    """Return the page, which ``web_server`` serves with ``HEAD``."""
    page = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=CACHE_SECONDS, fill_width=False)
    with page:
        # First, so that no event of the page takes an endpoint's name.
        register(services, board)
        news = News(board)
        with gr.Row(elem_id="header"):
            put(HEADER)
            chosen = Chosen(board)
        build_landing()
        with gr.Tabs(selected="train", elem_id="tabs") as tabs:
            with gr.Tab("Train", id="train"):
                train = TrainTab(services, board, news)
            with gr.Tab("Predict", id="predict"):
                predict = PredictTab(services, board, chosen, news)
            with gr.Tab("Cross-species", id="compare"):
                compare = CompareTab(services, board, chosen, news)
            with gr.Tab("Runs", id="runs"):
                runs = RunsTab(services, board, chosen, news)
            with gr.Tab("Pictures", id="pictures"):
                pictures = PicturesTab(services)
        _connect_tabs(page, tabs)
        _connect_runs(chosen, train, runs, tabs)
        _connect_pictures(predict, pictures, train, tabs)
        train.settings.connect(page)
        chosen.follow(news)
        news.connect(page)
        _connect_sets(page, pictures, train, compare)
    return page


def _connect_tabs(page: gr.Blocks, tabs: gr.Tabs) -> None:
    """Store the open tab in the address, and open the tab that a link names."""
    for each in (tab for tab in tabs.children if isinstance(tab, gr.Tab)):
        on(each.select, None, None, None, js=address("tab", str(each.id)))
    on(page.load, None, None, tabs, js=OPEN_ASKED_TAB)


def _connect_runs(chosen: Chosen, train: TrainTab, runs: RunsTab, tabs: gr.Tabs) -> None:
    """Link a finished training to Predict and Cross-species, and an open run to its curves and its settings."""
    for button, tab in ((train.try_it, "predict"), (train.compare, "compare")):

        def lead(seen: Watched, tab: str = tab) -> Values:
            return {**chosen.use(seen.run), tabs: gr.Tabs(selected=tab)} if seen.run else {}

        on(button.click, lead, train.watched, [chosen.run, chosen.picked, tabs])

    def curves(name: str) -> Values:
        return {**train.follow(runs.board.find(name), is_live=False), tabs: gr.Tabs(selected="train")}

    def again(name: str) -> Values:
        return {**train.settings.of_run(runs.board.find(name)), tabs: gr.Tabs(selected="train")}

    on(runs.watch.click, curves, runs.open, [tabs, *train.view])
    on(runs.again.click, again, runs.open, [tabs, *train.settings.all])


def _connect_pictures(predict: PredictTab, pictures: PicturesTab, train: TrainTab, tabs: gr.Tabs) -> None:
    """Link a doubtful prediction to the import of photographs, and a picture set to a training on it."""
    ways = pictures.incoming.ways

    def photographs() -> Values:
        return {tabs: gr.Tabs(selected="pictures"), ways: gr.Tabs(selected="photographs")}

    def training(key: str | None) -> Values:
        return {train.pictures: key_to_train(key), tabs: gr.Tabs(selected="train")}

    on(predict.one.photographs.click, photographs, None, [tabs, ways])
    on(pictures.review.train.click, training, pictures.chosen, [tabs, train.pictures])


def _connect_sets(page: gr.Blocks, pictures: PicturesTab, train: TrainTab, compare: CompareTab) -> None:
    """Offer new picture sets in Train and Cross-species, without changing the current choice."""

    def offered() -> Values:
        sets = list_picture_sets()
        return {
            train.pictures: gr.Dropdown([(each.title, each.key) for each in training_sets(sets)]),
            compare.form.sets: gr.CheckboxGroup([(each.title, each.key) for each in evaluation_sets(sets)]),
        }

    pictures.connect(page, offered, [train.pictures, compare.form.sets])
