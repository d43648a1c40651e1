"""Messages that are kept until their end, or cut short, between a client and a strict server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smtpproxy.actions import Action, SendFrom, Side
from smtpproxy.spooling import Spool
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

PEOPLE = ("b@example.net", "c@example.net")
GOOD = b"Subject: hello\r\n\r\nHi.\r\n"
BAD = b"Subject: invoice\r\n\r\nPay.\r\n"
WAYS: dict[str, Callable[[bytes], list[bytes]]] = {
    "DATA": by_data,
    "one chunk": lambda message: by_chunks(message),
    "chunks": lambda message: by_chunks(message[:7], message[7:17], message[17:]),
    "empty last chunk": lambda message: by_chunks(message, b""),
}
every_way = pytest.mark.parametrize("way", WAYS)
both_protocols = pytest.mark.parametrize("lmtp", [False, True], ids=["SMTP", "LMTP"])


def keeping(server: StrictServer, then: str = "reply: 554", room: int = 10) -> Between:
    """Return a session in which what befalls a message is decided by its subject, at its end."""
    rule = f'{{name: odd, END-OF-DATA: {{{then}}}, when: {{header: {{Subject: "*invoice*"}}}}}}'
    return Between(rules_in(rule), server, spool=lambda: Spool(room=room, limit=1000))


def send(talk: Between, way: str, message: bytes, at_once: bool = False) -> list[int]:
    """Send a message; return the codes of all replies behind the envelope's."""
    said = [*envelope(*PEOPLE), *WAYS[way](message)]
    heard = [
        code for octets in (together(said) if at_once else said) for code in talk.codes(octets)
    ]
    return heard[3:]


def expected(way: str, end: int, lmtp: bool) -> list[int]:
    """Return the codes that belong to one way of sending a message."""
    before = {"DATA": [354], "chunks": [250, 250], "empty last chunk": [250]}.get(way, [])
    return before + [end] * (1 + lmtp)


@every_way
@both_protocols
@pytest.mark.parametrize("at_once", [False, True])
def test_refused_for_what_is_in_it(way: str, lmtp: bool, at_once: bool) -> None:
    """Upstream never has it; the messages before and behind it are delivered whole."""
    talk = keeping(StrictServer(lmtp=lmtp), "reply: 554")
    for message, code in ((GOOD, 250), (BAD, 554), (BAD, 554), (GOOD, 250)):
        assert send(talk, way, message, at_once) == expected(way, code, lmtp)
    assert talk.server.delivered == [Delivered("a@example.org", PEOPLE, GOOD)] * 2
    assert not talk.relay.waiting


@every_way
@both_protocols
def test_delivered_and_never_heard_of(way: str, lmtp: bool) -> None:
    """With `upstream: deliver` a drop comes once it is delivered."""
    talk = keeping(StrictServer(lmtp=lmtp), "client: drop, upstream: deliver")
    assert send(talk, way, BAD) == expected(way, 0, lmtp)[: -1 - lmtp]
    assert [one.message for one in talk.server.delivered] == [BAD]
    assert talk.closed


@every_way
@both_protocols
def test_dots_come_through(way: str, lmtp: bool) -> None:
    """What is kept goes on as it came."""
    talk = keeping(StrictServer(lmtp=lmtp))
    message = b"A: b\r\n\r\n..\r\n.x\r\n" + b"y" * 300 + b"\r\n"
    wire = message.replace(b"\r\n.", b"\r\n..") if way == "DATA" else message
    assert send(talk, way, wire) == expected(way, 250, lmtp)
    assert [one.message for one in talk.server.delivered] == [message]


@both_protocols
def test_upstream_refuses_data(lmtp: bool) -> None:
    """The client has said all by then: it hears the refusal as the answer to its message."""
    talk = keeping(StrictServer(lmtp=lmtp, says={"DATA": b"451 4.3.0 Not now\r\n"}))
    assert send(talk, "DATA", GOOD) == expected("DATA", 451, lmtp)
    del talk.server.says["DATA"]
    assert send(talk, "DATA", GOOD) == expected("DATA", 250, lmtp)
    assert talk.server.seen.count("RSET") == 1


