"""Who reaches the MCP tools and as whom, and what a tool never reads: over real HTTP, with the official client."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("mcp", reason="the package mcp is missing: `make test` installs it")

from http_visitor import HttpVisitor
from mcp_client import awaited, called, data_url, posted, refused, session_at
from scripted import ScriptedServices
from serving_pages import BACKBONES, SERVED, served

from emotion.owners import hashed, owner_of
from emotion.run import Run
from emotion.runs import list_runs
from emotion.ui import password
from emotion.ui.app import build_app
from emotion.ui.mcp_tools import fetching
from emotion.ui.visitor import COOKIE

pytestmark = list(SERVED)
PASSWORD = "früh am Morgen"


@pytest.fixture
def page(services: ScriptedServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("EMOTION_SETS", str(tmp_path / "sets"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setenv("EMOTION_MCP", "1")
    return build_app(services, backbones=lambda: BACKBONES)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMOTION_PUBLIC", "1")
    monkeypatch.setenv("EMOTION_LOG", str(tmp_path / "log.jsonl"))


@pytest.fixture
def url(page: Any) -> Iterator[str]:
    with served(page) as address:
        yield address


@pytest.fixture
def public_url(public: None, services: ScriptedServices, page: Any) -> Iterator[str]:
    # Built again: the limits are those of the moment.
    with served(build_app(services, backbones=lambda: BACKBONES)) as address:
        yield address


@pytest.fixture
def picture(faces: Path) -> Path:
    return next((faces / "dog_eval" / "happy").iterdir())


class Inside:
    """A server of this machine that must not be asked; ``asked`` has the paths that it was asked for all the same."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Answers, self))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Answers(BaseHTTPRequestHandler):
    def __init__(self, inside: Inside, *values: Any) -> None:
        self._inside = inside
        super().__init__(*values)

    def do_GET(self) -> None:
        self._inside.asked.append(self.path)
        status, headers, content = self._inside.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *values: Any) -> None:
        """Nothing."""


