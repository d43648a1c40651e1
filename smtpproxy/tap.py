"""Options and makeService: the one place where everything is put together."""

from __future__ import annotations

import itertools
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from smtpproxy.alarm import Alarm
from smtpproxy.console import UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.encryption import MIRROR, Encryption
from smtpproxy.introduction import Introduction
from smtpproxy.modes import mode_and_cassette
from smtpproxy.net.accounting import Accounting
from smtpproxy.net.authority import Authority
from smtpproxy.net.collector import settle_collector
from smtpproxy.net.connecting import preface_of, real_upstream
from smtpproxy.net.encrypting import Encrypting
from smtpproxy.net.filelimit import files_needed, raise_limit, shortage
from smtpproxy.net.listening import listen_endpoints
from smtpproxy.net.local import LocalUpstream, grows, is_within
from smtpproxy.net.logs import Log
from smtpproxy.net.reporting import reporting_of
from smtpproxy.net.securing import deputy_for
from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import ProxySession, Upstream
from smtpproxy.net.shelf import Shelf
from smtpproxy.net.signals import end_with
from smtpproxy.net.spoolfile import spool_on_disk
from smtpproxy.net.turn import Turn
from smtpproxy.options import Given, offer
from smtpproxy.place import Ends
from smtpproxy.private.redactionrules import load_privacy
from smtpproxy.reasons import Reasons, ReasonsError, load_reasons
from smtpproxy.refusals import NOT_RECORDED, REFUSE, RELAY, RefusalError, refused_anomalies
from smtpproxy.relay import Relay
from smtpproxy.reports.expectations import Expectation
from smtpproxy.rules.inforce import RulesInForce
from smtpproxy.settings import Settings, SettingsError, settle
from smtpproxy.smtp.protocols import PROTOCOLS
from smtpproxy.statistics import Statistics
from smtpproxy.transcript import Observer, Session, Transcript


class Options(Given):
    """What twistd smtpproxy, smtpproxy serve and smtpproxy run take."""

    synopsis = "[options]"
    examples = (
        "  twistd --pidfile= -n smtpproxy --upstream mail.example.org\n"
        "  twistd --pidfile= -n smtpproxy --upstream sink: --mode record --cassette signup.yaml\n"
        "  twistd --pidfile= -n smtpproxy --mode replay --cassette signup.yaml\n"
    )
    longdesc = (
        "A recording and replaying SMTP proxy. Every option is also an environment variable, such "
        "as SMTPPROXY_UPSTREAM, and a key of the --config file."
    )


offer(Options, {})


