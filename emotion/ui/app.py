"""Assemble the dashboard from its tabs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from emotion.report.render import BLOCKS_STYLE
from emotion.server.services import Services
from emotion.ui.api import register
from emotion.ui.chosen import Chosen
from emotion.ui.compare.form import offered
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
from emotion.ui.train_tab import TrainTab

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
        _connect_ways(tabs, chosen, train, one, runs, pictures)
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


def _connect_ways(
    tabs: gr.Tabs, chosen: Chosen, train: TrainTab, one: OnePicture, runs: RunsTab, pictures: PicturesTab
) -> None:
    """Let buttons lead to another tab, with what they stand beside: a run, its curves or settings, a picture set."""

    def lead(button: gr.Button, tab: str, handler: Callable[..., Values], given: Any, outputs: Sequence[Any]) -> None:
        def leading(*values: Any) -> Values:
            return {**handler(*values), tabs: gr.Tabs(selected=tab)}

        on(button.click, leading, given, [tabs, *outputs])

    in_use, ways = [chosen.run, chosen.picked], pictures.incoming.ways
    for button, tab in ((train.try_it, "predict"), (train.compare, "compare")):
        lead(button, tab, lambda seen: chosen.use(seen.run), train.watched, in_use)
    find, follow, of_run = runs.board.find, train.follow, train.settings.of_run
    lead(runs.watch, "train", lambda name: follow(find(name), is_live=False), runs.open, train.view)
    lead(runs.again, "train", lambda name: of_run(find(name)), runs.open, train.settings.all)
    lead(one.photographs, "pictures", lambda: {ways: gr.Tabs(selected="photographs")}, None, [ways])
    to_train = [train.pictures]
    lead(pictures.train, "train", lambda key: {train.pictures: key_to_train(key)}, pictures.chosen, to_train)


def _connect_sets(page: gr.Blocks, pictures: PicturesTab, train: TrainTab, compare: CompareTab) -> None:
    """Offer new picture sets in Train and Cross-species, without changing the current choice."""

    def found() -> Values:
        sets = list_picture_sets()
        return {
            train.pictures: gr.Dropdown(offered(training_sets(sets))),
            compare.form.sets: gr.CheckboxGroup(offered(evaluation_sets(sets))),
        }

    pictures.connect(page, found, [train.pictures, compare.form.sets])
