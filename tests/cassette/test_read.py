"""Cassettes read back: what people write by hand, and one clear error for each mistake."""

import pytest

from smtpproxy.cassette.model import STRAY, UNSOLICITED, Cassette, Kept, Recorded
from smtpproxy.cassette.read import read_cassette
from smtpproxy.documents import DocumentError
from tests.cassette.recording import yaml

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
# The example of the format, as it is documented.
EXAMPLE = yaml(
    """
    smtpproxy-cassette: 1
    upstream: tcp:mail.example.org:25
    recorded: 2026-11-23T12:00:00Z
    ---
    session: 1                       # any unique label; a number when recorded
    dialogue:
    - S: "220 mail.example.org ESMTP ready"
    - C: "EHLO app.example.org"
      S: |
        250-mail.example.org
        250-PIPELINING
        250 8BITMIME
    - C: ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"]      # in one go
      S: ["250 2.1.0 Ok", "550 5.1.1 No such user", "554 5.5.1 No valid recipients"]
    - C: "RCPT TO:<c@example.net>"
      S: "250 2.1.5 Ok"
    - C: "RCPT TO:<d@example.net>"
      client-saw: "450 4.7.1 Greylisted, try again later"        # a rule answered
      rule: greylist
    - C: "DATA"
      S: "354 End data with <CR><LF>.<CR><LF>"
    - message: |
        Subject: hello

        Hi.
      S: "250 2.0.0 Ok: queued as 4F2A"
    - C: "QUIT"
      S: "221 2.0.0 Bye"
    ended: quit                      # quit, client-drop, upstream-drop, reset, timeout ...
    timing-ms: [12, 3, 41, 1, 1, 9, 0]
    """
)


def read(text: str) -> Cassette:
    """Return the cassette in a text."""
    return read_cassette(text.encode(), "signup.yaml")


def one_session(items: str) -> list[Recorded]:
    """Return the dialogue of a cassette of one session, whose first exchange stands in line 4."""
    return (
        read(f"smtpproxy-cassette: 1\n---\n{{session: 1, dialogue: [\n{items}\n]}}")
        .sessions[0]
        .dialogue
    )


def test_the_documented_example_is_read() -> None:
    """Every form of the example is the exchange that a person takes it for."""
    cassette = read(EXAMPLE)
    assert (cassette.upstream, cassette.recorded) == (
        "tcp:mail.example.org:25",
        "2026-11-23T12:00:00Z",
    )
    (session,) = cassette.sessions
    assert (session.label, session.ended) == ("1", "quit")
    assert session.timing_ms == [12, 3, 41, 1, 1, 9, 0]
    assert [(one.stage, one.sent, one.heard) for one in session.dialogue] == [
        ("CONNECT", b"", b"220 mail.example.org ESMTP ready\r\n"),
        (
            "EHLO",
            b"EHLO app.example.org\r\n",
            b"250-mail.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
        ),
        ("MAIL", b"MAIL FROM:<a@example.org>\r\n", b"250 2.1.0 Ok\r\n"),
        ("RCPT", b"RCPT TO:<b@example.net>\r\n", b"550 5.1.1 No such user\r\n"),
        ("DATA", b"DATA\r\n", b"554 5.5.1 No valid recipients\r\n"),
        ("RCPT", b"RCPT TO:<c@example.net>\r\n", b"250 2.1.5 Ok\r\n"),
        ("RCPT", b"RCPT TO:<d@example.net>\r\n", b"450 4.7.1 Greylisted, try again later\r\n"),
        ("DATA", b"DATA\r\n", b"354 End data with <CR><LF>.<CR><LF>\r\n"),
        ("END-OF-DATA", b"", b"250 2.0.0 Ok: queued as 4F2A\r\n"),
        ("QUIT", b"QUIT\r\n", b"221 2.0.0 Bye\r\n"),
    ]
    assert [one.pipelined for one in session.dialogue] == [*[False] * 3, True, True, *[False] * 5]
    assert session.dialogue[8].kept == Kept(b"Subject: hello\r\n\r\nHi.\r\n")
    greylisted = session.dialogue[6]
    assert (greylisted.said, greylisted.changed, greylisted.rule) == ((), True, "greylist")
    assert [one.line for one in session.dialogue] == [7, 8, 13, 13, 13, 15, 17, 20, 22, 27]


def test_line_ends_of_the_file_do_not_matter() -> None:
    """A cassette that went through an editor of another system is the same cassette."""
    assert read(EXAMPLE.replace("\n", "\r\n")) == read(EXAMPLE)