@both_protocols
def test_upstream_refuses_the_message(lmtp: bool) -> None:
    """Its own answer to the end is the client's."""
    talk = keeping(StrictServer(lmtp=lmtp, says={"END-OF-DATA": b"552 5.3.4 Too large\r\n"}))
    for way in WAYS:
        assert send(talk, way, GOOD) == expected(way, 552, lmtp)


def test_what_is_pipelined_behind_the_dot_waits() -> None:
    """RFC 2920 §3.1 allows it; upstream hears of it behind the message."""
    talk = keeping(StrictServer())
    for said in (*envelope(), b"DATA\r\n"):
        talk.say(said)
    heard = talk.codes(GOOD + b".\r\n" + b"".join(envelope(sender="z@example.org")) + b"DATA\r\n")
    assert heard == [250, 250, 250, 354]
    assert talk.codes(GOOD + b".\r\nQUIT\r\n") == [250, 221]
    assert [one.sender for one in talk.server.delivered] == ["a@example.org", "z@example.org"]


@pytest.mark.parametrize("way", ["DATA", "chunks"])
@both_protocols
def test_too_large_to_be_kept(way: str, lmtp: bool) -> None:
    """It is refused with 552 at its end, or from that chunk on; the next one is not."""
    talk = keeping(StrictServer(lmtp=lmtp))
    heard = send(talk, way, GOOD + b"x" * 1500 + b"\r\n")
    assert heard[-1 - lmtp :] == [552] * (1 + lmtp)
    assert "not-kept" in dict(talk.witness.notes)
    assert send(talk, way, GOOD) == expected(way, 250, lmtp)
    assert [one.message for one in talk.server.delivered] == [GOOD]


@pytest.mark.parametrize("way", ["DATA", "chunks"])
def test_the_client_leaves_in_the_middle(way: str) -> None:
    """Upstream has seen nothing of the message, and what was kept is gone."""
    talk = keeping(StrictServer())
    for said in [*envelope(), *WAYS[way](GOOD)[:1]]:
        talk.say(said)
    if way == "DATA":
        talk.say(b"x" * 100)
    spool = talk.relay._delivery._detour._spool
    assert spool is not None and spool.size
    talk.take(talk.relay.client_closed(clean=False))
    talk.relay.finished()
    assert talk.relay._delivery._detour._spool is None
    assert talk.server.delivered == []
    assert "DATA" not in talk.server.seen and "BDAT" not in talk.server.seen


@pytest.mark.parametrize("when", ["in the middle", "behind DATA"])
def test_upstream_leaves(when: str) -> None:
    """The client is told, and nothing stays behind."""
    talk = keeping(StrictServer())
    for said in [*envelope(), b"DATA\r\n", GOOD]:
        talk.say(said)
    if when == "behind DATA":
        talk.client(b".\r\n")
        assert talk.unread(Side.UPSTREAM) == b"DATA\r\n"
    talk.take(talk.relay.upstream_closed(clean=True))
    assert "client: half-close" in talk.done
    talk.take(talk.relay.client_closed(clean=True))
    talk.relay.finished()
    assert talk.relay._delivery._detour._spool is None


def test_a_reset_forgets_chunks() -> None:
    """What was kept of a message that the client gave up is no part of the next one."""
    talk = keeping(StrictServer())
    for said in [*envelope(), b"BDAT 4\r\nodd!", b"RSET\r\n"]:
        assert talk.codes(said) == [250]
    assert send(talk, "chunks", GOOD) == expected("chunks", 250, lmtp=False)
    assert [one.message for one in talk.server.delivered] == [GOOD]


