"""A dialogue of our own with a server, for which there is no client: connect, say it, leave.

Owns how long a server may take, and in which words it is told what went wrong. What is said is the
affair of the dialogue.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.actions import StartTls
from smtpproxy.aside import NOT_LOGGED_IN, Aside, AsideError
from smtpproxy.net.endpoints import WhereError
from smtpproxy.net.handshake import failure_words
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.upstream import BeginTls, unreachable
from smtpproxy.smtp.facts import Overlong, Reply
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from smtpproxy.smtp.maildata import FINAL_DOT
from smtpproxy.smtp.server import ServerReader

#: Seconds that a server gets to take the end of a connection.
_LEAVING = 5.0


class ErrandError(Exception):
    """The dialogue did not come to its end. Says why, in one line.

    `final`: no other dialogue with this server would fare better, or should be tried.
    """

    def __init__(self, words: str, final: bool = False) -> None:
        super().__init__(words)
        self.final = final


class Destination(NamedTuple):
    """Where to, and how."""

    endpoint: IStreamClientEndpoint
    clock: IReactorTime
    begin_tls: BeginTls
    secure: bool = False  # TLS from the first octet on, which is the endpoint's affair
    limits: Limits = DEFAULT_LIMITS


async def run_errand(aside: Aside, destination: Destination) -> None:
    """Hold a dialogue. Raises ErrandError, and what the dialogue raises but for AsideError."""
    errand = _Errand(aside, destination)
    try:
        await destination.endpoint.connect(_Factory(errand))
    except Exception:
        raise ErrandError(unreachable(Failure()), final=True) from None
    await errand.done


class _Factory(Factory):
    """Makes the one protocol that is there."""

    noisy = False

    def __init__(self, errand: _Errand) -> None:
        self._errand = errand

    def buildProtocol(self, addr: Any) -> _Errand:
        """Return it."""
        return self._errand


@implementer(IHandshakeListener)
class _Errand(Protocol):
    """One connection. `done` fires at the end of the dialogue, or fails."""

    transport: Any

    def __init__(self, aside: Aside, destination: Destination) -> None:
        self._aside = aside
        self._to = destination
        self._reader = ServerReader(destination.limits)
        self._handshaking = False
        self._deadline: Any = None
        self._seconds = destination.limits.greeting_timeout  # for the reply that comes next
        self._over = False
        self.done: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        """The connection stands; under TLS the handshake follows."""
        if self._to.secure:
            self._shake_hands()
        else:
            self._go_on(None)

    def handshakeCompleted(self) -> None:
        """The connection is encrypted."""
        self._handshaking = False
        self._go_on(None)

    def dataReceived(self, data: bytes) -> None:
        """Take octets, and each reply in turn."""
        if self._over:
            return
        self._reader.receive(data)
        while not self._over and (fact := self._reader.next()) is not None:
            if self._handshaking:
                self._fail("upstream sends octets where TLS is to begin")
            elif isinstance(fact, Overlong):
                self._fail("upstream's reply is too long")
            elif isinstance(fact, Reply):
                self._go_on(fact)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, which was to come."""
        self._stop_waiting()
        if self._handshaking:
            self._fail(f"no TLS with upstream: {failure_words(reason)}", final=True)
        else:
            self._fail("upstream ended the connection")

    def _go_on(self, reply: Reply | None) -> None:
        try:
            # A generator that has just begun takes None alone.
            todo = self._aside.send(reply)
            if isinstance(todo, StartTls):
                self._start_tls()
            else:
                self._say(todo)
        except StopIteration:
            self._leave()
            self.done.callback(None)
        except AsideError as error:
            # Who tries a wrong password often is locked out.
            self._fail(str(error), final=error.fact == NOT_LOGGED_IN)
        except (WhereError, TlsFileError) as error:
            self._fail(str(error), final=True)
        except Exception:
            self._leave()
            self.done.errback(Failure())

    def _say(self, octets: bytes) -> None:
        if octets:
            limits = self._to.limits
            # What is no command line is mail data, or a chunk behind its command.
            is_mail = octets == FINAL_DOT or octets.find(b"\n") + 1 != len(octets)
            self._seconds = limits.end_of_data_timeout if is_mail else limits.reply_timeout
            self.transport.write(octets)
        self._wait(self._seconds, "upstream does not reply in time")

    def _start_tls(self) -> None:
        if self._reader.pending:
            self._fail("upstream sends octets where TLS is to begin")
            return
        context = self._to.begin_tls()
        self._shake_hands()
        self.transport.startTLS(context)

    def _shake_hands(self) -> None:
        self._handshaking = True
        seconds = self._to.limits.handshake_timeout
        self._wait(seconds, "the TLS handshake with upstream is not over in time")

    def _wait(self, seconds: float, problem: str) -> None:
        self._stop_waiting()
        if seconds:
            self._deadline = self._to.clock.callLater(seconds, self._fail, problem, True)

    def _stop_waiting(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def _fail(self, words: str, final: bool = False) -> None:
        if self._over:
            return
        self._leave(at_once=True)
        self.done.errback(ErrandError(words, final))

    def _leave(self, at_once: bool = False) -> None:
        """Nothing more is said."""
        self._over, self._handshaking = True, False
        self._stop_waiting()
        self._aside.close()
        if at_once:
            self.transport.abortConnection()
            return
        self.transport.loseConnection()
        self._deadline = self._to.clock.callLater(_LEAVING, self.transport.abortConnection)