class Proxy:
    """Everything that one run of the proxy consists of, wired together.

    Raises SettingsError, DocumentError or OSError for what can't be used; nothing listens by then.
    """

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        quiet: bool = False,
        expected: Sequence[Expectation] = (),
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._numbers = itertools.count(1)
        self._turn = Turn(reactor)
        self._run = f"{time.time_ns() // 1000:x}-{os.getpid():x}"
        self._observers: list[Observer] = []
        self._reasons = self._load_reasons()
        redact = settings.text("redact")
        self._privacy = load_privacy(redact) if redact else None
        shown = self._privacy.words if self._privacy is not None else str
        began = reactor.seconds()
        self._rules = RulesInForce(settings, began, lambda: secrets.randbelow(1 << 32), shown)
        self.statistics = Statistics(self._reasons, self._rules.fired)
        self._observers += [self.statistics, Alarm()]
        mode, cassette = mode_and_cassette(settings)
        self._to_cassette = mode in ("replay", "append")
        self._protocol = PROTOCOLS[settings.choice("protocol", PROTOCOLS)]
        listen = listen_endpoints(settings, reactor)
        self._limits = settings.limits()
        self._refused = _refused(settings)
        self._xclient = settings.flag("xclient")
        drain, self._max_connections = settings.seconds("drain"), settings.count("max-connections")
        ready = settings.path("ready-file")
        where = "" if mode == "replay" else settings.text("upstream")
        self._tls = Encrypting(settings, listen, where, self._protocol)
        self._deputy = deputy_for(settings, where, self._protocol, os.environ)
        if mode == "append" and self._deputy() is not None:
            raise SettingsError(
                "--upstream-login: not in --mode append, where upstream is told what the client "
                "has said; expected one that logs in itself"
            )
        self._tls.check()
        self.service = service = ProxyService(
            *(reactor, listen, self._session, drain, ready, self._max_connections),
            begin_tls=self._tls.security.server,
            handshake_seconds=self._limits.handshake_timeout,
        )
        service.signals = {"SIGHUP": self._reload, "SIGUSR2": self._tell_statistics}
        self._reporting = reporting_of(settings, expected, mode, reactor.seconds, service.found)
        if self._reporting is not None:
            self._observers.append(self._reporting.gatherer)
            self._reporting.fired = self._rules.fired
        self._refuses = settings.choice("on-recording-error", (RELAY, REFUSE)) == REFUSE
        self._shelf = self._make_shelf(cassette)
        self._log = Log(settings, reactor, self._reasons, service.found)
        self._observers += self._log.observers
        service.finishing.append(self._log.finish)  # it is told of what a recorder loses
        self._upstream_of = self._make_upstream(mode, self._shelf)
        self._upstream = self._upstream_of("")
        if self._shelf is not None and mode == "record":
            self._shelf.record(self._upstream.name)
        elif self._shelf is not None and mode == "diff":
            self._shelf.differ(self._upstream.name)
        self._accounting = Accounting(self.statistics, settings.path("stats"), service.found)
        service.reporting.append(self._accounting.write)
        account = self._accounting
        service.reporting.append(account.tell_idle_rules if quiet else account.show)
        if self._reporting is not None:
            self._reporting.upstream = self._upstream.name
            service.reporting.append(self._reporting.finish)
        self._tls.warn()
        service.reporting.append(self._tls.remind)

    def authority(self) -> Authority | None:
        """Return the authority that clients are to trust; None where they meet no such thing.

        Raises AuthorityError.
        """
        return self._tls.authority()

    def command_failed(self) -> None:
        """The command that this run is about has failed: no good cassette is replaced."""
        if self._shelf is not None:
            self._shelf.command_failed = True

    def raise_file_limit(self, tell: bool = True) -> None:
        """Let this process open as many files as it may; `tell` where that is not enough."""
        files_each = 1 if isinstance(self._upstream, LocalUpstream) else 2
        limit = raise_limit(files_needed(self._max_connections, files_each))
        problem = shortage(limit, self._max_connections, files_each)
        if tell and problem:
            say(f"smtpproxy: {problem}")

    def _session(self, ends: Ends, gone: Callable[[ProxySession], None]) -> ProxySession:
        number = next(self._numbers)
        reactor = self._reactor
        label, client = f"{self._run}-{number}", str(ends.source)
        name, now = self._upstream.name, reactor.seconds()
        session = Session(number, label, client, name, now, client_host=ends.source.host)
        transcript = Transcript(session, self._observers, reactor.seconds, self._privacy)
        limits = self._limits
        deputy = self._deputy()
        if deputy is not None:
            transcript.keep_secret(deputy.secret)
        relay = Relay(
            transcript,
            reactor.seconds,
            self._rules.book,
            state=session.state,
            limits=limits,
            refused=self._refused,
            introduction=Introduction(
                *(ends.source, self._protocol, self._xclient, self._tls.asks_for_tls),
                grows(self._upstream),
            ),
            tls=Encryption(self._tls.relation, self._tls.unready, is_within(self._upstream)),
            deputy=deputy,
            visit=self._rules.visit(ends.source.host, number),
            spool=spool_on_disk,
            to_cassette=self._to_cassette,
        )
        upstream = self._upstream_of(label)
        made = ProxySession(
            *(relay, upstream, reactor, gone, ends, limits, self._tls.security, self._turn)
        )
        recorder = self._shelf.recorder if self._shelf is not None else None
        if self._refuses and recorder is not None and recorder.broken:
            made.refusal = NOT_RECORDED
        return made

    def _make_shelf(self, cassette: Path | None) -> Shelf | None:
        if cassette is None:
            return None
        plain = self._tls.relation != MIRROR
        return Shelf(
            *(cassette, self._settings, self.service, self._observers, self._reactor),
            *(self._privacy, plain, self._reporting),
        )

    def _make_upstream(self, mode: str, shelf: Shelf | None) -> Callable[[str], Upstream]:
        """Return what makes the upstream of a session that has a label."""
        if mode == "replay" and shelf is not None:
            if self._settings.text("mode") == mode:
                preface_of(self._settings, "a cassette")
            return shelf.replay()
        upstream = real_upstream(self._settings, self._protocol, self._tls.security, self._reactor)
        if mode == "append" and shelf is not None:
            return shelf.append(upstream)
        return lambda label: upstream

    def _load_reasons(self) -> Reasons:
        try:
            return load_reasons(map(Path, self._settings.many("reasons")))
        except ReasonsError as error:
            raise SettingsError(str(error)) from None

    def _reload(self) -> None:
        """Read the rule files again. The log goes on in the file of its name."""
        self._log.reopen()
        if self._rules.reload():
            self.service.each(lambda session: session.relay.adopt(self._rules.book))

    def _tell_statistics(self) -> None:
        """Tell how things stand, while the run goes on."""
        self._accounting.show()
        self._accounting.write()
        if self._reporting is not None:
            self._reporting.write()


def _refused(settings: Settings) -> frozenset[str]:
    try:
        return refused_anomalies(settings.many("on-anomaly"))
    except RefusalError as error:
        raise SettingsError(f"--on-anomaly: {error}") from None


def build(
    reactor: Any,
    given: Mapping[str, tuple[str, ...]],
    defaults: Mapping[str, str] | None = None,
    quiet: bool = False,
    expected: Sequence[Expectation] = (),
) -> Proxy:
    """Return the proxy that options, environment and configuration ask for.

    What can't be used ends the process: one line on standard error, and status 2.
    """
    try:
        return Proxy(reactor, settle(given, os.environ, defaults), quiet, expected)
    except (SettingsError, DocumentError) as error:
        say(f"smtpproxy: {error}")
    except OSError as error:
        say(f"smtpproxy: {error.filename or 'a file'} can't be used: {error.strerror}")
    raise SystemExit(UNABLE)


def makeService(options: Options) -> ProxyService:
    """Return the service that twistd runs."""
    from twisted.internet import reactor

    proxy = build(reactor, options.given)
    proxy.raise_file_limit()
    service = proxy.service
    end_with(lambda: service.status)
    reactor.callWhenRunning(settle_collector)
    # Standard output is for our own records: twistd would write its log there, too.
    sys.stdout = sys.stderr
    return service
