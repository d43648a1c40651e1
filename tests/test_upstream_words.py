"""`upstream: none | forward | deliver` at every stage: what upstream saw, what the client heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from smtpproxy.documents import DocumentError
from tests.dialogue import rules_in
from tests.strictserver import (
    Between,
    Delivered,
    StrictServer,
    by_chunks,
    by_data,
    envelope,
    together,
)

MESSAGE = b"Subject: hello\r\n\r\nHi.\r\n"
WAYS = {
    "DATA": by_data(MESSAGE),
    "one chunk": by_chunks(MESSAGE),
    "chunks": by_chunks(MESSAGE[:7], MESSAGE[7:17], MESSAGE[17:]),
}
BOTH, NOBODY, OTHER = ("b@example.net", "c@example.net"), (), ("c@example.net",)
RULES = {
    "MAIL": "MAIL odd@example.org",
    "RCPT": "RCPT b@example.net",
    "DATA": "DATA",
    "BDAT": "BDAT",
    "END-OF-DATA": "END-OF-DATA",
}


class Row(NamedTuple):
    """What comes of a rule: is upstream asked at its stage, and who gets the message."""

    stage: str
    told: str  # to the client, by the rule
    upstream: str
    asked: bool
    delivered: tuple[str, ...]


#: The stages' refusals, in short: 4xx, 5xx and drop befall upstream alike.
FAILURES = ("451", "550", "drop")
ROWS = [
    Row("MAIL", "250", "none", False, NOBODY),
    Row("MAIL", "250", "forward", True, BOTH),
    *(Row("MAIL", told, "none", False, NOBODY) for told in FAILURES),
    *(Row("MAIL", told, "forward", True, NOBODY) for told in FAILURES),
    Row("RCPT", "250", "none", False, OTHER),
    Row("RCPT", "250", "forward", True, BOTH),
    *(Row("RCPT", told, "none", False, OTHER) for told in FAILURES[:2]),
    *(Row("RCPT", told, "forward", True, BOTH) for told in FAILURES[:2]),
    Row("RCPT", "drop", "none", False, NOBODY),
    Row("RCPT", "drop", "forward", True, NOBODY),
    Row("DATA", "354", "none", False, NOBODY),
    Row("DATA", "354", "forward", True, BOTH),
    *(Row("DATA", told, "none", False, NOBODY) for told in FAILURES),
    *(Row("DATA", told, "forward", True, NOBODY) for told in FAILURES),
    *(Row("BDAT", told, "none", False, NOBODY) for told in ("250", *FAILURES)),
    *(Row("BDAT", told, "forward", True, BOTH) for told in ("250", *FAILURES)),
    *(Row("BDAT", told, "deliver", True, BOTH) for told in ("250", *FAILURES)),
    *(Row("END-OF-DATA", told, "none", False, NOBODY) for told in ("250", *FAILURES)),
    *(Row("END-OF-DATA", told, "forward", True, BOTH) for told in ("250", *FAILURES)),
    *(Row("END-OF-DATA", told, "deliver", True, BOTH) for told in ("250", *FAILURES)),
]


def _cases() -> Iterator[object]:
    """Yield each row with each way of sending a message that it concerns."""
    for row in ROWS:
        for way in WAYS:
            if (row.stage == "DATA" and way != "DATA") or (row.stage == "BDAT" and way == "DATA"):
                continue
            if row.stage == "BDAT" and way == "chunks" and row.told in FAILURES:
                continue  # the client gives up at the first of them
            for lmtp in (False, True):
                name = f"{row.stage} {row.told} {row.upstream}, {way}, {'LMTP' if lmtp else 'SMTP'}"
                yield pytest.param(row, way, lmtp, id=name)


CASES = list(_cases())


def talk_under(row: Row, lmtp: bool) -> Between:
    """Return a session under the row's rule, which concerns one sender alone."""
    key = "client" if row.told == "drop" else "reply"
    rule = f"{RULES[row.stage]}: {{{key}: {row.told}, upstream: {row.upstream}}}"
    book = rules_in(
        f"{{name: odd, {rule}, when: {{sender: odd@example.org}}}}"
        if row.stage != "MAIL"
        else f"{{name: odd, {rule}}}"
    )
    return Between(book, StrictServer(lmtp=lmtp))


