"""Cassettes written out: each kind of exchange in the form that a person would write."""

import pytest

from smtpproxy.cassette.model import Kept, Recorded, stray, unsolicited
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.write import (
    may_join,
    write_group,
    write_header,
    write_session_end,
    write_session_start,
)
from tests.cassette.recording import yaml

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
GREETING = Recorded("CONNECT", said=(b"220 mail.example.org ESMTP ready\r\n",))
MAIL = Recorded("MAIL", b"MAIL FROM:<a@example.org>\r\n", said=(b"250 2.1.0 Ok\r\n",))
RCPT = Recorded("RCPT", b"RCPT TO:<b@example.net>\r\n", said=(b"250 2.1.5 Ok\r\n",))
EHLO = Recorded("EHLO", b"EHLO app.example.org\r\n", said=(b"250-a\r\n250 b\r\n",))
HELD = RCPT._replace(said=(), saw=b"450 4.7.1 Later\r\n", changed=True, rule="greylist")


def read_back(*groups: list[Recorded]) -> list[Recorded]:
    """Return what the written exchanges are read as."""
    parts = [write_header("", ""), write_session_start("1"), *map(write_group, groups)]
    return read_cassette("".join(parts).encode(), "signup.yaml").sessions[0].dialogue


def test_the_header_says_what_was_recorded() -> None:
    """The first document names the format, the upstream and the time."""
    assert write_header("tcp:mail.example.org:25", "2026-11-23T12:00:00Z") == yaml(
        """
        smtpproxy-cassette: 1
        upstream: tcp:mail.example.org:25
        recorded: 2026-11-23T12:00:00Z
        """
    )


def test_an_empty_session_is_an_empty_list() -> None:
    """A session of no exchanges can be read back."""
    text = write_session_start("1") + write_session_end("client-drop", "", [], empty=True)
    assert text == yaml(
        """
        ---
        session: 1
        dialogue:
          []
        ended: client-drop
        timing-ms: []
        """
    )


def test_a_session_ends_with_how_and_when() -> None:
    """How it ended, what was not read, and how long each answer took."""
    assert write_session_end("upstream-drop", "STARTTLS", [12, 3, 0], empty=False) == yaml(
        """
        ended: upstream-drop
        opaque: STARTTLS
        timing-ms: [12, 3, 0]
        """
    )


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        pytest.param(GREETING, '- S: "220 mail.example.org ESMTP ready"\n', id="greeting"),
        pytest.param(RCPT, '- C: "RCPT TO:<b@example.net>"\n  S: "250 2.1.5 Ok"\n', id="a command"),
        pytest.param(
            EHLO, '- C: "EHLO app.example.org"\n  S: |\n    250-a\n    250 b\n', id="many lines"
        ),
        pytest.param(
            Recorded(
                "END-OF-DATA", kept=Kept(b"Subject: hi\r\n\r\nHi.\r\n"), said=(b"250 Ok\r\n",)
            ),
            '- message: |\n    Subject: hi\n\n    Hi.\n  S: "250 Ok"\n',
            id="message",
        ),
        pytest.param(
            Recorded("END-OF-DATA", kept=Kept(b".a\r\n", wire=True), said=(b"250 Ok\r\n",)),
            '- wire: |\n    .a\n  S: "250 Ok"\n',
            id="mail data as it was on the wire",
        ),
        pytest.param(
            Recorded("END-OF-DATA", kept=Kept(b"", False, f"{DIGEST}.eml", 70000)),
            f'- message: {{file: "{DIGEST}.eml", octets: 70000}}\n',
            id="message in a file",
        ),
        pytest.param(
            Recorded("BDAT", b"BDAT 4 LAST\r\n", Kept(b"a\r\nb"), (b"250 Ok\r\n",)),
            '- C: "BDAT 4 LAST"\n  chunk: "\\\n    a\\n\\\n    b\\\n    "\n  S: "250 Ok"\n',
            id="chunk",
        ),
        pytest.param(
            HELD,
            '- C: "RCPT TO:<b@example.net>"\n  client-saw: "450 4.7.1 Later"\n  rule: greylist\n',
            id="a rule answered",
        ),
        pytest.param(
            HELD._replace(said=(b"250 Ok\r\n",)),
            '- C: "RCPT TO:<b@example.net>"\n  S: "250 Ok"\n  client-saw: "450 4.7.1 Later"\n'
            "  rule: greylist\n",
            id="a rule answered otherwise",
        ),
        pytest.param(
            HELD._replace(saw=None, rule="lost reply"),
            '- C: "RCPT TO:<b@example.net>"\n  client-saw: ~\n  rule: "lost reply"\n',
            id="a rule said nothing",
        ),
        pytest.param(
            Recorded("CONNECT", saw=b"421 4.3.0 No\r\n", changed=True, by="proxy"),
            '- client-saw: "421 4.3.0 No"\n  by: proxy\n',
            id="the proxy answered",
        ),
        pytest.param(
            EHLO._replace(pipelined=True, said=(b"250 b\r\n",)),
            '- C: "EHLO app.example.org"\n  pipelined: true\n  S: "250 b"\n',
            id="pipelined alone",
        ),
        pytest.param(unsolicited(b"421 Bye\r\n"), '- S: "421 Bye"\n', id="unsolicited"),
        pytest.param(stray(b"what?\r\n"), '- stray: "what?"\n', id="stray"),
        pytest.param(
            Recorded("END-OF-DATA", kept=Kept(b"a\r\n"), said=(b"250 b\r\n", b"550 c\r\n")),
            '- message: |\n    a\n  S: ["250 b", "550 c"]\n',
            id="one reply a recipient",
        ),
    ],
)
def test_one_exchange_reads_like_a_dialogue(exchange: Recorded, expected: str) -> None:
    """Each kind of exchange has a form of its own."""
    assert write_group([exchange]) == expected


