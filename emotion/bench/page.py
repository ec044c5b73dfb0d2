"""How long a page takes to be served, beside the smallest page that Gradio can serve."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from emotion.bench.figure import Bound, NotMeasured, Reading, Row, ratio, take_turns
from emotion.bench.workplace import ROOT, Workplace

PAGE = Row(
    name="page",
    title="`python app.py` from process start to a served page over a one-button Gradio app likewise",
    unit="times",
    bound=Bound(direction="at most", limit=1.3),
)
REPETITIONS = 5
PATIENCE_SECONDS = 120
LOOK_SECONDS = 0.02
# Gradio imports the package of its extra wherever that is installed, as the tests do and a user need not.
ONE_BUTTON = """import os
import sys
sys.modules["mcp"] = None
import gradio as gr

if __name__ == "__main__":
    with gr.Blocks(analytics_enabled=False) as page:
        gr.Button("A button")
    page.launch(server_name="127.0.0.1", server_port=int(os.environ["PORT"]), ssr_mode=False)
"""


def measure_page(workplace: Workplace) -> dict[str, Reading]:
    """Start both in turns, after each was started once to warm the disk's cache."""
    script = workplace.folder / "one_button.py"
    script.write_text(ONE_BUTTON, encoding="utf-8")
    tasks = {
        "our page, s": lambda: _seconds_to_page(workplace, "our page", [str(ROOT / "app.py")]),
        "one button, s": lambda: _seconds_to_page(workplace, "one button", [str(script)]),
    }
    take_turns(tasks, list(tasks))
    series = take_turns(tasks, list(tasks) * REPETITIONS)
    return {PAGE.name: Reading(value=ratio(*series.values()), series=series)}


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(arguments: Sequence[str], *, port: int) -> subprocess.Popen[bytes]:
    """Start a Python program that serves at a local port. Its runs and cache are those of this process's variables."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("GRADIO_", "HOST", "PORT"))}
    environment = {**others, "PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def await_page(server: subprocess.Popen[bytes], *, port: int) -> None:
    """Return once ``GET /`` is answered with 200.

    Raises:
        NotMeasured: the server ended, or nothing came for two minutes.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise NotMeasured(f"a server ended with exit code {server.returncode} before it served a page.")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass  # Not there yet.
        finally:
            connection.close()
        time.sleep(LOOK_SECONDS)
    raise NotMeasured(f"no page was served within {PATIENCE_SECONDS} seconds.")


def end_server(server: subprocess.Popen[bytes]) -> None:
    """End a server in its own order, and after a while in ours."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _seconds_to_page(workplace: Workplace, name: str, arguments: Sequence[str]) -> float:
    workplace.say(f"  {name}: {Path(arguments[0]).name}")
    port = free_port()
    began = time.perf_counter()
    server = start_server(arguments, port=port)
    try:
        await_page(server, port=port)
        return time.perf_counter() - began
    finally:
        end_server(server)
