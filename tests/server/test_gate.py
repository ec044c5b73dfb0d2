"""The gate: what Gradio serves and nobody needs, bodies without a limit, other sites' pages, guesses of a password."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from helpers.looking import record
from helpers.pictures import picture_bytes
from helpers.serving import ROOT, Site, open_tab, serving
from helpers.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PASSWORD, NAME = "früh am Morgen", "faces.example"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One's own dashboard with a password and a name of its own, where a hosted Space's variables say the address."""

    def prepare(site: Site) -> None:
        site.environment |= {
            "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(site.port), "HOST": "203.0.113.1", "PORT": "1",
        }  # fmt: skip

    environment = {"EMOTION_PASSWORD": PASSWORD, "EMOTION_HOSTS": f"{NAME}, other.example"}
    with serving(tmp_path_factory.mktemp("gate"), environment=environment, prepare=prepare) as site:
        yield site


@pytest.fixture
def stranger(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def guest(site: Site) -> Iterator[httpx.Client]:
    """Somebody who gave the password."""
    with httpx.Client(base_url=site.url, timeout=120) as client:
        assert client.post("login", data={"username": "anna", "password": PASSWORD}).status_code == 200
        yield client


def peak_megabytes(site: Site) -> float:
    """Return how much memory the server has ever had."""
    assert site.process is not None
    lines = Path(f"/proc/{site.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def is_a_sentence(answer: httpx.Response) -> bool:
    return answer.text.count("\n") == 0 and 10 < len(answer.text) < 200


@pytest.mark.parametrize(
    "path",
    [
        "pwa_icon", "pwa_icon/12000", "manifest.json", "robots.txt", "openapi.json", "docs", "redoc", "svelte/x.js",
        "monitoring", "monitoring/summary", "gradio_api/openapi.json", "gradio_api/proxy=https://x.hf.space/",
        "gradio_api/component_server", "gradio_api/process_recording", "gradio_api/runs", "gradio_api/token",
        "gradio_api/dev/reload", "gradio_api/deep_link", "gradio_api/vibe-code", "gradio_api/file/app.py",
        "gradio_api/stream/a/1/2/playlist.m3u8", "gradio_api/custom_component/1/server/x/y.py", "gradio_api/mcp/",
        "gradio_api/profiling/traces", "gradio_api/file=https://example.org/a.png", "gradio_api/file=//example.org/a",
        "gradio_api/file=ftp:/example.org/a.png", "social-card.png",
    ],
)  # fmt: skip
def test_fault_what_the_page_does_not_need_is_not_there_for_anybody(guest: httpx.Client, path: str) -> None:
    answers = [guest.get(path), guest.post(path, content=b"{}")]
    assert {answer.status_code for answer in answers} <= {404, 403}, [answer.text for answer in answers]
    assert all(map(is_a_sentence, answers))


def test_fault_what_the_page_needs_is_there_and_no_answer_is_guessed_to_be_of_another_type(
    guest: httpx.Client, site: Site
) -> None:
    for path in ("", "config", "theme.css", "favicon.ico", "gradio_api/info", "gradio_api/user", "gradio_api/app_id"):
        assert guest.get(path).status_code == 200, path
    sent = guest.post("gradio_api/upload", files={"files": ("a.html", b"<script>")}).json()[0]
    for answer in (guest.get("config"), guest.get("nowhere"), guest.get(f"gradio_api/file={sent}")):
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert guest.get(f"gradio_api/file={ROOT / 'app.py'}").status_code in (403, 404)


@pytest.mark.parametrize("path", ["queue/join", "cancel", "run/predict", "call/predict", "reset", "stream/x"])
def test_fault_a_body_beyond_its_limit_is_one_sentence_and_takes_no_memory(
    site: Site, stranger: httpx.Client, guest: httpx.Client, path: str
) -> None:
    before = peak_megabytes(site)
    for client, status in ((stranger, 401), (guest, 413)):
        told = client.post(f"gradio_api/{path}", content=bytes(40 * MEGABYTE))
        # A body that nobody knows the length of.
        untold = client.post(f"gradio_api/{path}", content=(bytes(MEGABYTE) for _ in range(40)))
        assert [told.status_code, untold.status_code] == [status, status]
        assert is_a_sentence(told)
        assert is_a_sentence(untold)
    assert peak_megabytes(site) - before < 30


def test_fault_an_upload_is_a_file_in_the_field_for_it_and_nothing_else_stays(guest: httpx.Client, site: Site) -> None:
    def left() -> list[Path]:
        return [path for path in site.uploads.rglob("*") if path.is_file()]

    known, before = set(left()), peak_megabytes(site)
    field = guest.post("gradio_api/upload", data={"note": "x" * 30 * MEGABYTE}, files={"files": ("a.txt", b"a")})
    assert (field.status_code, "64 KB" in field.text) == (400, True)
    assert peak_megabytes(site) - before < 150
    other = guest.post("gradio_api/upload", files={"picture": ("a.png", picture_bytes())})
    assert (other.status_code, "field called files" in other.text) == (400, True)
    for name in ("..", "a/..", ".:."):
        nameless = guest.post("gradio_api/upload", files=[("files", ("a.png", b"a")), ("files", (name, b"a"))])
        assert nameless.status_code == 400
    assert set(left()) == known
    # One that is cut off: half of what was announced comes.
    cookies = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    head = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", site.port)) as line:
        line.sendall(
            f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nCookie: {cookies}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n"
            f"Content-Length: 2000000\r\n\r\n{head}{'x' * MEGABYTE}".encode()
        )
        until(lambda: set(left()) - known)
    until(lambda: not set(left()) - known)


FOREIGN = ("evil.example", "faces.example.evil.example", "localhost.evil.example", "1.2.3", "")
OWN = ("127.0.0.1:{port}", "localhost:{port}", NAME, "[::1]:{port}", "192.0.2.7", socket.gethostname())


@pytest.mark.parametrize(("host", "status"), [*((host, 403) for host in FOREIGN), *((host, 200) for host in OWN)])
def test_fault_a_name_that_was_made_to_mean_this_machine_opens_nothing_and_is_told_how(
    stranger: httpx.Client, site: Site, host: str, status: int
) -> None:
    answer = stranger.get("/", headers={"host": host.format(port=site.port), "x-forwarded-host": "localhost"})
    assert (answer.status_code, "EMOTION_HOSTS" in answer.text) == (status, status == 403)


def test_fault_a_page_of_another_site_asks_for_nothing_and_may_read_nothing(guest: httpx.Client, site: Site) -> None:
    ours, foreign = f"http://127.0.0.1:{site.port}", "https://evil.example"
    body = {"data": [], "fn_index": 0, "session_hash": "x"}
    for origin in (ours, f"https://{NAME}"):
        assert guest.post("gradio_api/call/runs", json=body, headers={"origin": origin}).status_code == 200
    # The last is another program of this machine.
    others = (foreign, "null", "http://[", "http://127.0.0.1:1")
    refused = [
        *(guest.post("gradio_api/call/runs", json=body, headers={"origin": origin}) for origin in others),
        guest.get("config", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
        guest.post("login", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
    ]
    assert {answer.status_code for answer in refused} == {403}
    assert all(map(is_a_sentence, refused))
    link = guest.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})
    assert (link.status_code, link.headers["x-frame-options"]) == (200, "SAMEORIGIN")
    asking = {"origin": foreign, "access-control-request-method": "POST"}
    refused += [guest.options("gradio_api/queue/join", headers=asking), guest.options("/", headers=asking)]
    for answer in (*refused, link, guest.get("config", headers={"origin": ours})):
        assert [name for name in answer.headers if name.startswith("access-control")] == []


def test_without_the_password_the_page_says_what_to_do_and_nothing_else_answers(stranger: httpx.Client) -> None:
    assert "Any user name will do." in stranger.get("/").text
    asked = (
        "config", "gradio_api/info", "gradio_api/queue/data?session_hash=x", "gradio_api/heartbeat/x",
        "gradio_api/startup-events", "gradio_api/call/runs/x", f"gradio_api/file={ROOT / 'assets' / 'favicon.png'}",
    )  # fmt: skip
    sent = ("queue/join", "call/predict", "run/predict", "cancel", "reset", "stream/x")
    body = {"fn_index": 0, "session_hash": "x", "event_id": "x", "data": []}
    answers = [stranger.get(path) for path in asked]
    answers += [stranger.post(f"gradio_api/{path}", json=body) for path in sent]
    answers.append(stranger.post("gradio_api/upload", files={"files": ("x.png", picture_bytes())}))
    for answer in answers:
        assert answer.status_code == 401, answer.url
        assert "drawn/" not in answer.text


def test_the_password_and_nothing_like_it_opens_the_page_and_its_endpoints_for_any_name(site: Site) -> None:
    def answers_after(user: str, typed: str) -> tuple[int, set[int]]:
        with httpx.Client(base_url=site.url, timeout=180) as client:
            login = client.post("login", data={"username": user, "password": typed})
            answers = client.get("config"), client.post("gradio_api/call/runs", json={"data": []})
            return login.status_code, {answer.status_code for answer in answers}

    for typed in ("", f"{PASSWORD} ", "Früh am Morgen", "früh" * 1000):
        assert answers_after("anybody", typed)[1] == {401}, typed
    assert answers_after("anybody", "x" * 10_000) == (413, {401})
    for user in ("anna", "x"):
        assert answers_after(user, PASSWORD) == (200, {200})
    with pytest.raises(Exception, match=r"(?i)auth|credential|log"), site.client(auth=("anybody", "wrong")):
        pass
    with site.client(auth=("anybody", PASSWORD)) as client:
        assert client.predict(api_name="/runs") == []


@pytest.mark.slow
def test_fault_guesses_of_a_password_go_one_after_the_other_and_few_wait(site: Site) -> None:
    def guess(number: int) -> int:
        data = {"username": "anna", "password": f"guess {number}"}
        return httpx.post(f"{site.url}/login", data=data, timeout=120).status_code

    began = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        said = list(pool.map(guess, range(40)))
    looked_at = said.count(400)
    assert looked_at + said.count(429) == 40
    assert looked_at < 12
    assert time.monotonic() - began >= 0.4 * looked_at


@pytest.mark.slow
def test_a_browser_gives_the_password_and_finds_everything_that_its_tabs_ask_for(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    (tmp_path / "one.png").write_bytes(picture_bytes())
    visitor = browser.new_context(permissions=["camera"])
    page, refused = visitor.new_page(), []
    page.goto(site.url)
    page.get_by_label("username").fill("anna")
    page.get_by_label("password").fill(PASSWORD)
    page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    page.get_by_role("button", name="Login").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    for name in page.get_by_role("tab").all_inner_texts():
        open_tab(page, name)
    open_tab(page, "Predict")
    page.get_by_role("tabpanel").locator("input[type=file]").first.set_input_files(tmp_path / "one.png")
    expect(page.get_by_text("This waits for a first finished run").last).to_be_visible()
    open_tab(page, "Pictures")
    page.get_by_role("tab", name="Into a class").click()
    record(page)
    page.get_by_role("button", name=re.compile(r"Add \d+ pictures of the webcam")).click()
    expect(page.get_by_text(re.compile(r"\d+ pictures? came in")).first).to_be_visible()
    page.reload()
    expect(page.get_by_role("tab", name="Pictures")).to_have_attribute("aria-selected", "true")
    visitor.close()
    assert refused == []
