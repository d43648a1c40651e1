"""Any session, played to any server: nothing is delivered, and nothing secret is in plain text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.actions import StartTls
from smtpproxy.aside import AsideError
from smtpproxy.cassette.model import Kept, Recorded, RecordedSession
from smtpproxy.cassette.rehearsal import Rehearsal
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Reply

LINES = [
    *(b"EHLO a", b"LHLO a", b"HELO a", b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.net>"),
    *(
        b"DATA",
        b"data",
        b" DATA",
        b"BDAT 2",
        b"BDAT 2 LAST",
        b"RSET",
        b"NOOP",
        b"QUIT",
        b"STARTTLS",
    ),
    *(b"NOOP\nDATA", b"NOOP\rDATA", b"NOOP\r\nDATA", b"BURL imap: LAST", b"ETRN x", b"TURN"),
    *(b"AUTH PLAIN [redacted]", b"[redacted]", b"XCLIENT NAME=x", b"VRFY a", b"\0DATA"),
]
CODES = [220, 235, 250, 334, 354, 421, 451, 550]
HARMLESS = {"EHLO", "LHLO", "HELO", "MAIL", "RCPT", "RSET", "NOOP", "QUIT", "STARTTLS", "XCLIENT"}
HARMLESS |= {"VRFY"}

replies = st.sampled_from(CODES).map(lambda code: b"%d x\r\n" % code)


@st.composite
def exchanges(draw: st.DrawFn) -> Recorded:
    """Any exchange, of those that might do harm and those that come before them."""
    said = tuple(draw(st.lists(replies, max_size=2)))
    rule = draw(st.sampled_from(["", "", "a rule"]))
    line = draw(st.sampled_from([*LINES, b"", b"."]))
    if line == b"":
        return Recorded("CONNECT", said=said, rule=rule)
    if line == b".":
        return Recorded("END-OF-DATA", kept=Kept(b"Hi.\r\n"), said=said, rule=rule)
    kept = Kept(b"Hi") if line.startswith(b"BDAT") else None
    return Recorded(parse_command(line).verb, line + b"\r\n", kept, said, rule=rule)


sessions = st.lists(exchanges(), max_size=14).map(lambda found: RecordedSession("1", found))


def sent(rehearsal: Rehearsal, said: st.DataObject) -> list[bytes | None]:
    """Play to a server that says anything; return what it was sent, None where TLS began."""
    found: list[bytes | None] = []
    steps = rehearsal.dialogue()
    try:
        step = next(steps)
        while True:
            found.append(None if isinstance(step, StartTls) else step)
            wire = said.draw(replies)
            step = steps.send(None if isinstance(step, StartTls) else Reply(int(wire[:3]), wire))
    except (StopIteration, AsideError):
        return found


@given(sessions, st.data())
def test_nothing_is_delivered(session: RecordedSession, said: st.DataObject) -> None:
    """Whatever was recorded and a server says, only harmless lines are sent, one by one."""
    for line in sent(Rehearsal(session, lambda kept: kept.octets), said):
        if line:
            assert parse_command(line).verb in HARMLESS
            assert line.endswith(b"\r\n")
            assert not set(line[:-2]) & {10, 13}


@given(sessions, st.data())
def test_what_was_under_tls_stays_there(session: RecordedSession, said: st.DataObject) -> None:
    """Before TLS begins no more is sent than stands before the first STARTTLS that began it."""
    stood = [
        one.stage == "STARTTLS" and one.said[:1] == (b"220 x\r\n",) for one in session.dialogue
    ]
    if True not in stood:
        return
    before = stood.index(True) + 1
    lines = sent(Rehearsal(session, lambda kept: kept.octets, deliver=True), said)
    plain = lines[: lines.index(None)] if None in lines else lines
    own = (b"RSET\r\n", b"")
    assert len([line for line in plain if line not in own]) <= before


@given(sessions, st.data())
def test_mail_data_ends(session: RecordedSession, said: st.DataObject) -> None:
    """With --deliver, what follows a 354 to DATA is the message that was recorded, or nothing."""
    steps = Rehearsal(session, lambda kept: kept.octets, deliver=True).dialogue()
    takes_data = False
    try:
        step = next(steps)
        while True:
            if isinstance(step, StartTls):
                step = steps.send(None)
                continue
            assert not takes_data or step == b"Hi.\r\n.\r\n"
            wire = said.draw(replies)
            takes_data = parse_command(step).verb == "DATA" and wire[:1] == b"3"
            step = steps.send(Reply(int(wire[:3]), wire))
    except (StopIteration, AsideError):
        pass
