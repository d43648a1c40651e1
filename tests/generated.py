"""Sessions that hypothesis makes up: what both sides say, and when, as TCP may deliver it.

Whoever draws one knows by construction where each thing ends and what answers what.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, pairwise
from typing import NamedTuple

from hypothesis import strategies as st

from tests.relaying import (
    CLIENT,
    CLIENT_ENDS,
    CLIENT_RESETS,
    SHUTDOWN,
    UPSTREAM,
    UPSTREAM_ENDS,
    UPSTREAM_RESETS,
    Event,
)
from tests.session_reference import Envelope

VERBS = (
    *("EHLO", "HELO", "LHLO", "MAIL", "RCPT", "RSET", "VRFY", "EXPN", "HELP", "NOOP", "QUIT"),
    *("ETRN", "SEND", "SOML", "SAML", "XFORWARD", "BURL", "XCLIENT", "FOO", "X-1", "mAiL"),
)
ARGUMENTS = (
    *(
        b"",
        b" app.example.org",
        b" FROM:<a@example.org> SIZE=12 BODY=8BITMIME",
        b" TO:<b@example.net>",
    ),
    *(b" FROM:<>", b" to:b@example.net NOTIFY=NEVER", b" x \0\xff", b"\t", b" \xd0\xb6 SMTPUTF8"),
    *(b" FROM:<@relay.example.com:a@example.org>", b' TO:<"b c"@example.net> ', b"\r"),
)
ODD_LINES = (b"", b".", b"\xff\xfe", b"250 Ok", b" ", b"12", b"MAIL:x", b"DATA.", b"-", b"N" * 33)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\n")
WORDS = (b" ok", b"", b" ", b" 2.1.0 Ok", b"ok", b" \xff\xfe", b" 5.7.1 no\r", b" -", b"\tok")
STRAYS = (b"hello\r\n", b"\r\n", b"2_5 ok\r\n", b"25\n", b"+25 x\r\n", b"\xff\r\n")

#: What the reply to each of these decides: codes that go on, and codes that do not.
ACCEPTED = {"DATA": (354, 354, 300, 399), "AUTH": (334,), "STARTTLS": (220,), "TURN": (250,)}
ACCEPTED["ATRN"] = (250,)
REFUSED = (550, 503, 421, 235, 199, 0, 454)
CODES = (250, 250, 250, 220, 221, 252, 334, 421, 450, 550, 0, 999, 299)
MESSAGE_CODES = (*CODES, 353, 353, 502)
#: What is never early: upstream may say goodbye out of the blue, and reading ends with a switch.
CLOSING = (221, 421)
SWITCHES = ("STARTTLS", "TURN", "ATRN", "")


class Unit(NamedTuple):
    """What a client says in one breath, and what upstream says to that. `stage` "": it is opaque.

    Where one message has several replies, all but the first are units in which nothing is sent.
    """

    stage: str
    client: bytes
    upstream: bytes


class Session(NamedTuple):
    """What both sides say, and how TCP delivers it."""

    units: list[Unit]
    events: list[Event]

    @property
    def client(self) -> bytes:
        """All that the client says."""
        return b"".join(unit.client for unit in self.units)

    @property
    def upstream(self) -> bytes:
        """All that upstream says."""
        return b"".join(unit.upstream for unit in self.units)


LINE_END = st.sampled_from(ENDS)
MESSAGE = st.lists(
    st.sampled_from((b"\r", b"\n", b".", b"\r\n", b"x", b"..", b"\r\n..", b"QUIT\r\n", b"\xff"))
).map(b"".join)


@st.composite
def replies(draw: st.DrawFn, codes: tuple[int, ...]) -> bytes:
    """Return a reply with one of these codes, of any form, stray lines before it."""
    wire = draw(st.lists(st.sampled_from(STRAYS), max_size=1) if draw(_RARELY) else st.just([]))
    for code in draw(st.lists(st.sampled_from(CODES), max_size=2)):
        wire.append(b"%03d-%s%s" % (code, draw(st.sampled_from(WORDS)), draw(LINE_END)))
        if draw(_RARELY):
            wire.append(draw(st.sampled_from(STRAYS)))
    wire.append(
        b"%03d%s%s" % (draw(st.sampled_from(codes)), draw(st.sampled_from(WORDS)), draw(LINE_END))
    )
    return b"".join(wire)


_RARELY = st.integers(0, 9).map(lambda drawn: drawn == 9)


def _line(draw: st.DrawFn, line: bytes) -> bytes:
    return line + draw(LINE_END)


@st.composite
def _plain(draw: st.DrawFn) -> list[Unit]:
    if draw(_RARELY):
        line = _line(draw, draw(st.sampled_from(ODD_LINES)))
        return [Unit("?", line, draw(replies((500, 250, 421))))]
    verb = draw(st.sampled_from(VERBS))
    line = _line(draw, verb.encode() + draw(st.sampled_from(ARGUMENTS)))
    return [Unit(verb.upper(), line, draw(replies(CODES)))]


@st.composite
def _message(draw: st.DrawFn) -> list[Unit]:
    data = _line(draw, draw(st.sampled_from((b"DATA", b"data ", b" DATA"))))
    if draw(_RARELY):
        return [Unit("DATA", data, draw(replies(REFUSED)))]
    octets = draw(MESSAGE) + b"\r\n.\r\n"
    # Where it ends before that, what is left are commands.
    end = (b"\r\n" + octets).index(b"\r\n.\r\n") + 3
    return [
        Unit("DATA", data, draw(replies(ACCEPTED["DATA"]))),
        Unit("END-OF-DATA", octets[:end], draw(replies(MESSAGE_CODES))),
    ]


@st.composite
def _chunk(draw: st.DrawFn) -> list[Unit]:
    octets = draw(st.binary(max_size=12) | st.sampled_from((b"QUIT\r\n", b"\r\n.\r\n")))
    form = draw(st.sampled_from((b"BDAT %d", b"BDAT %d LAST", b"bdat\t%d  last ")))
    line = _line(draw, form % len(octets))
    return [Unit("BDAT", line + octets, draw(replies(MESSAGE_CODES)))]


@st.composite
def _authentication(draw: st.DrawFn) -> list[Unit]:
    units = []
    line = draw(st.sampled_from((b"AUTH LOGIN", b"AUTH PLAIN AGEAYg==", b"auth x")))
    for _ in range(draw(st.sampled_from((0, 1, 3, 8)))):
        units.append(Unit("AUTH", _line(draw, line), draw(replies(ACCEPTED["AUTH"]))))
        line = draw(st.sampled_from((b"YQ==", b"*", b"", b"QUIT", b"\xff")))
    return [*units, Unit("AUTH", _line(draw, line), draw(replies(REFUSED)))]


@st.composite
def _switch(draw: st.DrawFn) -> list[Unit]:
    verb = draw(st.sampled_from(("STARTTLS", "TURN", "ATRN")))
    line = _line(draw, verb.encode())
    if draw(st.integers(0, 3)):
        return [Unit(verb, line, draw(replies(REFUSED)))]
    return [
        Unit(verb, line, draw(replies(ACCEPTED[verb]))),
        Unit("", draw(st.binary(max_size=20)), draw(st.binary(max_size=20))),
    ]


@st.composite
def _letter(draw: st.DrawFn) -> list[Unit]:
    """Return a mail transaction as it should be, with more than one recipient."""
    hello = draw(st.sampled_from(("LHLO", "LHLO", "EHLO")))
    found = [(hello, b" x"), ("MAIL", b" FROM:<a@example.org>")]
    found += [("RCPT", b" TO:<b@example.net>")] * draw(st.integers(0, 3))
    accepted = st.sampled_from((250, 250, 250, 550))
    start = [
        Unit(verb, verb.encode() + rest + b"\r\n", b"%d ok\r\n" % draw(accepted))
        for verb, rest in found
    ]
    return start + draw(_message() | _chunk())


@st.composite
def units(draw: st.DrawFn) -> list[Unit]:
    """Return a session, with a greeting; an opaque end, if there is one, is the last."""
    said = [Unit("CONNECT", b"", draw(replies((220, 220, 220, 554, 421))))]
    kinds = st.one_of(
        *(_plain(), _plain(), _plain(), _message(), _chunk(), _authentication()),
        *(_letter(), _letter()),
    )
    envelope = Envelope()
    for some in draw(st.lists(kinds, max_size=8)):
        for unit in some:
            said += _answered(draw, unit, envelope)
    return said + draw(st.just([]) | _switch())


def _answered(draw: st.DrawFn, unit: Unit, envelope: Envelope) -> Iterator[Unit]:
    """Yield a unit, and others for what else upstream says to a message."""
    yield unit
    stage = "BDAT LAST" if _is_last_chunk(unit) else unit.stage
    code = _code(unit.upstream)
    for _ in range(envelope.more_replies(stage, code)):
        another = draw(replies(CODES))
        code = _code(another)
        yield Unit(unit.stage, b"", another)
    envelope.observe(stage, code)


def _is_last_chunk(unit: Unit) -> bool:
    return unit.stage == "BDAT" and b"LAST" in unit.client.partition(b"\n")[0].upper()


def _code(upstream: bytes) -> int:
    return int(upstream.removesuffix(b"\n").rpartition(b"\n")[2][:3])


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Return a session as TCP may deliver it. Upstream may answer before it is asked."""
    said = draw(units())
    session = Session(said, [])
    first = cycle(draw(st.lists(st.booleans(), min_size=1, max_size=8)))
    haste = draw(st.sampled_from((0, 1, 3, 8)))
    pieces = (_pieces(draw, session.client), _pieces(draw, session.upstream))
    session.events.extend(_merged(said, *pieces, first, haste))
    return session


