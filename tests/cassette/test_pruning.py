"""Transactions are taken out, and what stays is as it was written."""

from __future__ import annotations

from smtpproxy.cassette.pruning import Pruned, pruned, transactions
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.script import Script

TEXT = """\
smtpproxy-cassette: 1
---
session: 1
dialogue:
- S: "220 Hi"
- C: "EHLO x"
  S: "250 Hi"
# the first
- C: "MAIL FROM:<a@example.org>"
  S: "250 Ok"
- C: ["RCPT TO:<b@example.net>", "DATA"]
  S: ["250 Ok", "354 Go on"]
- message: |
    Hi.

    # no comment
  S: "250 Ok"

# the second
- C: "MAIL FROM:<c@example.org>"
  S: "250 Ok"
  note: mine
- C: "RSET"
  S: "250 Ok"
# the end
- C: "QUIT"
  S: "221 Bye"
ended: quit
x-mine: 1
timing-ms: [0, 1, 2, 3, 4, 5, 6, 7, 8]
"""
FIRST, SECOND = (
    TEXT.splitlines().index(f'- C: "MAIL FROM:<{letter}@example.org>"') + 1 for letter in "ac"
)


def cut(text: str, *lines: int, labels: tuple[str, ...] = ()) -> Pruned:
    """Take transactions out of a cassette."""
    return pruned(Script(text.encode(), "kept.yaml"), lines, labels)


def test_nothing_asked_for_nothing_changed() -> None:
    """The text stays as it is."""
    assert cut(TEXT) == (TEXT.encode(), 0, 0, ())


def test_a_transaction_goes_with_its_comment_and_times() -> None:
    """From MAIL to the end of its message, and one time for each of its replies."""
    begin, end = TEXT.index("# the first"), TEXT.index("# the second")
    expected = TEXT[:begin] + TEXT[end:]
    expected = expected.replace("[0, 1, 2, 3, 4, 5, 6, 7, 8]", "[0, 1, 6, 7, 8]")
    assert cut(TEXT, FIRST) == (expected.encode(), 1, 0, ())


def test_notes_and_comments_of_others_stay() -> None:
    """What stands beside what stays is not touched."""
    octets = cut(TEXT, SECOND).octets
    for words in (b"# the first", b"# no comment", b"# the end", b"x-mine: 1"):
        assert words in octets
    assert b"note: mine" not in octets


def test_all_transactions_may_go() -> None:
    """A session without transactions is still one that greets and says good-bye."""
    octets, many, _, left = cut(TEXT, FIRST, SECOND)
    assert (many, left) == (2, ())
    (session,) = read_cassette(octets, "x").sessions
    assert [one.stage for one in session.dialogue] == ["CONNECT", "EHLO", "QUIT"]


def test_what_was_sent_in_one_go_with_others_stays() -> None:
    """A list of commands is never torn apart; that it was left in is told."""
    text = TEXT.replace('- C: "EHLO x"\n  S: "250 Hi"\n', "").replace(
        '- C: "MAIL FROM:<a@example.org>"\n  S: "250 Ok"\n',
        '- C:\n  - "EHLO x"\n  - "MAIL FROM:<a@example.org>"\n  S: ["250 Hi", "250 Ok"]\n',
    )
    line = text.splitlines().index('  - "MAIL FROM:<a@example.org>"') + 1
    assert cut(text, line) == (text.encode(), 0, 0, (line,))


def test_a_list_that_is_all_of_a_transaction_goes() -> None:
    """Commands that were sent in one go go together."""
    text = (
        'smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n- S: "220 Hi"\n'
        '- C: ["MAIL FROM:<>", "RCPT TO:<b@example.net>", "RSET"]\n'
        '  S: ["250 Ok", "250 Ok", "250 Ok"]\n'
    )
    assert cut(text, 6).octets == text[: text.index("- C:")].encode()


def test_lines_of_nothing_are_told() -> None:
    """A report of another cassette, or of another version of this one, takes nothing out."""
    assert cut(TEXT, 1000, 6).left == (6, 1000)


def test_a_session_goes_whole() -> None:
    """Its comments before it, and its lines, are gone; the others are as they were."""
    more = '# about the other\n---\nsession: other\ndialogue:\n- S: "220 Ho"\n'
    assert cut(TEXT + more, labels=("other",)) == (TEXT.encode(), 0, 1, ())
    octets = cut(TEXT + more, FIRST, labels=("1",)).octets
    assert octets == b"smtpproxy-cassette: 1\n" + more.encode()


def test_a_dialogue_that_is_empty_goes_with_its_session() -> None:
    """A session that was nothing but what is taken out is no session any more."""
    text = 'smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n- C: "VRFY x"\n  S: "252 Hm"\n'
    greeted = text.replace("dialogue:\n", 'dialogue:\n- S: "220 Hi"\n')
    assert cut(greeted, 6).sessions == 0
    assert cut(text, 5).sessions == 1


def test_times_that_fit_nothing_stay() -> None:
    """Where times were edited by hand, it is not known which belong to what."""
    text = TEXT.replace("[0, 1, 2, 3, 4, 5, 6, 7, 8]", "[0, 1]")
    assert b"timing-ms: [0, 1]\n" in cut(text, FIRST).octets


def test_dialogues_are_cut_as_in_replay() -> None:
    """A transaction ends with its message, RSET, or what begins another."""
    (session,) = read_cassette(TEXT.encode(), "x").sessions
    assert [(places[0], len(places)) for places in transactions(session.dialogue)] == [
        (2, 4),
        (6, 2),
    ]
