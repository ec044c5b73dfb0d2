"""The page's address: ``?tab=predict&run=…&comparison=…``, so that a link opens what one sees. In the browser alone."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

# Also in the frame of a Space, whose own page takes up what it is told.
SCRIPT = """<script>
window.emotionAddress = (name, value) => {
    const address = new URL(location);
    if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
    try { sessionStorage.setItem('emotion-run', address.searchParams.get('run') ?? ''); } catch { }
    if (address.href === location.href) return;
    history.replaceState(history.state, '', address);
    if (parent !== window) {
        const asked = new URLSearchParams(address.search);
        for (const name of ['__theme', '__sign']) asked.delete(name);
        parent.postMessage({queryString: asked.toString()}, '*');
    }
};
// A run that this page itself wrote there is none that a link asks for: after a reload a newer one may be in use.
{
    const asked = new URLSearchParams(location.search);
    try { if (sessionStorage.getItem('emotion-run') === asked.get('run')) asked.delete('run'); } catch { }
    window.emotionAsked = () => '?' + asked;
}
</script>"""
TABS = {"train": "Train", "predict": "Predict", "compare": "Cross-species", "runs": "Runs", "pictures": "Pictures"}


def address(name: str, value: str | None = None) -> str:
    """Return the script of an event that puts a value into the address under a name: its one input, or a fixed one."""
    return f"(given) => {{ window.emotionAddress({json.dumps(name)}, {json.dumps(value) if value else 'given'}); }}"


# Of the first look: what the address says stands in the place of what was seen.
ASKED = "(_, ...values) => [window.emotionAsked(), ...values]"


def named(asked: str, name: str) -> str | None:
    """Return what the address said under a name when the page was loaded; None where it said nothing, and later."""
    found = parse_qs(asked.removeprefix("?")).get(name) if asked.startswith("?") else None
    return found[0] if found else None
