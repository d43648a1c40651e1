"""Options and makeService: the one place where everything is put together."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.endpoints import serverFromString

from smtpproxy.alarm import Alarm
from smtpproxy.console import UNABLE, on_terminal, say
from smtpproxy.documents import DocumentError
from smtpproxy.encryption import MIRROR, TERMINATE, Encryption
from smtpproxy.introduction import Introduction
from smtpproxy.log import JsonLog, TextLog
from smtpproxy.net.authority import Authority
from smtpproxy.net.collector import settle_collector
from smtpproxy.net.endpoints import (
    PLAIN,
    SECURE,
    SINK,
    WhereError,
    is_loopback,
    listen_endpoint,
    upstream_endpoint,
)
from smtpproxy.net.filelimit import files_needed, raise_limit, shortage
from smtpproxy.net.linelog import LineLog
from smtpproxy.net.local import AppendingUpstream, LocalUpstream
from smtpproxy.net.logfile import RotationError, open_log
from smtpproxy.net.newfile import write_text
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.proxyprotocol import VERSIONS
from smtpproxy.net.reporting import Reporting
from smtpproxy.net.secureplaces import plain_place
from smtpproxy.net.securing import deputy_for, relation_between, security_of
from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import ProxySession, Upstream
from smtpproxy.net.shelf import Shelf
from smtpproxy.net.signals import end_with
from smtpproxy.net.turn import Turn
from smtpproxy.net.upstream import EndpointUpstream, Preface, TcpUpstream, client_endpoint
from smtpproxy.options import OneLineOptions
from smtpproxy.place import Ends
from smtpproxy.private.redactionrules import load_privacy
from smtpproxy.reasons import Reasons, ReasonsError, load_reasons
from smtpproxy.refusals import (
    NOT_RECORDED,
    REFUSE,
    RELAY,
    RefusalError,
    refused_anomalies,
)
from smtpproxy.relay import Relay
from smtpproxy.reports.expectations import Expectation
from smtpproxy.rules.load import load_rules, parse_rule
from smtpproxy.rules.model import RuleBook, rule_book
from smtpproxy.settings import (
    FLAG,
    LOG_FORMATS,
    MODES,
    OPTIONS,
    Settings,
    SettingsError,
    settle,
)
from smtpproxy.sink import Sink
from smtpproxy.smtp.protocols import PROTOCOLS
from smtpproxy.statistics import Statistics
from smtpproxy.summary import coloured, plain
from smtpproxy.transcript import Observer, Session, Transcript

_INSECURE = "--upstream-insecure: upstream's certificate"
_HEADER = "upstream-proxy-protocol"
#: What Twisted raises where it can't read an endpoint string.
MISREAD = (ValueError, TypeError, KeyError, ImportError, OSError)


class Given(OneLineOptions):
    """Options of the service, as the command line gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, tuple[str, ...]] = {}

    def take(self, name: str, value: str) -> None:
        """Take an option's value from the command line."""
        self.given[name] = (*self.given.get(name, ()), value)


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


def _switch(name: str) -> Callable[[Given], None]:
    def switch(self: Given) -> None:
        self.take(name, "true")

    return switch


def _taker(name: str) -> Callable[[Given, str], None]:
    def take(self: Given, value: str) -> None:
        self.take(name, value)

    return take


