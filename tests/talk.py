"""A client that holds a dialogue as the RFCs print them, and insists on every word of it.

`C:` is sent; `S:` must come, line for line. `...` at the end of a line stands for any text.
"""

from __future__ import annotations

import socket
from types import TracebackType

from tests.programs import HOST, SECONDS


class Client:
    """A connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), SECONDS)
        self._replies = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._replies.close()
        self._socket.close()

    def play(self, dialogue: str) -> None:
        """Hold a dialogue."""
        for line in filter(None, map(str.strip, dialogue.splitlines())):
            who, _, text = line.partition(":")
            text = text.removeprefix(" ")
            if who == "C":
                self._socket.sendall(text.encode() + b"\r\n")
            else:
                assert who == "S", f"a line begins with C: or S:, not {who}"
                self._hear(text)

    def hears_the_end(self) -> None:
        """The server has closed, and has said nothing more."""
        assert self._replies.read() == b""

    def _hear(self, expected: str) -> None:
        heard = self._replies.readline().decode()
        assert heard.endswith("\r\n"), f"expected {expected!r}, got {heard!r} and the end"
        if expected.endswith("..."):
            assert heard.startswith(expected[:-3]), f"expected {expected!r}, got {heard!r}"
        else:
            assert heard == f"{expected}\r\n"


def converse(port: int, dialogue: str) -> None:
    """Connect, hold a dialogue, and hang up."""
    with Client(port) as client:
        client.play(dialogue)
