"""What every tab says in the same look: a status, a sentence, a badge, a table, boxes to tick, small pictures."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
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

# One transparent pixel stands where a picture has been moved or cannot be read.
EMPTY = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
# A box's ``data-tick`` says which picture it is on. Gradio changes what is there into what comes, and would leave a
# box ticked above another picture. The ``select`` event of the widget takes ``EVERY_PRESS``.
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
    """Put a place for HTML here; ``name`` is its id on the page, ``script`` runs once with ``element`` for it."""
    return gr.HTML(value, elem_id=name, js_on_load=script, apply_default_css=False)


def put(text: str) -> gr.HTML:
    """Put HTML here that stays as it is."""
    return gr.HTML(text, apply_default_css=False)


def drawn_badge(*, shown: bool) -> str:
    """Return the badge that belongs on a result on drawn pictures."""
    return f'<span class="drawn-badge" title="{DRAWN_NOTE}">drawn pictures</span>' if shown else ""


def sentence(text: str, *, kind: str = "note") -> str:
    """Return a plain sentence as a block."""
    return f'<p class="{kind}" role="status">{html.escape(public_words(text))}</p>' if text else ""


def status_box(kind: str, chip: str, text: str, share: float | None, *, detail: str = "") -> str:
    """Return a chip, a sentence and a bar (0 to 1; None for a share that nobody knows)."""
    if share is not None:
        bar = f'<div class="bar"><i style="width:{share * 100:.1f}%"></i></div>'
    else:
        bar = '<div class="bar idle"></div>' if kind in ("running", "queued", "stopping") else ""
    name = f'<span class="detail">{html.escape(detail)}</span>' if detail else ""
    return (
        f'<div class="status {kind}" role="status"><div class="status-text"><span class="chip">{chip}</span>'
        f"<span class='status-sentence'>{html.escape(public_words(text))}</span>{name}</div>{bar}</div>"
    )


def scrolled(table: str, *, label: str) -> str:
    """Return a table that scrolls sideways on its own where the page is narrow, also by keyboard."""
    return f'<div class="table-scroll" tabindex="0" role="region" aria-label="{html.escape(label)}">{table}</div>'


def head_cell(name: str, *, scope: str = "col", colour: str = "") -> str:
    """Return the head of a column or a row, with a swatch of a colour."""
    swatch = f'<i style="background:{colour}"></i>' if colour else ""
    return f'<th scope="{scope}">{swatch}{html.escape(name)}</th>'


def ticked(event: gr.EventData) -> tuple[str, ...]:
    """Return what the page says is ticked."""
    sent = event._data.get("ticked")
    return tuple(str(each) for each in sent) if isinstance(sent, list) else ()


def data_uri(picture: Path | Image.Image, *, side: int) -> str:
    """Return a picture as a WebP data URI with no side longer than ``side`` pixels: nothing goes into a public cache.

    Raises:
        PictureError: it cannot be read.
    """
    image = open_picture(picture, side=side) if isinstance(picture, Path) else picture.copy()
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=82, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def data_uris(pictures: Sequence[Path], *, side: int) -> list[str]:
    """Return many pictures as data URIs; one that cannot be read, or not be seen by the visitor, becomes an empty one.

    A picture lies in a class folder of its set, and the set's folder says whose it is.
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


def preview_strip(pictures: Mapping[str, Sequence[Path]], *, per_class: int = 2) -> str:
    """Return a row of pictures per class, with how many there are."""
    rows = []
    for label, paths in pictures.items():
        stride = max(1, len(paths) // per_class)
        name = html.escape(label)
        images = "".join(
            f'<img src="{uri}" alt="{name} picture {number}">'
            for number, uri in enumerate(data_uris(paths[::stride][:per_class], side=120), start=1)
        )
        rows.append(
            f'<div class="strip-row"><div class="strip-label"><i style="background:{colour_of(label)}"></i>'
            f"<b>{name}</b><span>{len(paths):,}</span></div><div class='strip-pictures'>{images}</div></div>"
        )
    return f'<div class="strip">{"".join(rows)}</div>'
