"""A relay that finds out all that can be said of each reply, or, with `bare`, nothing.

python -m bench.explaining READY_FILE UPSTREAM_PORT [bare]
"""

import itertools
import sys
from pathlib import Path

from twisted.internet import reactor

from smtpproxy import classify
from smtpproxy.net.security import Security
from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import ProxySession
from smtpproxy.net.upstream import EndpointUpstream, client_endpoint
from smtpproxy.place import Ends
from smtpproxy.reasons import built_in
from smtpproxy.relay import Relay
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.transcript import Entry, Note, Observer, Session, Transcript


class Explaining:
    """An observer that gives the four answers to itself, and forgets them."""

    def __init__(self) -> None:
        self._reasons = built_in()

    def began(self, session: Session) -> None:
        """Nothing to explain."""

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Explain the reply."""
        if entry.heard is not None:
            classify.explain(entry.heard, entry.stage, self._reasons)

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Nothing to explain."""

    def noted(self, session: Session, note: Note) -> None:
        """Nothing to explain."""

    def ended(self, session: Session, how: str) -> None:
        """Nothing to explain."""


def serve(ready: str, port: str, *words: str) -> None:
    """Relay until SIGTERM."""
    where = f"tcp:127.0.0.1:{port}"
    endpoint = client_endpoint(reactor, where, 30.0, Security().client)
    upstream = EndpointUpstream(where, endpoint)
    observers: list[Observer] = [] if words else [Explaining()]
    numbers = itertools.count(1)
    seconds = reactor.seconds

    def session(ends: Ends, gone):  # type: ignore[no-untyped-def]
        of = Session(next(numbers), "", str(ends.source), where, seconds())
        transcript = Transcript(of, observers, seconds)
        relay = Relay(transcript, seconds, state=of.state)
        return ProxySession(relay, upstream, reactor, gone, ends)

    listen = ["tcp:0:interface=127.0.0.1"]
    ProxyService(reactor, listen, session, 5.0, Path(ready), 10_000).startService()
    reactor.run()


if __name__ == "__main__":
    serve(*sys.argv[1:])
