"""Assemble the dashboard from its tabs."""

from pathlib import Path

import gradio as gr

from emotion.report.render import BLOCKS_STYLE
from emotion.server.services import Services
from emotion.ui.api import register
from emotion.ui.chosen import Chosen
from emotion.ui.compare.tab import CompareTab
from emotion.ui.events import Values, on
from emotion.ui.html import put
from emotion.ui.landing import build_landing
from emotion.ui.news import OPEN_ASKED_TAB, News, address
from emotion.ui.picture_sets import evaluation_sets, list_picture_sets, training_sets
from emotion.ui.pictures.tab import PicturesTab, key_to_train
from emotion.ui.predict.live import LiveCamera
from emotion.ui.predict.many import ManyPictures
from emotion.ui.predict.one import NO_OTHER, OnePicture
from emotion.ui.run_board import RunBoard
from emotion.ui.runs_tab import RunsTab
from emotion.ui.train_tab import TrainTab, Watched

TITLE = "Emotion, across species"
DESCRIPTION = "Teach an image classifier four human emotions, then find out whether it can read a dog."
# The first press of Tab reaches the link past the header.
HEADER = f"""<a class="skip" href="#tabs">Skip to the tabs</a><header class="page-header"><h1>{TITLE}</h1>
<p>{DESCRIPTION}</p></header>"""
_SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
HEAD = f'''<meta name="description" content="{DESCRIPTION}"><script>{{{_SCRIPT}}}</script>
<style>{BLOCKS_STYLE}</style>'''
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
                one = _build_predict(services, board, chosen)
            with gr.Tab("Cross-species", id="compare"):
                compare = CompareTab(services, board, chosen, news)
            with gr.Tab("Runs", id="runs"):
                runs = RunsTab(services, board, chosen, news)
            with gr.Tab("Pictures", id="pictures"):
                pictures = PicturesTab(services)
        _connect_tabs(page, tabs)
        _connect_runs(chosen, train, runs, tabs)
        _connect_pictures(one, pictures, train, tabs)
        train.settings.connect(page)
        chosen.follow(news)
        news.connect(page)
        _connect_sets(page, pictures, train, compare)
    return page


def _build_predict(services: Services, board: RunBoard, chosen: Chosen) -> OnePicture:
    """Build the Predict tab: one picture, a live camera, and many pictures, judged by the run in use."""
    chosen.waits()
    with gr.Tabs(elem_id="predict-ways"):
        with gr.Tab("A picture"):
            one = OnePicture(services, board, chosen.run)
        with gr.Tab("Live camera"):
            LiveCamera(services, board, chosen.run)
    put('<h3 class="section-title">Many pictures</h3>')
    ManyPictures(services, board, chosen.run)
    chosen.also_offered(one.other, none=NO_OTHER)
    return one


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


def _connect_pictures(one: OnePicture, pictures: PicturesTab, train: TrainTab, tabs: gr.Tabs) -> None:
    """Link a doubtful prediction to the import of photographs, and a picture set to a training on it."""
    ways = pictures.incoming.ways

    def photographs() -> Values:
        return {tabs: gr.Tabs(selected="pictures"), ways: gr.Tabs(selected="photographs")}

    def training(key: str | None) -> Values:
        return {train.pictures: key_to_train(key), tabs: gr.Tabs(selected="train")}

    on(one.photographs.click, photographs, None, [tabs, ways])
    on(pictures.train.click, training, pictures.chosen, [tabs, train.pictures])


def _connect_sets(page: gr.Blocks, pictures: PicturesTab, train: TrainTab, compare: CompareTab) -> None:
    """Offer new picture sets in Train and Cross-species, without changing the current choice."""

    def offered() -> Values:
        sets = list_picture_sets()
        return {
            train.pictures: gr.Dropdown([(each.title, each.key) for each in training_sets(sets)]),
            compare.form.sets: gr.CheckboxGroup([(each.title, each.key) for each in evaluation_sets(sets)]),
        }

    pictures.connect(page, offered, [train.pictures, compare.form.sets])
