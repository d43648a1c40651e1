"""The dialogue tree, and what is used up by replaying it."""

import pytest

from smtpproxy.cassette.matching import Key, Matching, key_of
from smtpproxy.cassette.model import END_OF_DATA, Kept, Recorded
from smtpproxy.cassette.points import Branch, Point
from smtpproxy.cassette.tree import Tree
from smtpproxy.smtp.client import parse_command
from tests.cassette.dialogues import cassette

OPENING = """
S: 220 ready
C: EHLO app.example.org
S: 250 mail.example.org
"""
LETTER = """
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.net>
S: 250 2.1.5 Ok
C: DATA
S: 354 go
C: Hi.
C: .
S: 250 2.0.0 Ok
"""


def step(point: Point, line: str) -> Branch:
    """Return what was recorded for a command at one place."""
    sent = f"{line}\r\n".encode() if line else b""
    return point.branches[key_of(parse_command(sent).verb if sent else "CONNECT", sent)]


def idle(tree: Tree) -> Point:
    """Return the place where transactions begin, after greeting and EHLO."""
    ((greeted, *_),) = step(tree.root, "").ways()
    ((opened, *_),) = step(greeted, "EHLO x").ways()
    assert opened.pool is not None
    return opened.pool


def test_sessions_of_equal_prologues_share_their_transactions() -> None:
    """Two sessions whose greetings and EHLO replies differ in text alone are one pool."""
    other = OPENING.replace("ready", "hello").replace("250 mail", "250 MAIL")
    tree = Tree(cassette(OPENING + LETTER, other + LETTER))
    assert len(step(idle(tree), "MAIL FROM:<a@example.org>").slots) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("220 ready", "554 no"),
        ("220 ready", "220 2.0.0 ready"),
        ("S: 250 mail", "S: 250-x\nS: 250 mail"),
    ],
)
def test_other_prologues_have_transactions_of_their_own(old: str, new: str) -> None:
    """Codes, enhanced codes and EHLO keywords tell prologues apart."""
    tree = Tree(cassette(OPENING + LETTER, OPENING.replace(old, new) + LETTER))
    assert len(tree.pools) == 2


def test_equal_beginnings_share_a_path() -> None:
    """Until an exchange tells two transactions apart, either may be meant."""
    tree = Tree(cassette(OPENING + LETTER + LETTER.replace("b@", "c@")))
    ((sent, *_),) = step(idle(tree), "MAIL FROM:<a@example.org>").ways()
    assert [len(branch.slots) for branch in sent.branches.values()] == [1, 1]


def test_a_claim_is_the_first_that_is_unused() -> None:
    """What was recorded first is replayed first; what is taken back comes first again."""
    branch = step(idle(Tree(cassette(OPENING + LETTER * 3))), "MAIL FROM:<a@example.org>")
    assert [branch.claim(), branch.claim()] == [0, 1]
    branch.release(0)
    assert [branch.claim(), branch.claim(), branch.claim()] == [0, 2, None]


@pytest.mark.parametrize("recorded", [1, 2, 3])
def test_with_repeat_claims_go_round(recorded: int) -> None:
    """With `repeat`, after the last transaction comes the first again: none is left out."""
    tree = Tree(cassette(OPENING + LETTER * recorded), repeat=True)
    branch = step(idle(tree), "MAIL FROM:<a@example.org>")
    expected = [at % recorded for at in range(7)]
    assert [branch.claim() for _ in range(7)] == expected


def test_what_nobody_replayed_is_known() -> None:
    """Each unused transaction counts; each kind of them is shown by its first exchange."""
    tree = Tree(cassette(OPENING + LETTER * 2 + LETTER.replace("a@", "z@")))
    assert tree.unused_count() == 3
    assert [one.sent for one in tree.unused()] == [
        b"MAIL FROM:<a@example.org>\r\n",
        b"MAIL FROM:<z@example.org>\r\n",
    ]
    branch = step(idle(tree), "MAIL FROM:<a@example.org>")
    branch.claim()
    branch.claim()
    assert tree.unused_count() == 1
    assert [one.sent for one in tree.unused()] == [b"MAIL FROM:<z@example.org>\r\n"]


