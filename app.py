"""Serve the dashboard: ``python app.py``. Child processes import this module again, so its top level stays light."""

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path


def main() -> int:
    """Serve until interrupted; return the exit code."""
    # Before gradio is imported, which reads this once.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    from emotion.backbones.hub import ignore_unusable_proxies
    from emotion.core.errors import ConfigError, EmotionError

    ignore_unusable_proxies()
    try:
        _serve()
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    return 0


def _serve() -> None:
    from emotion.core.errors import ConfigError, EmotionError
    from emotion.server.limits import public_limits, serves_mcp, switch
    from emotion.training.cache import cache_folder, open_cache

    host = os.environ.get("GRADIO_SERVER_NAME") or os.environ.get("HOST") or "127.0.0.1"
    port = os.environ.get("GRADIO_SERVER_PORT") or os.environ.get("PORT") or "7860"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"The port {port!r} is not a number from 1 to 65535: set PORT to one.")
    limits, has_first_run = public_limits(), switch("EMOTION_FIRST_RUN", default="1")
    open_cache()  # checks its size limit
    if not serves_mcp():
        # Otherwise Gradio imports it if it is installed, which doubles the page's start-up time.
        sys.modules["mcp"] = None  # type: ignore[assignment]  # makes the import fail
    if limits:
        # A folder of its own, so that old files in it may be deleted.
        os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(tempfile.gettempdir()) / "emotion-uploads"))
    from emotion.data.sets import sets_folder
    from emotion.runs.folder import empty_trash, runs_folder
    from emotion.server.logs import start_logging
    from emotion.server.services import Services
    from emotion.server.visitors import keep_clean
    from emotion.ui.app import HEAD, build_app
    from emotion.ui.picture_sets import list_picture_sets
    from emotion.ui.run_board import RunBoard
    from emotion.ui.uploads import UploadCounter, uploads_folder
    from emotion.ui.visitor import current_address, current_visitor
    from emotion.ui.web_server import behind_gate, listen, serve

    start_logging()
    # SIGTERM ends the server as cleanly as Ctrl+C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener, runs = listen(host, int(port)), runs_folder()
    with Services(
        runs,
        limits=limits,
        visitor=current_visitor,
        address=current_address,
        offered=lambda: [each.folder for each in list_picture_sets()],
        elsewhere=[cache_folder(), uploads_folder()],
    ) as services:
        board = RunBoard(runs)
        page, counter = build_app(services, board), UploadCounter(services.room)
        gate = behind_gate(page, board=board, host=host, head=HEAD, counter=counter)
        # After the port is bound: a second server on the same port must not train what the first one has queued.
        services.warm_up()
        services.queue.take_up(runs)
        if has_first_run:
            try:
                services.queue.add_first_run(runs)
            except EmotionError as error:
                print(f"There is no first run. {error}", file=sys.stderr)
        empty_trash(runs)
        if limits:
            keep_clean(runs, sets_folder(), uploads_folder(), limits=limits)
        threading.Thread(target=_import_statistics, daemon=True).start()
        shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host).strip("[]")
        shown = f"[{shown}]" if ":" in shown else shown
        print(f"The dashboard is at http://{shown}:{port} (Ctrl+C ends it)", flush=True)
        try:
            serve(gate, listener)
        except KeyboardInterrupt:
            print("The dashboard ends.", file=sys.stderr)


def _import_statistics() -> None:
    """Import what the first view of a finished run needs, before a visitor waits for it."""
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401


if __name__ == "__main__":
    raise SystemExit(main())
