"""Messages are taken out of a cassette with their envelopes, under names that harm nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.cassette.exporting import messages_of, named, octets_of, record, safe_name
from smtpproxy.cassette.read import read_cassette
from tests.cassette.dialogues import cassette

TWO = """
    S: 220 Hi
    C: EHLO x
    S: 250 Hi
    C: MAIL FROM:<a@example.org>
    S: 250 Ok
    C: RCPT TO:<b@example.net>
    S: 250 Ok
    C: RCPT TO:<c@example.net>
    S: 550 No
    C: DATA
    S: 354 Go on
    C: Subject: one
    C: .
    S: 250 Ok
    C: MAIL FROM:<>
    S: 250 Ok
    C: RCPT TO:<d@example.net>
    S: 250 Ok
    C: DATA
    S: 354 Go on
    C: Subject: two
    C: .
    S: 554 No
"""
CHUNKS = """\
smtpproxy-cassette: 1
---
session: 1
dialogue:
- C: "MAIL FROM:<a@example.org>"
  S: "250 Ok"
- C: "BDAT 3"
  chunk: "a\\n"
  S: "250 Ok"
- C: "RSET"
  S: "250 Ok"
- C: "MAIL FROM:<a@example.org>"
  S: "250 Ok"
- C: "RCPT TO:<b@example.net>"
  S: "250 Ok"
- C: "BDAT 3"
  chunk: "b\\n"
  S: "250 Ok"
- C: "BDAT 3 LAST"
  chunk: "c\\n"
  S: "250 Ok"
"""


def test_messages_have_their_envelopes() -> None:
    """Sender, accepted recipients and the reply to each message belong to it alone."""
    (session,) = cassette(TWO).sessions
    found = [message[1:4] + message[5:6] for message in messages_of(session)]
    assert found == [
        (1, "a@example.org", ("b@example.net",), 250),
        (2, "", ("d@example.net",), 554),
    ]


def test_chunks_are_one_message() -> None:
    """RFC 3030 §2: chunks up to the last are a message; RSET takes them back."""
    (session,) = read_cassette(CHUNKS.encode(), "x.yaml").sessions
    (message,) = messages_of(session)
    assert b"".join(octets_of(message, Path("x.yaml"))) == b"b\r\nc\r\n"


@pytest.mark.parametrize(
    "label",
    ["../../etc/passwd", "/etc/passwd", "", ".", "-rf", "a\nb", "\u202e", "x" * 300, "CON:"],
)
def test_labels_are_hostile(label: str) -> None:
    """A part of a name is of letters, digits, hyphens and underscores, and not long."""
    name = safe_name(label)
    assert 0 < len(name) <= 40
    assert name[0] not in "-_"
    assert name.replace("_", "a").replace("-", "a").isalnum()
    assert name.isascii()


def test_names_are_unique() -> None:
    """Labels that look alike, in whatever case, do not give the same file."""
    sessions = cassette(TWO, TWO, TWO).sessions
    for session, label in zip(sessions, ("a/b", "A?b", "a_b"), strict=True):
        session.label = label
    names = [name for name, _ in named(m for one in sessions for m in messages_of(one))]
    assert names[:4] == ["a_b-1.eml", "a_b-2.eml", "A_b-1-2.eml", "A_b-2-2.eml"]
    assert len({name.lower() for name in names}) == 6


def test_sessions_as_plain_values() -> None:
    """What was said, and what became of each message, is there without YAML."""
    kept = cassette(TWO)
    told = record(kept, kept.sessions[0])
    assert told["session"] == "1"
    assert told["dialogue"][4] == {
        "line": told["dialogue"][4]["line"],
        "stage": "RCPT",
        "sent": "RCPT TO:<c@example.net>",
        "heard": ["550 No"],
        "codes": [550],
        "enhanced": [],
        "rule": None,
    }
    assert [(m["sender"], m["octets"], m["code"]) for m in told["messages"]] == [
        ("a@example.org", 14, 250),
        ("", 14, 554),
    ]
