"""HTML shared by all tabs: statuses, sentences, badges, tables, tick boxes, small pictures."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gradio as gr
from PIL import Image

from emotion.core.errors import PictureError
from emotion.core.labels import DRAWN_NOTE, colour_of
from emotion.core.owners import may_see
from emotion.data.decoding import open_picture
from emotion.ui.visitor import current_visitor
from emotion.ui.words import public_words

# A transparent pixel for a picture that was moved or cannot be read.
EMPTY = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
# A box's ``data-tick`` names its picture. Gradio patches the old HTML into the new one, which would leave a box ticked
# on another picture. The widget's ``select`` event needs ``EVERY_PRESS``.
TICKS = """
element.addEventListener('change', (event) => {
    if (!event.target.matches('input[data-tick]')) return;
    const ticked = element.querySelectorAll('input[data-tick]:checked');
    trigger('select', {ticked: [...ticked].map((each) => each.dataset.tick)});
});
watch('value', () => {
    for (const box of element.querySelectorAll('input[data-tick]:checked')) box.checked = false;
});
"""


def slot(name: str, value: str = "", *, script: str | None = None) -> gr.HTML:
    """Add an HTML widget; ``name`` is its id on the page, ``script`` runs once with the widget as ``element``."""
    return gr.HTML(value, elem_id=name, js_on_load=script, apply_default_css=False)


def put(text: str) -> gr.HTML:
    """Add static HTML."""
    return gr.HTML(text, apply_default_css=False)


def camera(name: str, *, side: int, height: int) -> gr.Image:
    """Add a webcam that streams its pictures, about ``side`` pixels wide; ``name`` is its id on the page."""
    options = gr.WebcamOptions(constraints={"video": {"width": {"ideal": side}}})
    return gr.Image(
        sources=["webcam"], streaming=True, show_label=False, height=height, elem_id=name, buttons=[],
        webcam_options=options,
    )  # fmt: skip


def drawn_badge(*, shown: bool) -> str:
    """Return the badge that marks a result on drawn pictures; empty unless ``shown``."""
    return f'<span class="drawn-badge" title="{DRAWN_NOTE}">drawn pictures</span>' if shown else ""


def sentence(text: str, *, kind: str = "note") -> str:
    """Return a sentence as a paragraph of a kind; empty for an empty text."""
    return f'<p class="{kind}" role="status">{html.escape(public_words(text))}</p>' if text else ""


def status_box(kind: str, chip: str, text: str, share: float | None, *, detail: str = "") -> str:
    """Return a chip, a sentence and a progress bar (0 to 1; None if unknown)."""
    if share is not None:
        bar = f'<div class="bar"><i style="width:{share * 100:.1f}%"></i></div>'
    else:
        bar = '<div class="bar idle"></div>' if kind in ("running", "queued", "stopping") else ""
    name = f'<span class="detail">{html.escape(detail)}</span>' if detail else ""
    return (
        f'<div class="status {kind}" role="status"><div class="status-text"><span class="chip">{chip}</span>'
        f"<span class='status-sentence'>{html.escape(public_words(text))}</span>{name}</div>{bar}</div>"
    )


def bars(rows: Iterable[tuple[str, float, str]], *, chance: float | None = None, is_muted: bool = False) -> str:
    """Return a bar in its class's colour for each (class, share from 0 to 1, text beside it).

    A dotted line marks ``chance``; ``is_muted`` fades the bars.
    """
    told = "".join(
        f'<div><b>{html.escape(label)}</b><span class="class-bar"><i style="width:{share:.1%};'
        f'background:{colour_of(label)}"></i></span><span>{text}</span></div>'
        for label, share, text in rows
    )
    line = f' style="--chance:{chance:.1%}"' if chance is not None else ""
    kind = "class-bars" + (" against-chance" if line else "") + (" muted" if is_muted else "")
    return f'<div class="{kind}"{line}>{told}</div>'


def ticked(event: gr.EventData) -> tuple[str, ...]:
    """Return the ids of the ticked pictures, as the page sends them."""
    sent = event._data.get("ticked")
    return tuple(str(each) for each in sent) if isinstance(sent, list) else ()


def data_uri(picture: Path | Image.Image, *, side: int) -> str:
    """Return a picture as a WebP data URI, at most ``side`` pixels wide and high: nothing enters a public cache.
    Raises PictureError if it cannot be read.
    """
    image = open_picture(picture, side=side) if isinstance(picture, Path) else picture.copy()
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def data_uris(pictures: Sequence[Path], *, side: int) -> list[str]:
    """Return pictures as data URIs; an empty one for a picture that is unreadable or hidden from the visitor.

    A picture lies in a class folder of its set; the set's folder names its owner.
    """
    visitor = current_visitor()
    hidden = {folder for folder in {each.parent.parent for each in pictures} if not may_see(folder, visitor)}

    def convert(picture: Path) -> str:
        try:
            return EMPTY if picture.parent.parent in hidden else data_uri(picture, side=side)
        except PictureError:
            return EMPTY

    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(convert, pictures))