def test_commands_sent_in_one_go_share_an_item() -> None:
    """Commands and replies of a pipelined group stand in lists, in order."""
    refused = Recorded("DATA", b"DATA\r\n", said=(b"554 5.5.1 No\r\n",), pipelined=True)
    group = [MAIL, RCPT._replace(pipelined=True), refused]
    assert write_group(group) == (
        '- C: ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"]\n'
        '  S: ["250 2.1.0 Ok", "250 2.1.5 Ok", "554 5.5.1 No"]\n'
    )


def test_a_long_group_takes_a_line_an_item() -> None:
    """What would be too long to read on one line stands below each other, in order."""
    group = [RCPT._replace(sent=b"RCPT TO:<user%d@example.net>\r\n" % at) for at in range(4)]
    written = write_group(group)
    assert written.startswith('- C:\n  - "RCPT TO:<user0@example.net>"\n  - "RCPT TO:<user1@')
    assert [one.sent for one in read_back([MAIL], group)[1:]] == [one.sent for one in group]


def test_a_group_may_itself_be_pipelined() -> None:
    """What was sent behind a command whose reply is no single line does not lose that."""
    first, second = MAIL._replace(pipelined=True), RCPT._replace(pipelined=True)
    assert [one.pipelined for one in read_back([EHLO], [first, second])] == [False, True, True]


def test_a_group_tells_who_answered_what() -> None:
    """Where a rule answered one command of a group, the others have `~` in its place."""
    assert write_group([MAIL, HELD._replace(pipelined=True)]) == (
        '- C: ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"]\n'
        '  S: ["250 2.1.0 Ok", ~]\n  client-saw: [~, "450 4.7.1 Later"]\n  rule: [~, greylist]\n'
    )


@pytest.mark.parametrize(
    ("exchange", "joins"),
    [
        (MAIL, True),
        (HELD, True),
        (MAIL._replace(said=()), True),
        (GREETING, False),
        (EHLO, False),
        (HELD._replace(saw=b"450-a\r\n450 b\r\n"), False),
        (HELD._replace(saw=None), False),
        (Recorded("BDAT", b"BDAT 0 LAST\r\n", Kept(b"")), False),
        (Recorded("END-OF-DATA", kept=Kept(b"")), False),
        (MAIL._replace(said=(b"250 a\r\n", b"250 b\r\n")), False),
        (unsolicited(b"421 Bye\r\n"), False),
        (stray(b"what?\r\n"), False),
    ],
)
def test_only_what_a_list_can_hold_joins_a_group(exchange: Recorded, joins: bool) -> None:
    """A list holds single lines: no mail data, no multiline replies, no dropped connections."""
    assert may_join(exchange) is joins


@pytest.mark.parametrize(
    "name",
    [
        *(
            "null",
            "true",
            "~",
            "",
            "no: such",
            "a, b",
            "a]",
            "a[1]",
            "{x}",
            "# 1",
            "é",
            "😀",
            "\x7f",
        ),
        *('say "no"', "back\\slash", "&a", "*a", "!a", "- a", "a:", "1", "x\u2028y"),
    ],
)
def test_any_name_of_a_rule_can_be_read_back(name: str) -> None:
    """Users name their rules: the name is text, alone and in a list."""
    held = HELD._replace(rule=name, pipelined=True)
    dialogue = read_back([MAIL], [held], [MAIL, held])
    assert [one.rule for one in dialogue] == ["", name, "", name]


def test_multiline_replies_may_stand_in_a_list() -> None:
    """One reply a recipient, of which some have more lines: the cassette can still be read."""
    replies = (b"250-a\r\n250 b\r\n", b"550 c\r\n")
    one = Recorded("END-OF-DATA", kept=Kept(b"a\r\n"), said=replies)
    assert read_back([one])[0].said == replies
