"""What to do about a miss: lines for people, and YAML that is read again."""

import pytest

from smtpproxy.cassette.advice import explained, reported
from smtpproxy.cassette.matching import Matching
from smtpproxy.cassette.misses import Miss
from smtpproxy.cassette.read import read_cassette
from smtpproxy.replay import Player
from smtpproxy.reports.reported import ReportedField
from tests.cassette.dialogues import SOURCE, Client, cassette, cassette_text
from tests.cassette.replaying import CLOSING, LETTER, OPENING, lines

RECORDED = lines(OPENING, LETTER, CLOSING)
SAID = [line[3:] for line in LETTER.splitlines() if line[:1] == "C"]
HELLO = "EHLO app.example.org"


def miss(*said: str, recorded: str = RECORDED, matching: Matching | None = None) -> Miss:
    """Return the one miss of a client that says hello and then this."""
    found: list[Miss] = []
    player = Player(cassette(recorded), found.append, matching=matching or Matching())
    client = Client(player.connection("run-1"))
    client.says(HELLO)
    for line in said:
        client.says(line)
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            ["MAIL FROM:<z@example.org>"],
            [
                "  fits     verb, domain",
                "  differs  local part: z, recorded: a",
                '  instead  signup.yaml:9: C: "MAIL FROM:<z@example.org>"',
            ],
        ),
        (
            ["MAIL FROM:<a@example.org> RET=HDRS SIZE=9"],
            [
                "  fits     verb, local part, domain",
                "  ignored  SIZE",
                "  differs  RET: HDRS, recorded: not there",
                '  instead  signup.yaml:9: C: "MAIL FROM:<a@example.org> RET=HDRS SIZE=9"',
                "  or       --ignore RET",
            ],
        ),
        (
            ["MAIL FROM:<a@example.org>", "DATA"],
            [
                "  here     the cassette has RCPT TO:<b@example.net>",
                "  add      behind signup.yaml:9:",
                '           - C: "DATA"',
                '             S: "354 Start mail input; end with <CRLF>.<CRLF>"',
            ],
        ),
    ],
)
def test_a_few_aligned_lines(said: list[str], told: list[str]) -> None:
    """A person reads what fits, what differs, and what to paste where."""
    assert explained(miss(*said)).split("\n") == told


def test_what_is_used_up_is_to_be_repeated() -> None:
    """There is nothing to paste where the cassette has it already."""
    one = miss(*SAID, "MAIL FROM:<a@example.org>")
    assert explained(one) == (
        "  used     as often as it was recorded; --repeat lets it be replayed again"
    )
    assert (reported(one).paste, reported(one).paste_at) == ("", "")


def test_a_message_has_nothing_to_be_pasted() -> None:
    """Where only header fields differ, they can be ignored by name."""
    other = [line.replace("hello", "hallo") for line in SAID]
    one = miss(*other, matching=Matching(message=True))
    assert explained(one).split("\n") == [
        "  fits     verb, body",
        "  differs  header Subject: hallo, recorded: hello",
        "  or       --ignore Subject",
    ]


def test_on_a_terminal_the_outcomes_are_coloured() -> None:
    """Colours stand around the first words, and change nothing else."""
    one = miss("MAIL FROM:<z@example.org>")
    shown = explained(one, colour=True)
    assert "\x1b[31mdiffers\x1b[0m" in shown
    for code in ("1", "31", "32", "0"):
        shown = shown.replace(f"\x1b[{code}m", "")
    assert shown == explained(one)


def test_what_a_client_sent_is_shown_and_not_obeyed() -> None:
    """Neither lines for people nor YAML have control characters in them."""
    one = miss("MAIL FROM:<\x1b[31m\u202e@example.org>")
    shown = explained(one)
    assert "\\x1b[31m" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    "said", ["MAIL FROM:<z@example.org>", 'MAIL FROM:<\\"é\x1b#: @example.org> SIZE=1']
)
def test_what_is_pasted_makes_it_match(said: str) -> None:
    """The line is put in the place that is named, and the same client hears what was recorded."""
    one = reported(miss(said))
    text = cassette_text(RECORDED).split("\n")
    source, _, number = one.paste_at.rpartition(":")
    assert source == "signup.yaml"
    assert text[int(number) - 1].startswith("- C: ")
    text[int(number) - 1] = f"- {one.paste}"
    found: list[Miss] = []
    client = Client(
        Player(read_cassette("\n".join(text).encode(), SOURCE), found.append).connection()
    )
    client.says(HELLO)
    assert client.says(said) == b"250 2.1.0 Ok\r\n"
    assert found == []


def test_what_is_added_makes_it_match() -> None:
    """An exchange that is missing is pasted behind the line that is named, reply and all."""
    said = ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>"]
    one = reported(miss(*said))
    text = cassette_text(RECORDED).split("\n")
    behind = int(one.paste_at.rpartition(":")[2])
    text[behind + 1 : behind + 1] = one.paste.split("\n")  # the exchange takes two lines
    found: list[Miss] = []
    client = Client(
        Player(read_cassette("\n".join(text).encode(), SOURCE), found.append).connection()
    )
    client.says(HELLO, *said)
    assert client.says("DATA") == b"354 go\r\n"
    assert found == []


def test_the_report_has_all_of_it() -> None:
    """The same as data: the verdict, each field, and what would have fitted."""
    one = reported(miss("MAIL FROM:<z@example.org>"))
    assert (one.number, one.session, one.verdict, one.stage) == (1, "run-1", "different", "MAIL")
    assert (one.sent, one.closest) == ("MAIL FROM:<z@example.org>", "MAIL FROM:<a@example.org>")
    assert (one.source, one.line, one.paste_at) == ("signup.yaml", 9, "signup.yaml:9")
    assert one.compared[1] == ReportedField("local part", "z", "a", "differs")
    assert one.expected == ["MAIL FROM:<a@example.org>"]