ENDINGS = (CLIENT_ENDS, CLIENT_RESETS, UPSTREAM_ENDS, UPSTREAM_RESETS, SHUTDOWN)


@st.composite
def broken_sessions(draw: st.DrawFn) -> list[Event]:
    """Return what happens in a session that somebody ends before its time, or more than one."""
    events = draw(sessions()).events
    for ending in draw(st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=3)):
        events.insert(draw(st.integers(0, len(events))), Event(ending))
    return events


def _pieces(draw: st.DrawFn, octets: bytes) -> list[bytes]:
    cuts = draw(st.lists(st.integers(0, len(octets)), max_size=8))
    return [octets[begin:end] for begin, end in pairwise(sorted({0, *cuts, len(octets)}))]


def _merged(
    said: list[Unit],
    client: list[bytes],
    upstream: list[bytes],
    upstream_first: Iterator[bool],
    haste: int,
) -> Iterator[Event]:
    """Yield the pieces of both sides; upstream answers up to `haste` units before they are sent."""
    sent = answered = 0
    while client or upstream:
        first = next(upstream_first)
        if upstream and (
            not client or (first and answered + len(upstream[0]) <= _due(said, sent, haste))
        ):
            piece = upstream.pop(0)
            answered += len(piece)
            yield Event(UPSTREAM, piece)
        else:
            piece = client.pop(0)
            sent += len(piece)
            yield Event(CLIENT, piece)


def _due(said: list[Unit], sent: int, haste: int) -> int:
    """Return how many octets upstream may have said when the client has sent so many."""
    due = begun = 0
    for unit in said:
        begun += len(unit.client)
        if begun > sent:
            haste -= 1
            patient = unit.stage in SWITCHES or _code(unit.upstream) in CLOSING
            if haste < 0 or patient:
                break
        due += len(unit.upstream)
    return due