def sent_by(talk: Between, sender: str, way: str) -> list[list[int]]:
    """Let a client that heeds what it hears send a message; return the codes of each answer."""
    heard = []
    accepted = 0
    for said in [*envelope(*BOTH, sender=sender), *WAYS[way]]:
        codes = talk.codes(said)
        heard.append(codes)
        refused = not codes or codes[0] >= 400
        if talk.closed or (refused and not said.startswith(b"RCPT")):
            break
        accepted += said.startswith(b"RCPT") and not refused
        if len(heard) == 1 + len(BOTH) and not accepted:
            break
    return heard


def place(row: Row) -> int:
    """Return where in the dialogue the row's stage is."""
    return {"MAIL": 0, "RCPT": 1, "DATA": 3, "BDAT": 3, "END-OF-DATA": -1}[row.stage]


@pytest.mark.parametrize(("row", "way", "lmtp"), CASES)
def test_what_comes_of_it(row: Row, way: str, lmtp: bool) -> None:
    """Upstream experiences what the word says, the client what the rule says, and each its own."""
    talk = talk_under(row, lmtp)
    heard = sent_by(talk, "odd@example.org", way)
    told = heard[place(row)]
    replies = (
        2
        if lmtp and (row.stage == "END-OF-DATA" or (row.stage == "BDAT" and way != "chunks"))
        else 1
    )
    assert told == ([] if row.told == "drop" else [int(row.told)] * replies)
    asked = (
        any(b"b@example.net" in wire for wire in talk.server.wires)
        if row.stage == "RCPT"
        else row.stage in talk.server.seen
    )
    assert asked is row.asked
    expected = [Delivered("odd@example.org", row.delivered, MESSAGE)] if row.delivered else []
    assert talk.server.delivered == expected


@pytest.mark.parametrize(("row", "way", "lmtp"), CASES)
def test_the_next_transaction_works(row: Row, way: str, lmtp: bool) -> None:
    """Where the session goes on, it goes on as if nothing had been: the next message is delivered.

    It ends with a drop, and where upstream waits for mail data that the client will not send.
    """
    talk = talk_under(row, lmtp)
    sent_by(talk, "odd@example.org", way)
    broken = (row.stage, row.upstream) == ("DATA", "forward") and row.told in FAILURES
    assert talk.closed is (row.told == "drop" or broken)
    if talk.closed:
        return
    before = len(talk.server.delivered)
    assert talk.codes(b"RSET\r\n") == [250]
    assert sent_by(talk, "a@example.org", way)[-1] == [250] * (2 if lmtp else 1)
    assert talk.server.delivered[before:] == [Delivered("a@example.org", BOTH, MESSAGE)]
    assert not talk.relay.waiting


@pytest.mark.parametrize(("row", "way", "lmtp"), CASES)
def test_pipelined(row: Row, way: str, lmtp: bool) -> None:
    """A client that pipelines all it may hears the same codes in the same order, and goes on."""
    talk = talk_under(row, lmtp)
    said = [*envelope(*BOTH, sender="odd@example.org"), *WAYS[way]]
    heard = [
        code
        for group in together(said)[: 1 if way != "DATA" else None]
        for code in talk.codes(group)
    ]
    at = place(row)
    if row.told == "drop":
        assert talk.closed
        return
    if row.stage in ("MAIL", "RCPT", "DATA"):
        assert heard[at] == int(row.told)
    elif row.stage == "END-OF-DATA":
        assert heard[-1 - lmtp :] == [int(row.told)] * (1 + lmtp)
    else:
        assert set(heard[3:]) == {int(row.told)}
    if not talk.closed:
        assert 250 in talk.codes(b"RSET\r\n")
        assert sent_by(talk, "a@example.org", way)[-1] == [250] * (1 + lmtp)