def test_notes_are_free() -> None:
    """`note:` and `x-…` may stand anywhere and hold anything."""
    text = yaml(
        """
        smtpproxy-cassette: 1
        note: by hand
        x-owner: [a, {b: c}]
        ---
        session: signup
        note: {a: b}
        dialogue:
        - S: "220 ready"
          note: "the greeting"
          x-y: z
        """
    )
    assert [one.heard for one in read(text).sessions[0].dialogue] == [b"220 ready\r\n"]


def test_a_line_behind_334_continues_auth() -> None:
    """What follows a 334 is no command, whatever it looks like; what follows that is one again."""
    dialogue = one_session(
        """{C: "AUTH LOGIN", S: "334 VXNlcm5hbWU6"}, {C: "QUIT", S: "334 UGFzc3dvcmQ6"},
           {C: "[redacted]", S: "235 2.7.0 Ok"}, {C: "QUIT", S: "221 Bye"}"""
    )
    assert [one.stage for one in dialogue] == ["AUTH", "AUTH", "AUTH", "QUIT"]


@pytest.mark.parametrize(
    ("reply", "stage"), [("334-odd\\n550 no", "QUIT"), ("550-odd\\n334 ", "AUTH")]
)
def test_the_last_code_of_a_reply_counts(reply: str, stage: str) -> None:
    """Of a reply with more than one code the last decides, as where it was recorded."""
    dialogue = one_session(f'{{C: AUTH LOGIN, S: "{reply}"}}, {{C: QUIT, S: "221 Bye"}}')
    assert dialogue[1].stage == stage


@pytest.mark.parametrize("item", ['{S: "250 late"}', '{stray: "what"}'])
def test_what_answers_nothing_does_not_end_auth(item: str) -> None:
    """A server's line in between does not make a command of the client's continuation."""
    dialogue = one_session(f'{{S: a}}, {{C: AUTH PLAIN, S: "334 "}}, {item}, {{C: QUIT}}')
    assert dialogue[-1].stage == "AUTH"


def test_what_answers_nothing_has_has_stages_of_its_own() -> None:
    """A reply without a command is unsolicited, unless it is the greeting; a stray is no reply."""
    dialogue = one_session('{S: "220 a"}, {S: "421 b"}, {stray: "what"}')
    assert [one.stage for one in dialogue] == ["CONNECT", UNSOLICITED, STRAY]


def test_the_greeting_is_the_first_reply() -> None:
    """A line that is no reply, before the greeting, does not make the greeting unsolicited."""
    dialogue = one_session('{stray: "what"}, {S: "220 a"}, {S: "421 b"}')
    assert [one.stage for one in dialogue] == [STRAY, "CONNECT", UNSOLICITED]


def test_quotes_make_a_text_of_anything() -> None:
    """`~` and nothing stand for no reply; in quotes they are what was said."""
    dialogue = one_session('{S: ~}, {C: a, S: "~"}, {C: b, client-saw: ""}, {C: c, client-saw: ~}')
    assert [one.heard for one in dialogue] == [None, b"~\r\n", b"\r\n", None]


def test_a_message_file_is_known_by_its_digest() -> None:
    """A file beside the cassette is noted with its size, and is not opened."""
    dialogue = one_session(f"{{message: {{file: {DIGEST}.eml, octets: 70000}}}}")
    assert dialogue[0].kept == Kept(b"", False, f"{DIGEST}.eml", 70000)


MISTAKES = [
    # What is written, in which line the mistake is, and what the error says of it.
    ("", 1, "smtpproxy-cassette: 1"),
    ("hello", 1, "smtpproxy-cassette: 1"),
    ("- a", 1, "smtpproxy-cassette: 1"),
    ("upstream: x\n", 1, "smtpproxy-cassette: 1"),
    ("smtpproxy-rules: 1\nrules: []\n", 1, "smtpproxy-cassette: 1"),
    ("smtpproxy-cassette: 2\nnew-key: 1\n", 1, "version 2"),
    ("smtpproxy-cassette: [1]\n", 1, "text"),
    ("smtpproxy-cassette: 1\nupsteam: x\n", 2, "did you mean 'upstream'?"),
    ("smtpproxy-cassette: 1\nupstream: [x]\n", 2, "text"),
    ("@\n---\n- S: a\n", 4, "session"),
    ("@\n---\n~\n", 4, "session"),
    ("@\n---\ndialogue: []\n", 4, "session:"),
    ("@\n---\nsession: 1\n", 4, "dialogue:"),
    ("@\n---\nsession: [1]\ndialogue: []\n", 4, "text"),
    ("@\n---\nsession: 1\ndialog: []\n", 5, "did you mean 'dialogue'?"),
    ("@\n---\nsession: 1\ndialogue: a\n", 5, "list"),
    ("@\n---\nsession: 1\ndialogue:\n  S: a\n", 6, "list"),
    ("@\n---\nsession: 1\ndialogue: []\n---\nsession: 1\ndialogue: []\n", 7, "line 4"),
    ("@\n---\nsession: 1\ndialogue: []\ntiming-ms: [1, 2.5]\n", 6, "whole numbers"),
    ("@\n---\nsession: 1\ndialogue: []\ntiming-ms: [-1]\n", 6, "whole numbers"),
    ("@\n---\nsession: 1\ndialogue: []\ntiming-ms: {a: 1}\n", 6, "whole numbers"),
    ("@\n---\nsession: 1\ndialogue: []\nended: [quit]\n", 6, "text"),
]


