"""What the soak's judge calls a traceback of the server's."""

from __future__ import annotations

import pytest
from soak_verdict import tracebacks

CUT_OFF = """\
Traceback (most recent call last):
  File "<string>", line 1, in <module>
  File "/usr/lib/python3.11/multiprocessing/forkserver.py", line 258, in main
    fds = reduction.recvfds(s, MAXFDS_TO_SEND + 1)
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/multiprocessing/reduction.py", line 159, in recvfds
    raise EOFError
EOFError
"""


def test_what_the_process_starter_says_of_a_killed_server_is_nobodys_mistake() -> None:
    assert tracebacks(CUT_OFF, server_was_killed=True) == []


@pytest.mark.parametrize(
    "said",
    [
        CUT_OFF.replace("EOFError\n", "AttributeError: no such thing\n"),
        CUT_OFF.replace("/usr/lib/python3.11/multiprocessing/reduction.py", "/srv/emotion/queue.py"),
    ],
)
def test_another_error_and_code_of_ours_are_tracebacks_even_then(said: str) -> None:
    assert len(tracebacks(f"{CUT_OFF}{said}", server_was_killed=True)) == 1


def test_a_server_that_nobody_killed_has_no_such_excuse() -> None:
    (found,) = tracebacks(CUT_OFF, server_was_killed=False)
    assert found.startswith("stderr, line 1: EOFError, ")