def offer(
    options: type[Given], defaults: Mapping[str, str], only: Collection[str] | None = None
) -> None:
    """Give a class a method for each option, whose docstring is the help, as Twisted wants it.

    `only`: these options, and not all.
    """
    for option in OPTIONS:
        if only is not None and option.name not in only:
            continue
        default = defaults.get(option.name, option.default)
        method = (_switch if option.kind == FLAG else _taker)(option.name)
        method.__doc__ = option.help + (f" [default: {default}]" if default else "")
        setattr(options, f"opt_{option.name.replace('-', '_')}", method)


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
        self.statistics = Statistics(self._reasons)
        self._observers += [self.statistics, Alarm()]
        mode = settings.choice("mode", MODES)
        self._protocol = PROTOCOLS[settings.choice("protocol", PROTOCOLS)]
        listen = [self._listen_endpoint(where) for where in settings.many("listen")]
        self._limits = settings.limits()
        self._refused = _refused(settings)
        self._xclient = settings.flag("xclient")
        drain, self._max_connections = settings.seconds("drain"), settings.count("max-connections")
        self._rules = self._load_rules()
        self._reopen_log: Callable[[], None] = lambda: None
        cassette = self._cassette_path(mode)
        if mode == "once":
            mode = "replay" if cassette is not None and cassette.exists() else "record"
        if mode == "diff" and cassette is not None and not cassette.exists():
            raise SettingsError(f"--mode {mode} needs a cassette to compare with: {cassette}")
        ready = settings.path("ready-file")
        where = "" if mode == "replay" else settings.text("upstream")
        self._relation, self._asks_for_tls = relation_between(settings, where, self._protocol)
        self._security = security_of(settings, listen, where, self._protocol)
        self._deputy = deputy_for(settings, where, self._protocol, os.environ)
        if mode == "append" and self._deputy() is not None:
            raise SettingsError(
                "--upstream-login: not in --mode append, where upstream is told what the client "
                "has said; expected one that logs in itself"
            )
        if self._relation == TERMINATE and (why := self._security.unready()):
            raise SettingsError(f"--tls {self._relation}: {why}")
        secure = any(place.startswith(SECURE) for place in listen)
        # Who has TLS from the first octet on can't ask for upstream's.
        at_once = self._asks_for_tls or (secure and self._relation == MIRROR)
        if at_once and (why := self._security.unverifiable()):
            raise SettingsError(f"--tls {self._relation}: {why}")
        # May there be TLS with clients?
        follows = self._relation == TERMINATE or (self._relation == MIRROR and where != SINK)
        self._secure = follows or secure
        self.service = ProxyService(
            *(reactor, listen, self._session, drain, ready, self._max_connections),
            begin_tls=self._security.server,
            handshake_seconds=self._limits.handshake_timeout,
        )
        self.service.signals = {"SIGHUP": self._reload, "SIGUSR2": self._tell_statistics}
        self._reporting = self._make_reporting(mode, expected)
        self._refuses = settings.choice("on-recording-error", (RELAY, REFUSE)) == REFUSE
        self._shelf = self._make_shelf(cassette)
        self._make_log(settings.text("log"))  # which is told of what a recorder loses
        self._upstream_of = self._make_upstream(mode, self._shelf)
        self._upstream = self._upstream_of("")
        if self._shelf is not None and mode == "record":
            self._shelf.record(self._upstream.name)
        elif self._shelf is not None and mode == "diff":
            self._shelf.differ(self._upstream.name)
        self.service.reporting.append(self._write_statistics)
        if not quiet:
            self.service.reporting.append(self._print_statistics)
        if self._reporting is not None:
            self._reporting.upstream = self._upstream.name
            self.service.reporting.append(self._reporting.finish)
        if self._security.insecure:
            say(f"smtpproxy: {_INSECURE} is not verified: whoever poses as upstream is believed")
            self.service.reporting.append(
                lambda: say(f"smtpproxy: {_INSECURE} was not verified in this run")
            )

    def authority(self) -> Authority | None:
        """Return the authority that clients are to trust; None where they meet no such thing.

        Raises AuthorityError.
        """
        return self._security.authority() if self._secure else None

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
        session = Session(
            number,
            label,
            client,
            self._upstream.name,
            reactor.seconds(),
            client_host=ends.source.host,
        )
        transcript = Transcript(session, self._observers, reactor.seconds, self._privacy)
        limits = self._limits
        deputy = self._deputy()
        if deputy is not None:
            transcript.keep_secret(deputy.secret)
        relay = Relay(
            transcript,
            reactor.seconds,
            self._rules,
            state=session.state,
            limits=limits,
            refused=self._refused,
            introduction=Introduction(
                ends.source, self._protocol, self._xclient, self._asks_for_tls, self._grows
            ),
            tls=Encryption(self._relation, self._unready, self._within),
            deputy=deputy,
        )
        upstream = self._upstream_of(label)
        made = ProxySession(
            *(relay, upstream, reactor, gone, ends, limits, self._security, self._turn)
        )
        recorder = self._shelf.recorder if self._shelf is not None else None
        if self._refuses and recorder is not None and recorder.broken:
            made.refusal = NOT_RECORDED
        return made

    def _unready(self) -> str:
        """Return whose leg can't have TLS, and why, where a client asks for it, or ""."""
        if why := self._security.unready():
            return f"client: {why}"
        why = self._security.unverifiable() if self._relation == MIRROR else ""
        return f"upstream: {why}" if why else ""

    def _listen_endpoint(self, where: str) -> str:
        try:
            endpoint = listen_endpoint(where)
            serverFromString(self._reactor, endpoint.removeprefix(SECURE))
        except WhereError as error:
            raise SettingsError(f"--listen: {error}") from None
        except MISREAD as error:
            raise SettingsError(f"--listen {where} is no endpoint string: {error}") from None
        if not is_loopback(endpoint) and not self._settings.flag("allow-remote"):
            raise SettingsError(
                f"--listen {where}: others could relay mail through this proxy; listen on "
                "127.0.0.1, or say --allow-remote if that is meant"
            )
        return endpoint

    def _cassette_path(self, mode: str) -> Path | None:
        cassette = self._settings.path("cassette")
        if cassette is None and mode != "relay":
            raise SettingsError(f"--mode {mode} needs --cassette FILE")
        if cassette is not None and mode == "relay":
            raise SettingsError("--cassette needs --mode record, replay, once, append or diff")
        return cassette

    @property
    def _within(self) -> bool:
        """Is upstream in this process?"""
        upstream = self._upstream
        growing = isinstance(upstream, AppendingUpstream) and upstream.within
        return growing or isinstance(upstream, LocalUpstream)

    @property
    def _grows(self) -> bool:
        """Is it a cassette that upstream is asked behind?"""
        return isinstance(self._upstream, AppendingUpstream)

    def _make_shelf(self, cassette: Path | None) -> Shelf | None:
        if cassette is None:
            return None
        plain = self._relation != MIRROR
        return Shelf(
            *(cassette, self._settings, self.service, self._observers, self._reactor),
            *(self._privacy, plain, self._reporting),
        )

    def _make_upstream(self, mode: str, shelf: Shelf | None) -> Callable[[str], Upstream]:
        """Return what makes the upstream of a session that has a label."""
        if mode == "replay" and shelf is not None:
            if self._settings.text("mode") == mode:
                self._preface("a cassette")
            return shelf.replay()
        upstream = self._real_upstream()
        if mode == "append" and shelf is not None:
            return shelf.append(upstream)
        return lambda label: upstream

    def _real_upstream(self) -> Upstream:
        where = self._settings.text("upstream")
        if not where:
            asked = self._settings.text("mode")
            why = " (there is no such cassette yet)" if asked == "once" else ""
            raise SettingsError(
                f"--mode {asked} needs --upstream WHERE{why}; sink: accepts everything"
            )
        try:
            endpoint = upstream_endpoint(where, self._protocol)
            preface = self._preface(endpoint)
            if endpoint == SINK:
                taken = itertools.count(1)
                return LocalUpstream(SINK, lambda: Sink(lambda: next(taken), self._protocol))
            seconds = self._connect_timeout()
            if place := plain_place(endpoint):
                return TcpUpstream(endpoint, self._reactor, place, seconds, preface)
            connecting = client_endpoint(self._reactor, endpoint, seconds, self._security.client)
            return EndpointUpstream(endpoint, connecting, preface)
        except SettingsError:
            raise  # it is a ValueError, too, and says which option is wrong
        except WhereError as error:
            raise SettingsError(f"--upstream: {error}") from None
        except TlsFileError as error:
            raise SettingsError(f"--upstream-ca: {error}") from None
        except MISREAD as error:
            raise SettingsError(f"--upstream {where} is no endpoint string: {error}") from None

    def _connect_timeout(self) -> float:
        seconds = self._settings.seconds("connect-timeout")
        if not seconds:
            raise SettingsError("--connect-timeout: expected more than 0 seconds")
        return seconds

    def _preface(self, upstream: str) -> Preface | None:
        """Return what makes the PROXY header that a kind of upstream is sent, if it is to be."""
        if not self._settings.text(_HEADER):
            return None
        version = self._settings.choice(_HEADER, VERSIONS)
        if upstream.partition(":")[0] not in PLAIN:
            raise SettingsError(
                f"--{_HEADER}: only a plain upstream (tcp: or unix:) can be sent a PROXY header, "
                f"not {upstream}"
            )
        return VERSIONS[version]

    def _make_reporting(self, mode: str, expected: Sequence[Expectation]) -> Reporting | None:
        path = self._settings.path("report")
        if path is None and not expected:
            return None
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise SettingsError(f"--report {path}: expected a file in a folder that is there")
        if path == Path("-"):
            raise SettingsError("--report -: expected a file; the report is not for a stream")
        found, seconds = self.service.found, self._reactor.seconds
        reporting = Reporting(path, expected, mode, seconds, found)
        self._observers.append(reporting.gatherer)
        return reporting

    def _make_log(self, where: str) -> None:
        form = self._settings.choice("log-format", LOG_FORMATS)
        if where == "none":
            return
        settings = self._settings
        try:
            file = open_log(where, settings.text("log-rotate"), settings.count("log-keep"))
        except RotationError as error:
            raise SettingsError(f"--log-rotate: {error}") from None
        lines = LineLog(file, self._reactor)
        clock = self._reactor.seconds if settings.flag("log-mail-data") else None
        self._observers.append(
            JsonLog(lines.write, self._reasons, clock)
            if form == "json"
            else TextLog(lines.write, file.isatty(), self._reasons, clock)
        )
        self._reopen_log = lines.reopen

        def finish() -> None:
            lines.close()
            if lines.error:
                self.service.found(lines.error)

        self.service.finishing.append(finish)

    def _load_rules(self) -> RuleBook:
        rules = [rule for path in self._settings.many("rules") for rule in load_rules(Path(path))]
        return rule_book(rules + [parse_rule(text) for text in self._settings.many("rule")])

    def _load_reasons(self) -> Reasons:
        try:
            return load_reasons(map(Path, self._settings.many("reasons")))
        except ReasonsError as error:
            raise SettingsError(str(error)) from None

    def _reload(self) -> None:
        """Read the rule files again: all or nothing. The log goes on in the file of its name."""
        self._reopen_log()
        try:
            self._rules = self._load_rules()
            say(f"smtpproxy: {self._rules.total} rules are in force now")
        except (DocumentError, SettingsError) as error:
            say(f"smtpproxy: the old rules stay in force: {error}")

    def _print_statistics(self) -> None:
        report = self.statistics.report()
        say(coloured(report) if on_terminal() else plain(report))

    def _tell_statistics(self) -> None:
        """Tell how things stand, while the run goes on."""
        self._print_statistics()
        self._write_statistics()
        if self._reporting is not None:
            self._reporting.write()

    def _write_statistics(self) -> None:
        path = self._settings.path("stats")
        if path is not None:
            encoded = msgspec.json.format(msgspec.json.encode(self.statistics.report())).decode()
            try:
                write_text(path, f"{encoded}\n")
            except OSError as error:
                self.service.found(f"can't write {path}: {error.strerror}")


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
