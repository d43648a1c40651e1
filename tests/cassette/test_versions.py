"""Versions of the format: what was ever written is read for ever, as what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.cassette.model import MAGIC, VERSION, Kept, Recorded, RecordedSession, RecordedTls
from smtpproxy.cassette.read import EXCHANGE_KEYS, HEADER_KEYS, SESSION_KEYS, read_cassette
from smtpproxy.cassette.store import load_cassette
from smtpproxy.cassette.versions import OLDEST, STEPS, newest
from smtpproxy.documents import DocumentError, Mapping, Node
from tests.cassette.test_roundtrip import written

FROZEN = Path(__file__).parent / "v1"
SAMPLES = sorted((Path(__file__).parents[2] / "cassettes").glob("*.yaml"))
DIGESTS = (
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
)

BY_HAND = [
    RecordedSession(
        "signup",
        [
            Recorded("CONNECT", said=(b"220 mail.example.org ESMTP\r\n",), line=12),
            Recorded(
                "EHLO",
                b"EHLO app.example.org\r\n",
                said=(b"250-mail.example.org\r\n250-CHUNKING\r\n250 AUTH LOGIN\r\n",),
                line=14,
            ),
            Recorded("AUTH", b"AUTH LOGIN\r\n", said=(b"334 VXNlcm5hbWU6\r\n",), line=20),
            Recorded("AUTH", b"[redacted]\r\n", said=(b"334 UGFzc3dvcmQ6\r\n",), line=22),
            Recorded("AUTH", b"[redacted]\r\n", said=(b"235 2.7.0 Ok\r\n",), line=24),
            Recorded(
                "MAIL", b"MAIL FROM:<a@example.org>\r\n", said=(b"250 2.1.0 Ok\r\n",), line=26
            ),
            Recorded(
                "RCPT",
                b"RCPT TO:<b@example.net>\r\n",
                saw=b"452 4.5.3 Later\r\n",
                changed=True,
                rule="later",
                pipelined=True,
                line=26,
            ),
            Recorded("DATA", b"DATA\r\n", said=(b"354 go\r\n",), pipelined=True, line=26),
            Recorded(
                "END-OF-DATA",
                kept=Kept(b"Subject: hello\r\n\r\nHi.\r\n"),
                said=(b"250 2.0.0 folded\r\n",),
                line=32,
            ),
            Recorded("QUIT", b"QUIT\r\n", said=(b"221 2.0.0 Bye\r\n",), line=39),
        ],
        ended="quit",
        timing_ms=[12],
        line=8,
        anomalies=["bare-lf"],
        tls={"client": RecordedTls("TLSv1.3")},
    )
]

LMTP = RecordedSession(
    "1",
    [
        Recorded("(stray)", said=(b"hello\r\n",)),
        Recorded("CONNECT", said=(b"220 mail.example.org LMTP\r\n",), line=8),
        Recorded(
            "LHLO",
            b"LHLO app.example.org\r\n",
            said=(b"250-mail.example.org\r\n250 PIPELINING\r\n",),
            line=9,
        ),
        Recorded("MAIL", b"MAIL FROM:<a@example.org>\r\n", said=(b"250 2.1.0 Ok\r\n",), line=14),
        *(
            Recorded(verb, sent, said=(said,), pipelined=True, line=line)
            for verb, sent, said, line in (
                ("RCPT", b"RCPT TO:<b@example.net>\r\n", b"250 2.1.5 Ok\r\n", 15),
                ("RCPT", b"RCPT TO:<c@example.net>\r\n", b"250 2.1.5 Ok\r\n", 16),
                ("RCPT", b"RCPT TO:<d@example.net>\r\n", b"550 5.1.1 No\r\n", 17),
                ("DATA", b"DATA\r\n", b"354 go\r\n", 18),
            )
        ),
        Recorded(
            "END-OF-DATA",
            kept=Kept(b"Subject: a line that ends in a blank \r\n\r\n .\r\n"),
            said=(b"250 2.0.0 for b\r\n", b"452 4.2.2 for c\r\n"),
            saw=b"250 2.0.0 for b\r\n250 2.0.0 for c\r\n",
            changed=True,
            rule="be kind: always",
            line=20,
        ),
        Recorded("QUIT", b"QUIT\r\n", said=(b"221 2.0.0 Bye\r\n",), pipelined=True, line=30),
    ],
    ended="quit",
    timing_ms=[12, 3, 41, 41, 41, 41, 41, 9, 9, 0],
    line=5,
)
CHUNKS = RecordedSession(
    "2",
    [
        Recorded("CONNECT", said=(b"220 mail.example.org\n",), line=38),
        Recorded(
            "EHLO",
            b"EHLO app.example.org\r\n",
            said=("250 mail.example.org \x1b[31m\u202e\r\n".encode(),),
            line=39,
        ),
        Recorded("BDAT", b"BDAT 3\r\n", Kept(b"\0\xff\n"), (b"250 3 octets\r\n",), line=41),
        Recorded("BDAT", b"BDAT 4 LAST\r\n", Kept(b"Hi\r\n"), (b"250 2.0.0 Ok\r\n",), line=44),
        Recorded("DATA", b"DATA\r\n", said=(b"354 go\r\n",), line=48),
        Recorded(
            "END-OF-DATA",
            kept=Kept(b".stuffed by nobody\r\n", wire=True),
            said=(b"250 2.0.0 Ok\r\n",),
            line=50,
        ),
        Recorded("DATA", b"DATA\r\n", said=(b"354 go\r\n",), line=53),
        Recorded(
            "END-OF-DATA",
            kept=Kept(b"", False, f"{DIGESTS[0]}.eml", 70000),
            said=(b"250 2.0.0 Ok\r\n",),
            line=55,
        ),
        Recorded("DATA", b"DATA\r\n", said=(b"354 go\r\n",), line=57),
        Recorded(
            "END-OF-DATA",
            kept=Kept(b"", True, f"{DIGESTS[1]}.eml", 65537),
            changed=True,
            rule="drop",
            line=59,
        ),
        Recorded("(unsolicited)", said=(b"421 4.4.2 Goodbye\r\n",), line=62),
    ],
    ended="rule",
    timing_ms=[1, 2, 3, 4, 5, 6, 7, 8, 9],
    line=36,
    anomalies=["bare-lf", "early-command"],
    client="2001:db8::7",
    tls={
        "client": RecordedTls("TLSv1.3", "TLS_AES_256_GCM_SHA384", "mail.example.org", "smtp"),
        "upstream": RecordedTls(
            "TLSv1.2",
            "ECDHE-RSA-AES256-GCM-SHA384",
            "mail.example.org",
            subject="CN=mail.example.org",
            sha256=DIGESTS[0],
        ),
    },
)
RECORDED = [
    LMTP,
    CHUNKS,
    RecordedSession(
        "3",
        [Recorded("CONNECT", line=73)],
        ended="upstream-drop",
        line=71,
        tls={"upstream": RecordedTls(failed="certificate verify failed: self-signed certificate")},
    ),
    RecordedSession(
        "4",
        [
            Recorded(
                "CONNECT",
                saw=b"421 4.3.2 Upstream is not there\r\n",
                changed=True,
                by="proxy",
                line=81,
            )
        ],
        ended="no-upstream",
        timing_ms=[0],
        line=79,
    ),
    RecordedSession(
        "5",
        [
            Recorded("CONNECT", said=(b"220 mail.example.org ESMTP\r\n",), line=88),
            Recorded("STARTTLS", b"STARTTLS\r\n", said=(b"220 2.0.0 Go ahead\r\n",), line=89),
        ],
        ended="client-drop",
        opaque="STARTTLS",
        timing_ms=[1, 2],
        line=86,
    ),
    RecordedSession("6", ended="client-drop", line=95),
]


@pytest.mark.parametrize(
    ("name", "upstream", "sessions"),
    [
        ("by-hand.yaml", "tcp:mail.example.org:25", BY_HAND),
        ("recorded.yaml", "tcp:[2001:db8::25]:25", RECORDED),
    ],
)
def test_version_1_is_read_for_ever(
    name: str, upstream: str, sessions: list[RecordedSession]
) -> None:
    """Each of the frozen files is exactly what it was when it was frozen. They never change."""
    cassette = load_cassette(FROZEN / name)
    assert (cassette.upstream, cassette.recorded) == (upstream, "2026-11-23T12:00:00Z")
    assert cassette.sessions == sessions


def test_what_is_recorded_today_was_recorded_then() -> None:
    """The writer gives the frozen recording again, to the letter, while the version is 1."""
    recorded = FROZEN / "recorded.yaml"
    text = written(load_cassette(recorded).sessions, "tcp:[2001:db8::25]:25")
    assert text.decode() == recorded.read_text()


def test_the_frozen_files_have_every_key() -> None:
    """None of the format's keys is left out of what is kept readable."""
    texts = [path.read_text() for path in FROZEN.glob("*.yaml")]
    for key in (*HEADER_KEYS, *SESSION_KEYS, *EXCHANGE_KEYS):
        assert any(
            f"\n{start}{key}: " in f"\n{text}" or f"\n{start}{key}:\n" in text
            for text in texts
            for start in ("", "- ", "  ")
        ), key


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_say_their_version(path: Path) -> None:
    """Each sample is of a version that is read."""
    assert OLDEST <= int(path.read_text().partition(f"{MAGIC}: ")[2].partition("\n")[0]) <= VERSION


