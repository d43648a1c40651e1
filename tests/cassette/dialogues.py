"""Dialogues as the RFCs print them, played without any socket.

`C:` and `S:` say who speaks; lines of one speaker in a row are sent in one go.
"""

import json
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from textwrap import dedent

from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.read import read_cassette
from smtpproxy.responder import LocalServer, Responder

SOURCE = "signup.yaml"


def dialogue(text: str) -> str:
    """Return a dialogue without the indentation that it has in a test."""
    return dedent(text).strip()


def segments(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield who speaks, and the lines that are sent in one go."""
    lines = [line.strip() for line in text.strip().splitlines()]
    for who, group in groupby(lines, key=lambda line: line.partition(":")[0]):
        yield who, [line.partition(":")[2].removeprefix(" ") for line in group]


def wire(lines: list[str]) -> bytes:
    """Return lines as they go over the wire."""
    return "".join(f"{line}\r\n" for line in lines).encode()


def cassette_text(*dialogues: str) -> str:
    """Return the cassette that a person would write of dialogues, one a session."""
    documents = ["smtpproxy-cassette: 1\nupstream: tcp:mail.example.org:25\n"]
    for number, text in enumerate(dialogues, start=1):
        items = "".join("- " + "\n  ".join(one) + "\n" for one in _exchanges(text))
        documents.append(f"session: {number}\ndialogue:\n{items}ended: quit\n")
    return "---\n".join(documents)


def cassette(*dialogues: str) -> Cassette:
    """Return a cassette of dialogues, one a session."""
    return read_cassette(cassette_text(*dialogues).encode(), SOURCE)


def _exchanges(text: str) -> list[list[str]]:
    written: list[list[str]] = []
    unanswered: deque[list[str]] = deque()
    reply: list[str] = []
    message: list[str] | None = None
    for who, lines in segments(text):
        for line in lines:
            if who == "C" and message is not None and line != ".":
                message.append(line)
            elif who == "C":
                octets = wire(message).decode().replace("\r\n", "\n") if message else ""
                form = f"C: {json.dumps(line)}" if message is None else f"message: {_text(octets)}"
                message = None
                written.append([form])
                unanswered.append(written[-1])
            else:
                reply.append(line)
                if line[3:4] == "-":
                    continue
                if not unanswered:
                    written.append([])
                    unanswered.append(written[-1])
                unanswered.popleft().append(f"S: {_text(chr(10).join(reply))}")
                message = [] if line.startswith("354") else None
                reply = []
    return written


def _text(text: str) -> str:
    return json.dumps(text)


class Client:
    """A client that says its part of a dialogue to a server in this process."""

    def __init__(self, responder: Responder) -> None:
        self.server = LocalServer(responder)
        self.greeting = self.server.connected()

    def says(self, *lines: str) -> bytes:
        """Send lines in one go, and return the answer."""
        return self.server.receive(wire(list(lines)))

    def played(self, text: str) -> str:
        """Say the client's part, and return the dialogue with what the server really said."""
        heard = []
        for at, (who, lines) in enumerate(segments(text)):
            if who == "C":
                heard += [f"C: {line}".rstrip() for line in lines]
                answer = self.says(*lines)
            elif at == 0:
                answer = self.greeting
            else:
                continue
            heard += [f"S: {line}" for line in answer.decode().split("\r\n")[:-1]]
        return "\n".join(heard)