@pytest.mark.parametrize(("text", "line", "words"), MISTAKES)
def test_a_mistake_around_the_dialogue(text: str, line: int, words: str) -> None:
    """What is wrong with header or session is one error with file, line and what was expected."""
    with pytest.raises(DocumentError) as error:
        read(text.replace("@", "smtpproxy-cassette: 1\nupstream: x"))
    assert str(error.value).startswith(f"signup.yaml:{line}: ")
    assert words in error.value.problem
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("hello", "C: and S:"),
        ("[a]", "C: and S:"),
        ("{Cc: a}", "did you mean 'C'?"),
        ("{C: a, client_saw: b}", "did you mean 'client-saw'?"),
        ("{C: {a: b}}", "text"),
        ("{C: ~}", "text"),
        ("{C: a, S: [[b]]}", "text"),
        ("{C: a, S: {base64: '?'}}", "base64"),
        ("{C: a, rule: [b]}", "text"),
        ("{C: [a, b], S: c}", "list of 2"),
        ("{C: [a, b], S: [c]}", "list of 2"),
        ("{C: [a, b], S: [c, d], client-saw: [e]}", "list of 2"),
        ("{C: [a, b], S: [c, d], rule: e}", "list of 2"),
        ("{C: [[a], b]}", "text"),
        ("{C: a, message: b}", "without C:"),
        ("{C: a, wire: b}", "without C:"),
        ("{chunk: b}", "with C:"),
        ("{message: [b]}", "text"),
        ("{message: {base64: '?'}}", "base64"),
        ("{message: {file: a.eml}}", "64 hexadecimal digits"),
        (f"{{message: {{file: ../{DIGEST}.eml}}}}", "64 hexadecimal digits"),
        (f"{{message: {{file: {DIGEST.upper()}.eml}}}}", "64 hexadecimal digits"),
        (f"{{message: {{file: {DIGEST}.eml, octet: 1}}}}", "did you mean 'octets'?"),
        (f"{{message: {{file: [{DIGEST}.eml]}}}}", "text"),
        ("{stray: [a]}", "text"),
        ("{S: &a b}", "anchors"),
        ("{S: *a}", "aliases"),
        ("{S: !!str b}", "tags"),
        ("{<<: {S: b}}", "merge keys"),
        ("{S: a, S: b}", "twice"),
    ],
)
def test_a_mistake_in_an_exchange(item: str, words: str) -> None:
    """What is wrong with an exchange is one error with file, line and what was expected."""
    with pytest.raises(DocumentError) as error:
        one_session(item)
    assert str(error.value).startswith("signup.yaml:4: ")
    assert words in error.value.problem
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "item",
    [
        "{message: a, wire: b}",
        "{C: [a, b], message: c}",
        "{C: [BDAT 1, b], chunk: c}",
        "{stray: a, C: b}",
        "{stray: a, S: b}",
        "{C: a, pipelined: treu}",
        f"{{message: {{file: {DIGEST}.eml, octets: many}}}}",
    ],
)
def test_nothing_is_dropped_without_a_word(item: str) -> None:
    """What can't stand together, or can't be what its key says, is an error: never left out."""
    with pytest.raises(DocumentError, match=r"^signup\.yaml:4: "):
        one_session(item)


def test_unquoted_text_with_a_colon_is_shown_quoted() -> None:
    """The error of the likeliest slip holds the line to paste."""
    with pytest.raises(DocumentError) as error:
        read("smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n- S: 250 Ok: queued\n")
    assert error.value.line == 5
    assert '- S: "250 Ok: queued"' in error.value.problem


def test_a_huge_number_is_no_trouble() -> None:
    """Numbers as long as a file are read in no time, and nothing overflows."""
    text = f"smtpproxy-cassette: 1\n---\nsession: 1\ndialogue: []\ntiming-ms: [{'9' * 100_000}]\n"
    assert read(text).sessions[0].timing_ms[0] > 10**9