def test_a_large_message_goes_by_a_source() -> None:
    """What is not in memory is sent as fast as upstream takes it, behind the BDAT."""
    talk = keeping(StrictServer(), room=10)
    seen: list[Action] = []
    take = talk.take

    def noting(actions: list[Action]) -> None:
        seen.extend(actions)
        take(actions)

    talk.take = noting  # type: ignore[method-assign]
    assert send(talk, "chunks", GOOD) == expected("chunks", 250, lmtp=False)
    assert [type(one) for one in seen].count(SendFrom) == 1


TOLD = {
    "reply: 421": "client: half-close",
    "client: drop": "client: close",
    "client: reset": "client: reset",
}
MIDDLE = b"x" * 70 + b"\r\n"


@pytest.mark.parametrize("way", ["DATA", "one chunk", "chunks"])
@both_protocols
@pytest.mark.parametrize(
    "fault", ["reply: 421", "client: drop", "client: reset", "client: silence"]
)
def test_cut_short(way: str, lmtp: bool, fault: str) -> None:
    """Upstream has the first octets, or none of them, and never the end; its connection ends."""
    book = rules_in(f"{{name: dies, DATA: {{mid-data: {{after: 100, {fault}}}}}}}")
    talk = Between(book, StrictServer(lmtp=lmtp))
    for said in [*envelope(*PEOPLE), *WAYS[way](MIDDLE * 10)]:
        talk.say(said)
    assert "upstream: close" in talk.done
    ends = [what for what in talk.done if what in TOLD.values()]
    assert ends == ([TOLD[fault]] if fault in TOLD else [])
    assert talk.server.delivered == []
    assert (b"\r\n421 " in talk.heard) is (fault == "reply: 421")
    assert talk.say(b"NOOP\r\n" * 1000) == b""
    assert not talk.relay.crowded
    last = talk.witness.exchanges[-1]
    assert (last.stage, last.by) == ("END-OF-DATA" if way == "DATA" else "BDAT", "rule")
    assert "mid-data" in dict(talk.witness.notes)


@pytest.mark.parametrize("end", ["421", "{reply: 250, upstream: none}"])
def test_cut_short_though_upstream_gets_nothing(end: str) -> None:
    """A rule that keeps the whole message from upstream does not keep it from being cut short."""
    book = rules_in(f"END-OF-DATA: {end}", "DATA: {mid-data: {after: 100, reply: 421}}")
    talk = Between(book)
    for said in [*envelope(), b"DATA\r\n", MIDDLE]:
        talk.say(said)
    assert talk.say(MIDDLE)[:4] == b"421 "
    assert "upstream: close" in talk.done
    assert "DATA" not in talk.server.seen


@pytest.mark.parametrize(("end", "code"), [("554", 554), ("{reply: 250, upstream: none}", 250)])
def test_a_shorter_message_that_upstream_never_gets(end: str, code: int) -> None:
    """It is answered as the other rule says, again and again, and dots are counted in."""
    book = rules_in(f"END-OF-DATA: {end}", "DATA: {mid-data: {after: 23, reply: 421}}")
    talk = Between(book)
    for _ in range(2):
        assert send(talk, "DATA", b"Hi.\r\n" * 4) == [354, code]
    assert talk.server.delivered == []


def test_a_shorter_message_is_not_cut_short() -> None:
    """No more than so many octets pass unharmed, the final dot among them."""
    talk = Between(rules_in("DATA: {mid-data: {after: 23, reply: 421}}"))
    for way in ("DATA", "chunks"):
        assert send(talk, way, b"Hi.\r\n" * 4)[-1] == 250
    assert len(talk.server.delivered) == 2


@pytest.mark.parametrize("way", ["DATA", "chunks"])
def test_being_cut_short_has_the_number_of_its_firing(way: str) -> None:
    """The end of a message that never came is told with the rule, and the how-manieth time."""
    talk = Between(rules_in("{name: dies, DATA: {mid-data: {after: 100, client: drop}}}"))
    send(talk, way, b"Hi.\r\n" * 40)
    decisions = [one.decision for one in talk.witness.exchanges if one.decision is not None]
    assert (decisions[-1].rule, decisions[-1].number) == ("dies", 1)