@pytest.mark.parametrize("row", [row for row in ROWS if row.told != "drop"], ids=str)
def test_a_lie_is_told_in_the_log(row: Row) -> None:
    """A success of which upstream knows nothing is noted as one; refusal and truth are not."""
    talk = talk_under(row, lmtp=False)
    sent_by(talk, "odd@example.org", "one chunk" if row.stage == "BDAT" else "DATA")
    lies = [detail for fact, detail in talk.witness.notes if fact == "lie"]
    lied = row.upstream == "none" and row.told < "400"
    stage = "END-OF-DATA 250" if row.stage == "DATA" else f"{row.stage} {row.told}"
    assert lies == ([stage] if lied else [])


@pytest.mark.parametrize("told", ["451", "550"])
@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA", "RSET"])
def test_deliver_is_for_the_end(stage: str, told: str) -> None:
    """Elsewhere there is no message to deliver: it is a load error."""
    with pytest.raises(DocumentError, match="deliver is for END-OF-DATA"):
        rules_in(f"{{{stage}: {{reply: {told}, upstream: deliver}}}}")


def test_no_greeting_without_upstream() -> None:
    """A client that was greeted has commands that only upstream can answer: it is a load error."""
    with pytest.raises(DocumentError, match="promises what only upstream can keep"):
        rules_in("{CONNECT: {reply: 220, upstream: none}}")


def test_turned_away_and_staying() -> None:
    """RFC 5321 §3.1: behind a greeting of 554 all is 503 but QUIT; nothing is asked of anybody."""
    talk = Between(rules_in("CONNECT: 554"), hello=False)
    assert talk.heard.startswith(b"554 ")
    assert talk.codes(b"EHLO app.example.org\r\nMAIL FROM:<a@example.org>\r\n") == [503, 503]
    assert talk.codes(b"BDAT 4 LAST\r\nQUITRSET\r\n") == [503, 503]
    assert talk.codes(b"QUIT\r\n") == [221]
    assert talk.closed
    assert "upstream: connect" not in talk.done


def test_all_recipients_refused_by_rule() -> None:
    """Upstream never saw them: its own answer to DATA is the client's, and the session goes on."""
    for lmtp in (False, True):
        talk = Between(rules_in("RCPT: 550"), StrictServer(lmtp=lmtp))
        said = b"".join(envelope(*BOTH)) + b"DATA\r\n"
        assert talk.codes(said) == [250, 550, 550, 503]
        assert talk.codes(b"RSET\r\nNOOP\r\n") == [250, 250]
        assert talk.server.seen[1:] == ["MAIL", "DATA", "RSET", "NOOP"]


@pytest.mark.parametrize("way", WAYS)
def test_recipients_that_one_side_knows(way: str) -> None:
    """In LMTP each side has as many replies as it waits for, wherever such recipients stand."""
    rules = (
        "RCPT made*@example.net: {reply: 250, upstream: none}",
        "RCPT hidden*@example.net: {reply: 450, upstream: forward}",
    )
    said = {"END-OF-DATA": b"452 4.2.2 Full\r\n"}
    for order in (
        "made1 b hidden1 made2 hidden2 c",
        "hidden1 made1",
        "made1 made2",
        "hidden1 hidden2 b",
    ):
        talk = Between(rules_in(*rules), StrictServer(lmtp=True, says=said))
        people = [f"{word}@example.net" for word in order.split()]
        heard = [talk.codes(octets) for octets in envelope(*people)]
        assert heard[1:] == [[450 if one[0] == "h" else 250] for one in people]
        end = [talk.codes(octets) for octets in WAYS[way]][-1]
        known = [one for one in people if one[0] != "m"]
        if not known and way == "DATA":
            continue  # it was refused at DATA
        refusal = 452 if known else 503
        expected = [250 if one[0] == "m" and known else refusal for one in people if one[0] != "h"]
        assert end == expected
        assert talk.codes(b"NOOP\r\n") == [250]
        assert [n for n in talk.witness.notes if n[0] == "early-reply"] == []


def test_only_recipients_that_the_client_gave_up() -> None:
    """A client that sends a message for nobody still hears one reply."""
    talk = Between(rules_in("RCPT: {reply: 450, upstream: forward}"), StrictServer(lmtp=True))
    heard = [talk.codes(octets) for octets in [*envelope(*BOTH), *by_data(MESSAGE)]]
    assert heard == [[250], [450], [450], [354], [250]]
    assert talk.codes(b"NOOP\r\n") == [250]
