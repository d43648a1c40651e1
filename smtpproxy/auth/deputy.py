"""AUTH in the client's stead (RFC 4954): the proxy logs in to upstream, and answers its client.

Owns when that is done, and what the client's own AUTH comes to: any credentials are taken from it,
and none of them ever reaches upstream. Does no I/O.
"""

from __future__ import annotations

from smtpproxy.aside import NOT_LOGGED_IN, Aside, AsideError, heard
from smtpproxy.auth.localauth import ACCEPTED, OFFERED, LocalAuth
from smtpproxy.auth.login import Credentials, LoginError, logging_in
from smtpproxy.faults.reply import SayReply
from smtpproxy.smtp.ehlo import edited, keyword_of, offers
from smtpproxy.smtp.facts import Command, Continuation, Reply

_OFFER = f"AUTH {OFFERED}".encode()
OWN_HELLO = b"EHLO smtpproxy.localhost\r\n"
_WAITS = (
    "upstream offers STARTTLS, and the client has not asked for it: --tls originate does, unasked"
)
_NOT_YET = b"454 4.7.0 Temporary authentication failure\r\n"


class Deputy:
    """Logs in for one session's client; `trusted`: upstream is on this machine."""

    def __init__(self, credentials: Credentials, trusted: bool = False) -> None:
        self._credentials = credentials
        self._trusted = trusted
        self._auth = LocalAuth(_NOT_YET)
        self._done = False
        self._waits = False  # for the client to ask for TLS

    @property
    def secret(self) -> bytes:
        """What upstream may repeat, and nobody may keep."""
        return self._credentials.password.encode()

    def start_over(self) -> None:
        """Upstream has forgotten who we are: it is another, or its leg was encrypted."""
        self._done, self._auth = False, LocalAuth(_NOT_YET)

    def shown(self, reply: Reply) -> Reply:
        """Return a reply to EHLO that offers what is taken here."""
        if reply.code != 250:
            return reply
        return edited(reply, lambda line: None if _is_auth(line) else line, [_OFFER])

    def aside(
        self, hello: Reply, extended: bool, encrypted: bool, may_be_encrypted: bool
    ) -> Aside | None:
        """Return the dialogue of the login, once upstream has answered EHLO, if it is due.

        Not `extended`: that was HELO. Where the client may still ask for TLS, that comes first.
        The dialogue raises AsideError, which ends no session but that with an impostor.
        """
        self._waits = may_be_encrypted and not encrypted and offers(hello, b"STARTTLS")
        if self._done or self._waits or hello.code // 100 != 2:
            return None
        return self._log_in(hello, extended, encrypted or self._trusted)

    def why_not(self) -> str:
        """Return why the proxy has not even tried, once; "" where it has."""
        waits, self._waits = self._waits, False
        return _WAITS if waits else ""

    def _log_in(self, hello: Reply, extended: bool, secure: bool) -> Aside:
        if not extended:
            hello = heard((yield OWN_HELLO))
        dialogue = logging_in(self._credentials, hello, secure=secure)
        try:
            step = next(dialogue)
            while True:
                step = dialogue.send(heard((yield step)))
        except StopIteration:
            self._done, self._auth = True, LocalAuth(ACCEPTED)
        except LoginError as error:
            self._auth = LocalAuth(error.reply.wire if error.reply else _NOT_YET)
            raise AsideError(str(error), NOT_LOGGED_IN, fatal=error.impostor) from None
        return None

    def answer(self, said: Command | Continuation) -> SayReply:
        """Return what the client's AUTH, or a line of it, is answered."""
        auth = self._auth
        wire = auth.command(said) if isinstance(said, Command) else auth.continuation(said)
        reply = Reply(int(wire[:3]), wire)
        return SayReply(
            reply.code, "", tuple(line.decode("utf-8", "replace") for line in reply.lines)
        )


def _is_auth(line: bytes) -> bool:
    # AUTH=PLAIN is how it was spelled before RFC 2554.
    return keyword_of(line).partition(b"=")[0] == b"AUTH"
