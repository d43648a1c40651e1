"""Rule files for all that may go wrong in a recorded dialogue."""

from __future__ import annotations

import json

import pytest

from smtpproxy.cassette.deriving import MOST_POINTS, derive_rules, points_of
from smtpproxy.cassette.read import read_cassette
from smtpproxy.codes import STAGES
from smtpproxy.rules.load import read_rules
from tests.cassette.dialogues import cassette
from tests.cassette.test_exporting import CHUNKS, TWO
from tests.rules.occasions import occasion


def test_each_reply_is_a_point() -> None:
    """Each stage once, each sender and each recipient once, in their order."""
    assert list(map(str, points_of(cassette(TWO, TWO)))) == [
        "CONNECT",
        "EHLO",
        "MAIL a@example.org",
        "RCPT b@example.net",
        "RCPT c@example.net",
        "DATA",
        "END-OF-DATA",
        "MAIL <>",
        "RCPT d@example.net",
    ]


def test_the_last_chunk_ends_a_message() -> None:
    """RFC 3030 §2: BDAT LAST is the end of mail data, as rules have it."""
    points = points_of(read_cassette(CHUNKS.encode(), "x.yaml"))
    assert [point.stage for point in points] == ["MAIL", "BDAT", "RCPT", "END-OF-DATA"]


def test_three_files_a_point() -> None:
    """Each way is tried at each point, with a code that is listed for its stage."""
    files = list(derive_rules(cassette(TWO)))
    assert len(files) == 3 * 9
    assert len({file.name for file in files}) == len(files)
    for file in files:
        (rule,) = read_rules(file.text.encode(), file.name)
        assert rule.stage == file.point.stage
        assert (rule.code // 100, rule.code in STAGES[rule.stage]) == {
            "4xx": (4, True),
            "5xx": (5, True),
            "drop": (0, False),
        }[file.kind]


def test_what_it_tests_is_said() -> None:
    """A file begins with what happens, what that asks, and what it was made of."""
    file = next(
        f for f in derive_rules(cassette(TWO)) if (f.point.stage, f.kind) == ("RCPT", "5xx")
    )
    assert file.name == "004-RCPT-b_example_net-5xx.yaml"
    lines = file.text.splitlines()
    assert lines[0] == "# At RCPT b@example.net, 550 is said:"
    assert lines[1].endswith("?")
    assert lines[2].startswith("# Made of signup.yaml:")


def test_a_lost_acknowledgement_is_delivered() -> None:
    """The connection that ends behind a message is the one that makes clients send twice."""
    file = next(
        f for f in derive_rules(cassette(TWO)) if (f.point.stage, f.kind) == ("END-OF-DATA", "drop")
    )
    (rule,) = read_rules(file.text.encode(), file.name)
    assert rule.upstream == "deliver"


@pytest.mark.parametrize(
    "address",
    [
        "*@example.net",
        "b?@example.net",
        "/b/@example.net",
        '"a b"@example.net',
        '"a: #{b}"@example.net',
        "b\\c@example.net",
        "j\u00f6rg@example.net",
        "b+(x)|y@example.net",
        "*\u00f6.[x]@example.net",
        "",
    ],
)
def test_an_address_is_matched_alone(address: str) -> None:
    """Whatever it holds, the rule is about this address, and no other."""
    line = json.dumps(f"RCPT TO:<{address}>")
    text = f'smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n- C: {line}\n  S: "250 Ok"\n'
    files = list(derive_rules(read_cassette(text.encode(), "x.yaml")))
    assert len(files) == 3
    for file in files:
        assert file.name.removesuffix(".yaml").replace("-", "").replace("_", "").isalnum()
        (rule,) = read_rules(file.text.encode(), file.name)
        assert rule.matches(occasion(f"RCPT TO:<{address}>"))
        assert not rule.matches(occasion("RCPT TO:<other@example.net>"))


def test_a_stranger_can_not_write_rules() -> None:
    """A file name or an address with line ends in it stays in its comment, or its quotes."""
    line = r'"RCPT TO:<a\u2028- RCPT: 550@example.net>"'
    text = f'smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n- C: {line}\n  S: "250 Ok"\n'
    for file in derive_rules(read_cassette(text.encode(), "x\nrules: []\n.yaml")):
        assert len(read_rules(file.text.encode(), file.name)) == 1


def test_there_is_an_end_to_it() -> None:
    """Of a cassette with very many recipients, so many are tried as anybody would."""
    many = "S: 220 Hi\n" + "".join(
        f"C: RCPT TO:<{n}@example.net>\nS: 250 Ok\n" for n in range(MOST_POINTS)
    )
    files = list(derive_rules(cassette(many)))
    assert len(files) == 3 * MOST_POINTS