def test_cut_exactly_there() -> None:
    """In mail data upstream has as many octets as were asked for."""
    talk = Between(rules_in("DATA: {mid-data: {after: 100, reply: 421}}"))
    for said in [*envelope(), b"DATA\r\n", MIDDLE, MIDDLE]:
        talk.say(said)
    assert talk.server._octets == (MIDDLE * 2)[:100]


def test_the_farewell_is_bounded() -> None:
    """A client that was told 421 is not waited for without an end; one in silence is."""
    for fault, seconds in (("reply: 421", 30.0), ("client: silence", 0.0)):
        talk = Between(rules_in(f"DATA: {{mid-data: {{after: 10, {fault}}}}}"))
        for said in [*envelope(), b"DATA\r\n", MIDDLE]:
            talk.say(said)
        assert talk.relay.awaited().seconds == seconds
        talk.take(talk.relay.client_closed(clean=True))
        assert "client: close" in talk.done
        talk.relay.finished()
        assert talk.witness.how == "rule"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("before", ["a message", "in mail data", "a refusal", "a reset"])
def test_rules_that_are_gone_change_no_message(way: str, before: str) -> None:
    """A reload without them has its way at the next message, however the one before it ended."""
    talk = Between(rules_in("DATA: {truncate: 3}"))
    if before == "a message":
        send(talk, way, GOOD)
    elif before == "in mail data":
        for said in [*envelope(), b"DATA\r\n", GOOD]:
            talk.say(said)
    elif before == "a refusal":
        talk.server.says["DATA"] = b"451 4.3.0 Not now\r\n"
        for said in [*envelope(), b"DATA\r\n", b"RSET\r\n"]:
            talk.say(said)
        del talk.server.says["DATA"]
    else:
        for said in [*envelope(), b"BDAT 4\r\nodd!", b"RSET\r\n"]:
            talk.say(said)
    talk.relay.adopt(rules_in("NOOP: 250"))
    if before == "in mail data":
        assert talk.codes(b".\r\n") == [250]
    assert send(talk, way, GOOD) == expected(way, 250, lmtp=False)
    assert talk.server.delivered[-1].message == GOOD


def test_rules_that_are_gone_change_no_pipelined_chunk() -> None:
    """What is sent together with its envelope is a message of its own, too."""
    talk = Between(rules_in("DATA: {truncate: 3}"))
    send(talk, "one chunk", GOOD)
    talk.relay.adopt(rules_in("NOOP: 250"))
    assert send(talk, "one chunk", GOOD, at_once=True) == [250]
    assert talk.server.delivered[-1].message == GOOD


def test_chunks_in_hand_are_changed_to_their_end() -> None:
    """A reload between two of them changes nothing for their message."""
    talk = Between(rules_in("DATA: {header: {add: {X-Test: yes}}}"))
    for said in [*envelope(), *by_chunks(GOOD[:5], b"")[:1]]:
        talk.say(said)
    talk.relay.adopt(rules_in("NOOP: 250"))
    assert talk.codes(by_chunks(GOOD[5:])[0]) == [250]
    assert talk.server.delivered[-1].message == GOOD.replace(
        b"\r\n\r\n", b"\r\nX-Test: yes\r\n\r\n"
    )


@every_way
@both_protocols
def test_changed_and_decided_about_at_its_end(way: str, lmtp: bool) -> None:
    """Rules look at what the client sent; upstream gets what is left of it."""
    rule = '{END-OF-DATA: 554, when: {header: {Subject: "*invoice*"}}}'
    talk = Between(rules_in("DATA: {truncate: 12}", rule), StrictServer(lmtp=lmtp))
    for message, code in ((GOOD, 250), (BAD, 554), (GOOD, 250)):
        assert send(talk, way, message) == expected(way, code, lmtp)
    assert [one.message for one in talk.server.delivered] == [GOOD[:12] + b"\r\n"] * 2