def test_there_is_a_step_from_each_version() -> None:
    """From the first version on, one step leads to the next, and the last to what is written."""
    assert list(STEPS) == list(range(OLDEST, VERSION))
    assert newest() == VERSION


# A format that might follow: `dialogue:` is named `exchanges:`, and `note:` is gone.


def renamed(document: Node, old: str, new: str) -> Node:
    """Return a document with another name for a key."""
    if not isinstance(document, Mapping):
        return document
    names = {key: new if key == old else key for key in document.entries}
    return Mapping(
        document.line,
        {names[key]: node for key, node in document.entries.items()},
        {names[key]: line for key, line in document.key_lines.items()},
    )


FUTURE = {
    1: lambda document: renamed(document, "exchanges", "talk"),
    2: lambda document: renamed(document, "talk", "dialogue"),
}
OLD = b"""smtpproxy-cassette: %d
---
session: 1
%s:
- S: "220 ready"
- C: 7
"""


@pytest.mark.parametrize(("version", "key"), [(1, b"exchanges"), (2, b"talk"), (3, b"dialogue")])
def test_every_version_becomes_the_newest(version: int, key: bytes) -> None:
    """All steps from a file's own version on are taken, in order; lines stay those of the file."""
    (session,) = read_cassette(OLD % (version, key), "signup.yaml", FUTURE).sessions
    assert [(one.sent, one.said, one.line) for one in session.dialogue] == [
        (b"", (b"220 ready\r\n",), 5),
        (b"7\r\n", (), 6),
    ]


