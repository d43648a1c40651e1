"""`smtpproxy check CASSETTE --upstream WHERE`: what a real server says otherwise than recorded."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from twisted.internet.defer import ensureDeferred
from twisted.python.failure import Failure

from smtpproxy.cassette.comparing import TEXT, compare
from smtpproxy.cassette.deliveries import deliveries
from smtpproxy.cassette.model import Cassette, Kept, RecordedSession
from smtpproxy.cassette.rehearsal import Rehearsal
from smtpproxy.cassette.store import load_recorded, mail_data_on_the_wire
from smtpproxy.console import FOUND, GOOD, UNABLE, counted, on_terminal, say
from smtpproxy.documents import DocumentError
from smtpproxy.net.credentials import load_credentials
from smtpproxy.net.endpoints import MISREAD, SINK, WhereError, upstream_endpoint
from smtpproxy.net.errand import Destination, ErrandError, run_errand
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.secureplaces import KINDS
from smtpproxy.net.securing import is_this_machine, security_of
from smtpproxy.net.upstream import client_endpoint
from smtpproxy.options import Given, offer
from smtpproxy.settings import Settings, SettingsError, settle
from smtpproxy.smtp.protocols import PROTOCOLS
from smtpproxy.tools.changes import severities_from, tell
from smtpproxy.visible import visible_text

#: The options of the service that concern upstream.
TAKEN = (
    *("upstream", "protocol", "upstream-ca", "upstream-name", "upstream-insecure"),
    *("upstream-login", "connect-timeout", "greeting-timeout", "reply-timeout"),
    *("handshake-timeout", "end-of-data-timeout"),
)


class CheckOptions(Given):
    """Which cassette, which server, and whether messages are delivered."""

    synopsis = "Usage: smtpproxy check CASSETTE --upstream WHERE [options]"
    examples = (
        "  smtpproxy check signup.yaml --upstream mail.example.org:587\n"
        "  smtpproxy check signup.yaml --upstream smtps://mail.example.org --severity class\n"
        "  smtpproxy check signup.yaml --upstream localhost:2525 --deliver --yes\n"
    )
    longdesc = (
        "Plays the client's side of each session, and compares what the server says. Nothing is "
        "delivered: before mail data each transaction is taken back by RSET, unless --deliver is "
        "given. AUTH is played with your own credentials, and left out without. The exit status "
        "is 0 where nothing differs, 1 where something does, 2 where it could not be done."
    )
    optParameters = (("severity", "s", TEXT, "from where on a change counts: class, code or text"),)
    optFlags = (
        ("deliver", None, "send the messages, too, which the server then delivers"),
        ("yes", "y", "and do not ask before that"),
        ("json", None, "one JSON object a change"),
        ("plain", None, "no colours, no pager, no progress"),
    )

    def parseArgs(self, *cassettes: str) -> None:
        """Take the cassette."""
        self.cassettes = [Path(cassette) for cassette in cassettes]


offer(CheckOptions, {}, TAKEN)
_SERVER = "the server to check: HOST[:PORT], smtp://HOST, smtps://HOST, or an endpoint string"
CheckOptions.opt_upstream.__doc__ = _SERVER  # type: ignore[attr-defined]


def check(words: list[str]) -> int:
    """Play, and compare."""
    from twisted.internet import reactor

    options = CheckOptions()
    options.parseOptions(words)
    counting = severities_from(options["severity"])
    if not counting:
        return UNABLE
    if len(options.cassettes) != 1:
        say("smtpproxy: expected one cassette")
        return UNABLE
    try:
        settings = settle(options.given, os.environ)
        cassette = load_recorded(options.cassettes[0], lambda line: say(f"smtpproxy: {line}"))
        playing = _Playing(reactor, settings, cassette, options)
    except (DocumentError, SettingsError) as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    if not playing.to_play:
        say(f"smtpproxy: {cassette.source}: a server says nothing in it")
        return UNABLE
    if options["deliver"] and not _may_deliver(playing, bool(options["yes"])):
        return UNABLE
    playing.run(reactor)
    changes = [one for one in compare(*playing.cassettes()) if one.severity in counting]
    tell(changes, (cassette.source, playing.where), bool(options["json"]), bool(options["plain"]))
    playing.sum_up()
    return UNABLE if playing.problems else FOUND if changes else GOOD


def _may_deliver(playing: _Playing, yes: bool) -> bool:
    """Say what would be delivered, and ask."""
    found = deliveries(playing.to_play)
    told = f"{counted(found.messages, 'message')} to {counted(len(found.recipients), 'recipient')}"
    say(f"smtpproxy: --deliver sends {told} by {visible_text(playing.where)}")
    if yes or not found.messages:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        say("smtpproxy: --deliver needs --yes where nobody can be asked")
        return False
    print("Send? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        return False


class _Playing:
    """All sessions of a cassette, one after the other."""

    def __init__(
        self, reactor: Any, settings: Settings, cassette: Cassette, options: CheckOptions
    ) -> None:
        self._cassette = cassette
        self._deliver = bool(options["deliver"])
        self._quiet = bool(options["plain"]) or not on_terminal()
        self._credentials = load_credentials(os.environ, settings.path("upstream-login"))
        self.where, self._to = _destination(reactor, settings)
        if settings.flag("upstream-insecure"):
            say("smtpproxy: --upstream-insecure: upstream's certificate is not verified")
        self._trusted = is_this_machine(self.where)
        self.to_play = [one for one in cassette.sessions if not self._rehearsal(one).empty]
        self._rehearsals: list[tuple[RecordedSession, Rehearsal]] = []
        self.problems: Counter[str] = Counter()
        self._finished = False
        self._mistake: Failure | None = None

    def _rehearsal(self, session: RecordedSession) -> Rehearsal:
        return Rehearsal(
            session,
            self._on_the_wire,
            self._deliver,
            self._credentials,
            encrypted=self._to.secure,
            trusted=self._trusted,
        )

    def _on_the_wire(self, kept: Kept) -> bytes:
        return mail_data_on_the_wire(kept, Path(self._cassette.source))

    def run(self, reactor: Any) -> None:
        """Play them, while a reactor runs."""

        def begin() -> None:
            playing = ensureDeferred(self._play())
            playing.addErrback(self._failed)
            playing.addBoth(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run()
        if self._mistake is not None:
            self._mistake.raiseException()
        if not self._finished:
            self._problem("interrupted")

    async def _play(self) -> None:
        with self._progress() as advance:
            for session in self.to_play:
                rehearsal = self._rehearsal(session)
                self._rehearsals.append((session, rehearsal))
                try:
                    await run_errand(rehearsal.dialogue(), self._to)
                except ErrandError as error:
                    self._problem(f"{error}", session)
                    if error.final:
                        break
                advance()
        self._finished = True

    @contextmanager
    def _progress(self) -> Iterator[Any]:
        many = len(self.to_play)
        if self._quiet or many == 1:
            yield lambda: None
            return
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("sessions", total=many)
            yield lambda: progress.advance(task)

    def _failed(self, failure: Failure) -> None:
        self._finished = True
        if failure.check(DocumentError):
            self._problem(failure.getErrorMessage())
        else:
            self._mistake = failure  # of our own

    def _problem(self, words: str, session: RecordedSession | None = None) -> None:
        """Say what went wrong, each kind once."""
        self.problems[words] += 1
        if self.problems[words] == 1:
            where = f"session {visible_text(session.label)}: " if session is not None else ""
            say(f"smtpproxy: {where}{words}")

    def cassettes(self) -> tuple[Cassette, Cassette]:
        """Return what was played, as it was recorded and as it is now."""
        sides = []
        for at in (0, 1):
            sessions = [
                RecordedSession(one.label, [pair[at] for pair in played.played], line=one.line)
                for one, played in self._rehearsals
            ]
            sides.append(Cassette(self._cassette.source, sessions=sessions))
        return sides[0], sides[1]

    def sum_up(self) -> None:
        """Say what was compared, and what was not."""
        for words, many in self.problems.items():
            if many > 1:
                say(f"smtpproxy: {words}: in {counted(many, 'session')}")
        played = sum(len(one.played) for _, one in self._rehearsals)
        sessions = counted(len(self._rehearsals), "session")
        say(f"smtpproxy: {counted(played, 'exchange')} of {sessions} compared")
        skipped: Counter[str] = Counter()
        for _, one in self._rehearsals:
            skipped.update(one.skipped)
        for why, many in skipped.items():
            say(f"smtpproxy: not played: {counted(many, 'exchange')} {why}")


def _destination(reactor: Any, settings: Settings) -> tuple[str, Destination]:
    """Return the endpoint string of upstream, and how to get there. Raises SettingsError."""
    where = settings.text("upstream")
    protocol = PROTOCOLS[settings.choice("protocol", PROTOCOLS)]
    if not where or where == SINK:
        raise SettingsError(
            f"expected --upstream WHERE, a server{' and not ' if where else ''}{where}"
        )
    try:
        endpoint = upstream_endpoint(where, protocol)
        security = security_of(settings, (), where, protocol)
        seconds = settings.seconds("connect-timeout") or 30.0
        connecting = client_endpoint(reactor, endpoint, seconds, security.client)
    except SettingsError:
        raise
    except WhereError as error:
        raise SettingsError(f"--upstream: {error}") from None
    except TlsFileError as error:
        raise SettingsError(f"--upstream-ca: {error}") from None
    except MISREAD as error:
        raise SettingsError(f"--upstream {where} is no endpoint string: {error}") from None
    secure = endpoint.partition(":")[0] in KINDS
    return endpoint, Destination(connecting, reactor, security.client, secure, settings.limits())
