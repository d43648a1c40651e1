"""Whole sessions, told to a recorder without a relay, and so at little cost."""

from __future__ import annotations

from smtpproxy.cassette.recorder import Recorder
from smtpproxy.exchange import UPSTREAM
from smtpproxy.smtp.facts import MailData, Reply
from smtpproxy.transcript import Entry, Session

MESSAGE = b"Subject: hello\r\n\r\n" + b"0123456789abcdef0123456789abcdef\r\n" * 120 + b".\r\n"
_PIECE = 16 * 1024


def entry(stage: str, sent: bytes, wire: bytes) -> Entry:
    """Return an exchange that upstream answered at once."""
    reply = Reply(int(wire[:3]), wire)
    return Entry(stage, sent, reply, reply, UPSTREAM, "", True, False, 1.0, 0.0012)


GREETING = entry("CONNECT", b"", b"220 mail.example.org ESMTP\r\n")
EHLO = entry("EHLO", b"EHLO app.example.org\r\n", b"250-mail.example.org\r\n250 8BITMIME\r\n")
MAIL = entry("MAIL", b"MAIL FROM:<a@example.org>\r\n", b"250 2.1.0 Ok\r\n")
RCPT = entry("RCPT", b"RCPT TO:<b@example.net>\r\n", b"250 2.1.5 Ok\r\n")
DATA = entry("DATA", b"DATA\r\n", b"354 End data with <CR><LF>.<CR><LF>\r\n")
END = entry("END-OF-DATA", b"", b"250 2.0.0 Ok: queued as 4F2A\r\n")
QUIT = entry("QUIT", b"QUIT\r\n", b"221 2.0.0 Bye\r\n")


def begin(recorder: Recorder, number: int) -> Session:
    """Begin a session: greeting and EHLO."""
    client, upstream = "127.0.0.1:40000", "tcp:mail.example.org:25"
    session = Session(number, f"run-{number}", client, upstream, 0.0, client_host="127.0.0.1")
    recorder.began(session)
    recorder.exchanged(session, GREETING)
    recorder.exchanged(session, EHLO)
    return session


def send(recorder: Recorder, session: Session, mail_data: bytes = MESSAGE) -> None:
    """Send a message; its octets are as on the wire, with the final dot."""
    for one in (MAIL, RCPT, DATA):
        recorder.exchanged(session, one)
    for at in range(0, len(mail_data), _PIECE):
        last = at + _PIECE >= len(mail_data)
        recorder.mail_data(session, MailData(mail_data[at : at + _PIECE], last))
    recorder.exchanged(session, END)


def end(recorder: Recorder, session: Session) -> None:
    """End a session by QUIT."""
    take_leave(recorder, session)
    recorder.ended(session, "quit")


def take_leave(recorder: Recorder, session: Session) -> None:
    """Let QUIT be answered, and the connections stay open."""
    recorder.exchanged(session, QUIT)
