"""The built-in upstream `sink:`: a server that accepts everything and keeps nothing.

Offers what real clients like to use, so that nothing else is needed to try the proxy. It takes any
credentials, and is strict only where a message would have no recipient.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpproxy.auth.localauth import OFFERED, LocalAuth
from smtpproxy.responder import Answer
from smtpproxy.smtp.facts import Command, Continuation
from smtpproxy.smtp.path import parse_path
from smtpproxy.smtp.protocols import SMTP, MailProtocol

DOMAIN = "sink.localhost"
SIZE_LIMIT = 1024 * 1024 * 1024

_HELO = f"250 {DOMAIN} greets you\r\n".encode()
_KEYWORDS = (
    f"250-{DOMAIN} greets you\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
    f"250-SIZE {SIZE_LIMIT}\r\n250-AUTH {OFFERED}\r\n250 ENHANCEDSTATUSCODES\r\n"
).encode()
_BEGIN = ("MAIL", "SEND", "SOML", "SAML")
_PLAIN_ANSWERS = {
    "NOOP": "250 2.0.0 Ok",
    "VRFY": "252 2.5.0 Send some mail, it will be taken",
    "EXPN": "252 2.5.0 Send some mail, it will be taken",
    "HELP": "214 2.0.0 Everything is accepted and nothing is kept",
}
_NOT_HERE = ("STARTTLS", "ETRN", "TURN", "ATRN", "BDAT", "XCLIENT", "XFORWARD", "BURL", "LHLO")


class Sink:
    """One session with the sink. `count` numbers the messages of all sessions."""

    def __init__(self, count: Callable[[], int], protocol: MailProtocol = SMTP) -> None:
        self._count = count
        self._protocol = protocol
        self._sender = False
        self._recipients = 0
        self._auth = LocalAuth()

    def greeting(self) -> Answer:
        """Greet."""
        return Answer(f"220 {DOMAIN} {self._protocol.greeting} smtpproxy sink\r\n".encode())

    def command(self, command: Command) -> Answer:
        """Accept the command."""
        verb = command.verb
        if verb in self._protocol.hellos:
            self._reset()
            return Answer(_KEYWORDS if verb == self._protocol.hello else _HELO)
        if verb == "QUIT":
            return Answer(f"221 2.0.0 {DOMAIN} closing\r\n".encode(), close=True)
        if verb == "AUTH":
            return Answer(self._auth.command(command))
        return Answer(f"{self._text(verb, command)}\r\n".encode())

    def _text(self, verb: str, command: Command) -> str:
        if verb in _PLAIN_ANSWERS:
            return _PLAIN_ANSWERS[verb]
        if verb == "RSET":
            self._reset()
            return "250 2.0.0 Ok"
        if verb in SMTP.hellos:
            # RFC 2033 §4.1: 500 is recommended, so that who speaks the wrong protocol learns of it.
            return "500 This is LMTP: say LHLO"
        if verb in _BEGIN or verb == "RCPT":
            return self._envelope(verb, command)
        if verb == "DATA":
            if not self._recipients:
                return "503 5.5.1 RCPT first"
            return "354 End data with <CRLF>.<CRLF>"
        return "502 5.5.1 Not offered" if verb in _NOT_HERE else "500 5.5.2 Command unrecognized"

    def _envelope(self, verb: str, command: Command) -> str:
        if parse_path(command.argument) is None:
            return "501 5.5.4 Syntax: a path in angle brackets is expected"
        if verb != "RCPT":
            self._sender, self._recipients = True, 0
            return "250 2.1.0 Ok"
        if not self._sender:
            return "503 5.5.1 MAIL first"
        self._recipients += 1
        return "250 2.1.5 Ok"

    def continuation(self, line: Continuation) -> Answer:
        """Take any credentials."""
        return Answer(self._auth.continuation(line))

    def end_of_mail_data(self) -> Answer:
        """Accept the message."""
        self._reset()
        return Answer(f"250 2.0.0 Ok: message {self._count()} taken\r\n".encode(), each=True)

    def gone(self) -> None:
        """Nothing to clear away."""

    def _reset(self) -> None:
        self._sender, self._recipients = False, 0