@pytest.mark.parametrize(("version", "key"), [(2, b"exchanges"), (3, b"talk"), (1, b"dialog")])
def test_a_version_has_its_own_keys(version: int, key: bytes) -> None:
    """What an older version allowed is no mistake that a newer one passes over."""
    with pytest.raises(DocumentError, match=rf"^signup\.yaml:4: unknown key '{key.decode()}'"):
        read_cassette(OLD % (version, key), "signup.yaml", FUTURE)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("2", "which needs a newer release of smtpproxy; this release reads version 1"),
        ("10", "which needs a newer release of smtpproxy; this release reads version 1"),
        ("0", "; this release reads version 1"),
        ("01", "; this release reads version 1"),
        ("1.0", "; this release reads version 1"),
        ("-1", "; this release reads version 1"),
        ("one", "; this release reads version 1"),
    ],
)
def test_another_version_says_what_it_needs(said: str, told: str) -> None:
    """A file of a version to come, or of none, is refused in its first line with a way out."""
    with pytest.raises(DocumentError) as error:
        read_cassette(f"{MAGIC}: {said}\nnew-key: a\n---\n[1]\n".encode(), "signup.yaml")
    named = f"signup.yaml:1: is a cassette of version {said}"
    assert str(error.value) in (f"{named}{told}", f"{named}, {told}")


def test_all_versions_that_are_read_are_named() -> None:
    """Where there are more, the error names each."""
    with pytest.raises(DocumentError, match=r"newer .*; this release reads version 1 and 2 and 3$"):
        read_cassette(f"{MAGIC}: 4\n".encode(), "signup.yaml", FUTURE)


def test_what_is_compared_is_read_for_ever() -> None:
    """The header's words for it are those that they were."""
    cassette = load_cassette(FROZEN / "compared.yaml")
    assert cassette.match == ("verb", "envelope")
    assert cassette.ignore == ("NOTIFY", "X-Mailer")


def test_what_was_said_behind_a_session_is_read_for_ever() -> None:
    """It is known whose it is, and that it has no greeting."""
    (session,) = load_cassette(FROZEN / "behind.yaml").sessions
    assert (session.label, session.behind) == ("1 behind quit", "1")
    assert [one.stage for one in session.dialogue] == ["(unsolicited)", "NOOP"]


def test_the_order_is_read_for_ever() -> None:
    """The header's word for it is that which it was."""
    assert load_cassette(FROZEN / "strict.yaml").order == "strict"