@pytest.fixture
def inside(picture: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    server = Inside()
    server.answers["/dog.webp"] = (200, {}, picture.read_bytes())
    monkeypatch.setattr(fetching, "PORTS", (80, 443, server.port))
    yield server
    server.close()


@pytest.mark.parametrize("where", ["own", "public"])
def test_no_file_of_the_server_and_no_address_inside_is_read(
    where: str, trained: Run, picture: Path, inside: Inside, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("url" if where == "own" else "public_url")
    uploads, port = tmp_path / "uploads", inside.port
    uploads.mkdir(exist_ok=True)
    (uploads / "link.webp").symlink_to(picture)
    asked = [
        str(picture), f"file://{picture}", "/etc/passwd", "file:///etc/passwd", "../../etc/passwd", "a\0b", "a" * 5000,
        f"{url}gradio_api/file={picture}", f"{url}gradio_api/file=/etc/passwd", "ftp://127.0.0.1/x",
        f"{uploads}/../{picture.name}", f"{uploads}/link.webp", "http://", "http://1.1.1.1:22/x",
        f"http://user@127.0.0.1:{port}/dog.webp", f"HTTP://127.0.0.1:{port}/dog.webp",
        *(f"http://{host}:{port}/dog.webp" for host in (
            "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::ffff:127.0.0.1]", "[::1]",
            "localhost.", "10.0.0.1", "169.254.169.254", "100.100.100.200", "192.168.0.1", "[fe80::1]", "[fd00::1]",
        )),
    ]  # fmt: skip

    async def ask() -> None:
        async with session_at(url) as session:
            for sent in asked:
                code, sentence = await refused(session, "predict", picture=sent)
                assert code == "upload_missing", (sent, code, sentence)

    awaited(ask())
    assert inside.asked == []
    assert picture.exists()


def test_a_public_address_is_fetched_and_each_redirect_is_checked_like_the_first(
    url: str, trained: Run, inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only what is asked for as localhost is taken for public here.
    public_address = fetching.public_address

    async def stands_in(host: str) -> str:
        return "127.0.0.1" if host == "localhost" else await public_address(host)

    monkeypatch.setattr(fetching, "public_address", stands_in)
    monkeypatch.setattr("emotion.ui.mcp_tools.files.MOST_BYTES", 10_000)
    there = f"http://localhost:{inside.port}"
    inside.answers |= {
        "/on": (302, {"Location": "/dog.webp"}, b""),
        "/in": (302, {"Location": f"http://127.0.0.1:{inside.port}/dog.webp"}, b""),
        "/round": (302, {"Location": "/round"}, b""),
        "/large": (200, {}, bytes(20_000)),
        "/text": (200, {}, b"dear Sir"),
    }

    async def ask() -> None:
        async with session_at(url) as session:
            for path in ("/dog.webp", "/on"):
                assert (await called(session, "predict", picture=there + path))["run"] == trained.name
            assert inside.asked == ["/dog.webp", "/on", "/dog.webp"]
            for path, code, words in (
                ("/in", "upload_missing", "is no public address"),
                ("/round", "upload_missing", "leads on more than 3 times"),
                ("/large", "upload_missing", "larger than"),
                ("/gone", "upload_missing", "Nothing could be fetched"),
                ("/text", "picture_unreadable", "is not a picture"),
            ):
                said = await refused(session, "predict", picture=there + path)
                assert said[0] == code
                assert words in said[1]

    awaited(ask())
    assert inside.asked.count("/dog.webp") == 2
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == []


def test_each_session_is_a_visitor_with_runs_and_sets_of_its_own(public_url: str, services: ScriptedServices) -> None:
    async def ask() -> None:
        async with session_at(public_url) as anna, session_at(public_url) as bert:
            run = (await called(anna, "train", picture_set="drawn/human_train"))["run"]
            assert [each["run"] for each in await called(anna, "runs")] == [run]
            assert await called(bert, "runs") == []
            for tool in ("run_status", "stop"):
                assert (await refused(bert, tool, run=run))[0] == "run_unknown"
            theirs = (await called(bert, "train", picture_set="drawn/human_train"))["run"]
            assert [each["run"] for each in await called(bert, "runs")] == [theirs]

    awaited(ask())
    owners = [owner_of(run.path) for run in list_runs(services.runs_folder)]
    assert len({each.owner for each in owners}) == 2
    assert all(each.owner and not each.shared for each in owners)


def test_a_client_that_is_set_up_with_a_cookie_is_that_visitor_every_time(public_url: str) -> None:
    with HttpVisitor(public_url, session="page-of-anna") as anna:
        cookie = f"{COOKIE}={anna.client.cookies[COOKIE]}"

        async def train() -> str:
            async with session_at(public_url, Cookie=cookie) as session:
                run: str = (await called(session, "train", picture_set="drawn/human_train"))["run"]
                return run

        async def names() -> list[str]:
            async with session_at(public_url, Cookie=cookie) as session:
                return [each["run"] for each in await called(session, "runs")]

        run = awaited(train())
        assert awaited(names()) == [run]
        assert run in anna.look()


def test_a_cookie_that_a_client_catches_later_makes_its_session_nobody_else(
    public_url: str, services: ScriptedServices
) -> None:
    session = posted(public_url).headers["mcp-session-id"]
    caught = {"Mcp-Session-Id": session, "Cookie": f"{COOKIE}={'x' * 43}"}

    async def ask(**headers: str) -> list[str]:
        async with session_at(public_url, **headers) as client:
            await called(client, "train", picture_set="drawn/human_train")
            return [each["run"] for each in await called(client, "runs")]

    first = awaited(ask(**{"Mcp-Session-Id": session}))
    assert len(first) == 1
    assert set(first) < set(awaited(ask(**caught)))
    [owner] = {owner_of(run.path).owner for run in list_runs(services.runs_folder)}
    assert owner == hashed(f"mcp {session}")


def test_a_public_server_does_nothing_for_a_caller_without_a_session(public_url: str, trained: Run) -> None:
    call = {"name": "runs", "arguments": {}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    accepts = {"Accept": "application/json, text/event-stream"}
    said = httpx.post(f"{public_url}gradio_api/mcp/", json=asked, headers=accepts, timeout=30).text
    assert "[refused] This public server knows a client by the mcp-session-id" in said
    assert trained.name not in said


def test_the_limits_of_a_public_server_hold_for_tools(public_url: str, gate: Any) -> None:
    gate.holds = lambda event: True

    async def ask() -> None:
        async with session_at(public_url) as session:
            given = {"picture_set": "drawn/human_train"}
            assert (await refused(session, "train", **given, epochs=50))[0] == "refused"
            for _ in range(5):
                await called(session, "train", **given)
            code, sentence = await refused(session, "train", **given)
            assert (code, sentence[:25]) == ("refused", "A visitor may have 5 trai")

    awaited(ask())


def test_a_file_in_a_call_is_no_larger_than_an_upload_may_be(
    public_url: str, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_PUBLIC_UPLOAD_MEGABYTES", "1")
    (tmp_path / "large.png").write_bytes(bytes(1_000_001))

    async def ask() -> None:
        async with session_at(public_url) as session:
            said = await refused(session, "predict", picture=data_url(tmp_path / "large.png", kind="image/png"))
            assert said == ("upload_missing", "That file is larger than 1 MB: use a smaller one.")

    awaited(ask())


def test_what_another_visitor_uploaded_is_not_used(public_url: str, trained: Run, picture: Path) -> None:
    with HttpVisitor(public_url, session="page-of-anna") as anna:
        path = anna.upload("anna.webp", picture.read_bytes())

        async def ask() -> None:
            async with session_at(public_url) as session:
                for form in (path, f"{public_url}gradio_api/file={path}"):
                    assert (await refused(session, "predict", picture=form))[0] == "upload_missing"
                assert (await called(session, "predict", picture=data_url(picture)))["run"] == trained.name

        awaited(ask())
        assert Path(path).exists()


@pytest.fixture
def locked_url(page: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("EMOTION_PASSWORD", PASSWORD)
    monkeypatch.setattr(password, "SECONDS_AFTER_A_WRONG_ONE", 0.0)
    with served(page) as address:
        yield address


def as_header(kind: str, text: str) -> bytes:
    return f"{kind} {text}".encode()


def test_without_the_password_no_address_of_the_tools_answers(locked_url: str) -> None:
    wrong = base64.b64encode(b"anybody:wrong").decode()
    for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {wrong}"}, {"Authorization": "x"}):
        for path in ("", "/", "/http/", "/sse", "/schema", "/messages/"):
            for method in ("GET", "POST"):
                address = f"{locked_url}gradio_api/mcp{path}"
                said = httpx.request(method, address, headers=header, json={}, follow_redirects=True, timeout=30)
                assert said.status_code == 401, (method, path, said.text)
                assert "predict" not in said.text
    assert "Bearer PASSWORD" in posted(locked_url).text


def test_the_password_opens_the_tools_as_bearer_or_basic(locked_url: str, trained: Run, picture: Path) -> None:
    basic = base64.b64encode(f"anybody:{PASSWORD}".encode()).decode()

    async def ask(header: Any) -> None:
        async with session_at(locked_url, Authorization=header) as session:
            assert (await called(session, "predict", picture=data_url(picture)))["run"] == trained.name

    for header in (as_header("Bearer", PASSWORD), as_header("Basic", basic)):
        awaited(ask(header))


def test_a_page_of_another_site_cannot_use_the_tools(url: str) -> None:
    for origin in ("https://example.org", "http://example.org:7860", "null", "http://localhost.example.org"):
        assert posted(url, Origin=origin).status_code == 403
        assert posted(url, Origin=origin, Host="example.org:7860").status_code == 403
    assert posted(url, Origin="http://localhost:6274").status_code == 200


def test_only_streamable_http_is_served_and_a_browser_is_told_how(url: str) -> None:
    for path in ("sse", "schema", "messages/"):
        for method in ("GET", "POST"):
            assert httpx.request(method, f"{url}gradio_api/mcp/{path}", json={}, timeout=30).status_code == 404
    stream = httpx.get(f"{url}gradio_api/mcp/", headers={"Accept": "text/event-stream"}, timeout=30)
    assert stream.status_code == 405
    shown = httpx.get(f"{url}gradio_api/mcp/", headers={"Accept": "text/html"}, timeout=30)
    assert f"{url}gradio_api/mcp/" in shown.text


def test_a_call_beyond_the_limit_is_refused_before_it_is_read(url: str) -> None:
    accepts = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    said = httpx.post(f"{url}gradio_api/mcp/", content=bytes(30_000_000), headers=accepts, timeout=60)
    assert said.status_code == 413


def test_without_the_switch_there_are_no_tools_whatever_gradio_is_told(
    services: ScriptedServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMOTION_MCP", raising=False)
    monkeypatch.setenv("GRADIO_MCP_SERVER", "True")
    with served(build_app(services, backbones=lambda: BACKBONES)) as url:
        assert posted(url).status_code in (404, 405)
