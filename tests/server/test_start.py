"""``python app.py``: where it serves, and what it says when it cannot."""

from __future__ import annotations

import runpy
import socket
import sys
from pathlib import Path

import httpx
import pytest
from helpers.run_folder import status_of
from helpers.serving import ROOT, serving


def refusal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, **given: str) -> tuple[int, str]:
    """Return the exit code and what stands on stderr of a server that does not begin to serve."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    return int(ended.value.code or 0), capsys.readouterr().err


NO_PORT = "is not a number from 1 to 65535: set PORT to one."
NO_ADDRESS = "in use, reserved or not of this machine: choose another with PORT= and HOST="
ONE_S_OWN = "EMOTION_MCP=1 is for one's own machine"


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        *(({"PORT": port}, 2, f"The port {port!r} {NO_PORT}") for port in ("0", "65536", "http", "-1")),
        ({"EMOTION_PUBLIC": "on"}, 2, "EMOTION_PUBLIC is 'on': set it to 1 or to 0."),
        ({"EMOTION_PUBLIC_SETS": "a few"}, 2, "EMOTION_PUBLIC_SETS is 'a few': it should be a valid integer"),
        ({"EMOTION_PUBLIC_EPOCHS": "0"}, 2, "EMOTION_PUBLIC_EPOCHS is '0': it should be greater than or equal to 1."),
        ({"EMOTION_PUBLIC_DISK_GIGABYTES": "nan"}, 2, "EMOTION_PUBLIC_DISK_GIGABYTES is 'nan'"),
        ({"EMOTION_PUBLIC_EPOCH": "3"}, 2, "EMOTION_PUBLIC_EPOCH is no limit of a public server: use one of"),
        ({"EMOTION_LOG": "/nowhere/log"}, 2, "EMOTION_LOG is '/nowhere/log', which cannot be written"),
        ({"EMOTION_CACHE_GB": "1,5"}, 2, "EMOTION_CACHE_GB is '1,5': set it to a number of gigabytes, 0 for none."),
        ({"EMOTION_FIRST_RUN": "no"}, 2, "EMOTION_FIRST_RUN is 'no': set it to 1 or to 0."),
        ({"EMOTION_MCP": "on"}, 2, "EMOTION_MCP is 'on': set it to 1 or to 0."),
        ({"EMOTION_MCP": "1", "EMOTION_PASSWORD": "sesame"}, 2, ONE_S_OWN),
        ({"EMOTION_MCP": "1", "EMOTION_PUBLIC": "1"}, 2, ONE_S_OWN),
        ({"EMOTION_MCP": "1", "SPACE_ID": "rosa/faces"}, 2, ONE_S_OWN),
        *(({"HOST": host}, 1, NO_ADDRESS) for host in ("203.0.113.1", "nowhere.invalid", "[2001:db8::1]", "a b")),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, dict) else None,
)
def test_a_variable_that_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, given: dict[str, str], code: int, said: str
) -> None:
    ended, told = refusal(capsys, monkeypatch, **given)
    assert (ended, told.count("\n")) == (code, 1)
    assert said in told


def test_tools_without_their_package_are_one_sentence_that_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)  # Python's way to say that there is none.
    code, told = refusal(capsys, monkeypatch, EMOTION_MCP="1")
    [pin] = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("gradio==")]
    extra = pin.replace("gradio", "gradio[mcp]")
    assert (code, told.count("\n")) == (2, 1)
    assert f'pip install "{extra}"' in told
    assert extra in (ROOT / "tests" / "requirements.txt").read_text().splitlines()


@pytest.mark.slow
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="This machine has no IPv6.")
def test_every_address_of_both_kinds_is_served_behind_a_proxy_that_nobody_reaches(tmp_path: Path) -> None:
    proxies = {"http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "socks://127.0.0.1:1/"}
    with serving(tmp_path, environment={"HOST": "::", **proxies}) as site:
        for host in ("127.0.0.1", "[::1]"):
            with httpx.Client(trust_env=False) as client:
                assert client.get(f"http://{host}:{site.port}/config").status_code == 200


def test_a_port_in_use_is_one_sentence_and_trains_nothing_of_the_first_server(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, run: Path
) -> None:
    (run / "events.jsonl").unlink()
    assert status_of(run) == "queued"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, told = refusal(capsys, monkeypatch, PORT=str(port), HOST="127.0.0.1", EMOTION_RUNS=str(run.parent))
    assert (code, told.count("\n")) == (1, 1)
    assert told.startswith(f"Nothing can be served at 127.0.0.1:{port}, which is in use")
    assert status_of(run) == "queued"
