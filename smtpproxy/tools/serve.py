"""`smtpproxy serve`: the service without twistd; and `smtpproxy config`."""

from __future__ import annotations

import os
from typing import Any

from twisted.logger import ILogObserver, LogLevel, formatEvent, globalLogBeginner
from zope.interface import provider

from smtpproxy.console import UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.net.collector import settle_collector
from smtpproxy.settings import LOG_FORMATS, MODES, SettingsError, settle
from smtpproxy.tap import Options, Proxy, build


class ServeOptions(Options):
    """The service's options, with the tool's own examples."""

    synopsis = "Usage: smtpproxy serve [options]"
    examples = (
        "  smtpproxy serve --upstream mail.example.org\n"
        "  smtpproxy serve --upstream sink: --mode record --cassette signup.yaml\n"
        "  smtpproxy serve --upstream sink: --rule 'RCPT bob@example.net: 550'\n"
    )


class ConfigOptions(Options):
    """The service's options, to be shown."""

    synopsis = "Usage: smtpproxy config [options]"
    examples = "  SMTPPROXY_UPSTREAM=mail.example.org smtpproxy config --mode record\n"


def serve(words: list[str]) -> int:
    """Serve until told to stop."""
    from twisted.internet import reactor

    options = ServeOptions()
    options.parseOptions(words)
    proxy = build(reactor, options.given)
    begin_logging(proxy)
    proxy.raise_file_limit()
    run_reactor(reactor, proxy)
    return proxy.service.status


def config(words: list[str]) -> int:
    """Print what is in force, and where it came from."""
    options = ConfigOptions()
    options.parseOptions(words)
    try:
        settings = settle(options.given, os.environ)
        settings.choice("mode", MODES)
        settings.choice("log-format", LOG_FORMATS)
        lines = settings.lines()
    except (SettingsError, DocumentError) as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    width = max(len(name) for name, _, _ in lines)
    for name, value, origin in lines:
        print(f"{name:<{width}} {value or '-':<32} {origin}")
    return 0


def begin_logging(proxy: Proxy) -> None:
    """Let a mistake of our own be one line on standard error, and show in the exit status."""

    @provider(ILogObserver)
    def observe(event: Any) -> None:
        if event.get("log_level", LogLevel.info) < LogLevel.error:
            return
        failure = event.get("log_failure")
        problem = failure.getErrorMessage() if failure else formatEvent(event)
        proxy.service.found(f"internal error: {problem}")
        if failure and os.environ.get("SMTPPROXY_DEBUG"):
            say(failure.getTraceback())

    globalLogBeginner.beginLoggingTo([observe], redirectStandardIO=False, discardBuffer=True)


def run_reactor(reactor: Any, proxy: Proxy) -> None:
    """Run the service until it ends."""
    proxy.service.startService()
    settle_collector()
    reactor.run()
