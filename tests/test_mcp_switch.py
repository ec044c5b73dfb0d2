"""``EMOTION_MCP``: what it takes, what it says when it cannot, and what it costs where it is off."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from emotion import mcp
from emotion.errors import ConfigError
from emotion.mcp import serves_mcp

ROOT = Path(__file__).parents[1]
# Stands for a machine where the package is missing: Python finds none of that name.
WITHOUT_IT = (
    "import importlib.util, runpy, sys\n"
    "real = importlib.util.find_spec\n"
    "importlib.util.find_spec = lambda name, *more: None if name == 'mcp' else real(name, *more)\n"
    "runpy.run_path('app.py', run_name='__main__')\n"
)
# Says whenever the package is looked for; not where its name is taken for missing.
WATCHED = (
    "import runpy, sys\n"
    "class Watch:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name == 'mcp':\n"
    "            print('looked for mcp')\n"
    "sys.meta_path.insert(0, Watch())\n"
    "runpy.run_path('app.py', run_name='__main__')\n"
)


def run(tmp_path: Path, code: str, **given: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_")}
    folders = {"EMOTION_RUNS": str(tmp_path / "runs"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**plain, **folders, **given},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_it_is_asked_for_by_a_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "find_spec", lambda name: object())
    assert not serves_mcp({})
    assert not serves_mcp({"EMOTION_MCP": "0"})
    assert serves_mcp({"EMOTION_MCP": "1"})
    with pytest.raises(ConfigError, match=r"^EMOTION_MCP is 'yes': set it to 1 .*, or to 0\.$"):
        serves_mcp({"EMOTION_MCP": "yes"})


def test_a_value_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "import runpy; runpy.run_path('app.py', run_name='__main__')", EMOTION_MCP="on")
    assert done.returncode == 2
    assert done.stderr == "EMOTION_MCP is 'on': set it to 1 to offer the endpoints as MCP tools, or to 0.\n"


def test_without_the_package_it_is_one_sentence_that_says_what_to_install(tmp_path: Path) -> None:
    done = run(tmp_path, WITHOUT_IT, EMOTION_MCP="1")
    pin = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("gradio=="))
    install = f'pip install "{pin.replace("gradio", "gradio[mcp]")}"'
    assert done.returncode == 2
    assert done.stderr == f"EMOTION_MCP=1 needs the package mcp: {install}, or set EMOTION_MCP to 0.\n"


@pytest.mark.parametrize(("switch", "said"), [("", ""), ("1", "looked for mcp")])
def test_where_it_is_off_gradio_imports_nothing_of_it(tmp_path: Path, switch: str, said: str) -> None:
    pytest.importorskip("mcp", reason="the package mcp is missing: `make test` installs it")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        given = {"PORT": str(taken.getsockname()[1]), **({"EMOTION_MCP": switch} if switch else {})}
        done = run(tmp_path, WATCHED, **given)
    assert "Nothing can be served at" in done.stderr
    assert done.stdout.partition("\n")[0] == said


def test_the_extra_that_tests_install_is_of_the_version_that_is_pinned() -> None:
    pin = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("gradio=="))
    assert pin.replace("gradio", "gradio[mcp]") in (ROOT / "tests" / "requirements.txt").read_text().splitlines()