def test_noop_rset_and_quit_are_no_transactions() -> None:
    """What uses up nothing is kept apart, as it was answered first."""
    tree = Tree(
        cassette(
            OPENING + "C: NOOP\nS: 250 a\nC: RSET\nS: 250 b\nC: NOOP\nS: 250 c\nC: QUIT\nS: 221 d"
        )
    )
    assert tree.starts[0].free == {
        "NOOP": (b"250 a\r\n", 0.0),
        "RSET": (b"250 b\r\n", 0.0),
        "QUIT": (b"221 d\r\n", 0.0),
    }
    assert tree.unused_count() == 0


@pytest.mark.parametrize("ending", ["", "C: QUIT\nS: 221 Bye", "C: EHLO x\nS: 250 x", LETTER])
def test_a_transaction_that_was_left_is_an_ending(ending: str) -> None:
    """A transaction ends without RSET where the client left it, or began another."""
    begun = LETTER.partition("C: DATA")[0]
    tree = Tree(cassette(OPENING + begun + ending))
    ((point, *_),) = step(idle(tree), "MAIL FROM:<a@example.org>").ways()
    ((point, *_),) = step(point, "RCPT TO:<b@example.net>").ways()
    assert point.endings == 1


def test_a_transaction_of_chunks_ends_with_the_last() -> None:
    """BDAT LAST is the end of mail data (RFC 3030 §2): what follows is outside the transaction."""
    begun = LETTER.partition("C: DATA")[0]
    ended = "C: BDAT 3 LAST\nS: 250 Ok\nC: RSET\nS: 250 flushed"
    tree = Tree(cassette(OPENING + begun + ended))
    assert tree.starts[0].free == {"RSET": (b"250 flushed\r\n", 0.0)}


def test_what_answers_nothing_is_no_exchange() -> None:
    """Unsolicited replies and stray lines do not stand in a client's way."""
    plain = cassette(OPENING + LETTER)
    odd = cassette(OPENING + LETTER)
    odd.sessions[0].dialogue.insert(2, Recorded("(stray)", said=(b"what\r\n",)))
    odd.sessions[0].dialogue.insert(4, Recorded("(unsolicited)", said=(b"250 late\r\n",)))
    point, same = idle(Tree(odd)), idle(Tree(plain))
    for line in ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"):
        assert point.branches.keys() == same.branches.keys()
        ((point, *_),), ((same, *_),) = step(point, line).ways(), step(same, line).ways()
    assert [*point.branches] == [key_of(END_OF_DATA, b"")]


def test_a_transaction_is_used_once_its_last_exchange_is() -> None:
    """What two transactions have in common is claimed for either; their ends tell them apart."""
    tree = Tree(cassette(OPENING + LETTER + LETTER.replace("b@", "c@")))
    first, second = tree.transactions
    assert [(one.session, one.first.stage, one.used) for one in (first, second)] == [
        ("1", "MAIL", False),
        ("1", "MAIL", False),
    ]
    step(idle(tree), "MAIL FROM:<a@example.org>").claim()
    assert not (first.used or second.used)
    slot = second.branch.claim()
    assert (first.used, second.used) == (False, True)
    assert slot is not None
    second.branch.release(slot)
    assert not second.used


def test_with_repeat_it_is_known_what_was_used() -> None:
    """What may be replayed again and again was used once it was replayed."""
    tree = Tree(cassette(OPENING + LETTER * 2), repeat=True)
    (first, second) = tree.transactions
    assert first.branch.claim() == 0
    assert (first.used, second.used) == (True, False)


def test_messages_are_told_apart_where_they_are_compared() -> None:
    """Two letters of one envelope are two ends, and a file beside the cassette is read for one."""
    recorded = cassette(OPENING + LETTER + LETTER.replace("Hi", "Ho"))
    assert len(ends(Tree(recorded))) == 1
    assert len(ends(Tree(recorded, matching=Matching(message=True)))) == 2
    dialogue = recorded.sessions[0].dialogue
    at = [at for at, one in enumerate(dialogue) if one.stage == END_OF_DATA]
    filed = Kept(b"", file="f.eml", size=4)
    dialogue[at[1]] = dialogue[at[1]]._replace(kept=filed)
    read: list[Kept] = []

    def octets_of(kept: Kept) -> bytes:
        read.append(kept)
        return b"Hi.\r\n"

    tree = Tree(recorded, matching=Matching(message=True), octets_of=octets_of)
    assert len(ends(tree)) == 1
    assert read == [filed]


def ends(tree: Tree) -> dict[Key, Branch]:
    """Return what was recorded where the message ends."""
    point = idle(tree)
    for line in ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"):
        ((point, *_),) = step(point, line).ways()
    return point.branches
