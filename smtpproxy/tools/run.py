"""`smtpproxy run … -- COMMAND`: the proxy around one command."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Mapping
from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from smtpproxy.console import UNABLE, say
from smtpproxy.net.authority import AuthorityError
from smtpproxy.net.bundle import trusting
from smtpproxy.net.credentials import VARIABLES
from smtpproxy.options import offer
from smtpproxy.reports.expectations import Expectation
from smtpproxy.tap import Options, Proxy, build
from smtpproxy.tools.expecting import ExpectationError, read_expectation
from smtpproxy.tools.serve import begin_logging, run_reactor

#: Standard output belongs to the command, and nobody else needs to know the port.
DEFAULTS = {"listen": "0", "log": "none"}
_SIGNALLED = 128  # as shells tell a process that a signal ended


class RunOptions(Options):
    """The service's options, and what the command is told."""

    anywhere = False  # the command has options of its own
    synopsis = "Usage: smtpproxy run [options] -- COMMAND [ARGUMENT...]"
    examples = (
        "  smtpproxy run --upstream sink: --mode record --cassette signup.yaml -- pytest\n"
        "  smtpproxy run --mode replay --cassette signup.yaml \\\n"
        "      --set EMAIL_HOST={host} --set EMAIL_PORT={port} -- ./manage.py test\n"
        "  smtpproxy run --upstream sink: --expect messages=1 -- ./manage.py sendtestemail\n"
    )
    longdesc = (
        "The command finds the proxy in SMTPPROXY_HOST and SMTPPROXY_PORT, and trusts it by "
        "SSL_CERT_FILE and NODE_EXTRA_CA_CERTS unless they are set. The exit status is its "
        "own if that is not 0, else the proxy's: 1 where something was found, such as a miss, or "
        "was not as --expect has it: messages=N, refused=N, sessions=N, misses=N, "
        "recipient=ADDRESS, sender=ADDRESS, subject=TEXT, with * for anything."
    )

    def __init__(self) -> None:
        super().__init__()
        self.variables: list[tuple[str, str]] = []
        self.expected: list[Expectation] = []
        self.command: list[str] = []

    def opt_set(self, value: str) -> None:
        """NAME=VALUE for the command's environment; {host} and {port} are filled in"""
        name, equals, text = value.partition("=")
        if not equals or not name:
            say(f"smtpproxy: --set: expected NAME=VALUE, got {value!r}")
            raise SystemExit(UNABLE)
        self.variables.append((name, text))

    def opt_expect(self, value: str) -> None:
        """what the run is held to, repeatable: messages=1, recipient=*@example.net, …"""
        try:
            self.expected.append(read_expectation(value))
        except ExpectationError as error:
            say(f"smtpproxy: --expect: {error}")
            raise SystemExit(UNABLE) from None

    def parseArgs(self, *command: str) -> None:
        """Take the command."""
        self.command = list(command)


offer(RunOptions, DEFAULTS)


def run(words: list[str]) -> int:
    """Serve while a command runs."""
    from twisted.internet import reactor

    options = RunOptions()
    options.parseOptions(words)
    program = shutil.which(options.command[0]) if options.command else None
    if program is None:
        say(
            f"smtpproxy: no such command: {options.command[0]}"
            if options.command
            else "smtpproxy: expected -- and a command"
        )
        return UNABLE
    proxy = build(reactor, options.given, DEFAULTS, quiet=True, expected=options.expected)
    begin_logging(proxy)
    child = _Child(proxy)
    proxy.service.signals |= {"SIGTERM": child.terminate, "SIGINT": child.interrupt}

    def begin(places: list[str]) -> None:
        host, _, port = places[0].rpartition(":")
        host = host.strip("[]")
        environment = os.environ | {"SMTPPROXY_HOST": host, "SMTPPROXY_PORT": port}
        for name in VARIABLES:
            environment.pop(name, None)  # the proxy's own, and not the command's
        for name, text in options.variables:
            environment[name] = text.replace("{host}", host).replace("{port}", port)
        environment |= _trust(proxy, environment, [name for name, _ in options.variables])
        spawn: Any = reactor
        spawn.spawnProcess(
            child, program, options.command, environment, childFDs={0: 0, 1: 1, 2: 2}
        )
        # Not before: the command is to have the limits that its user gave it.
        proxy.raise_file_limit(tell=False)  # nobody runs so many clients in one command

    def can_not(failure: Failure) -> None:
        reason = getattr(failure.value, "strerror", None) or failure.getErrorMessage()
        say(f"smtpproxy: {options.command[0]} can't be run: {reason}")
        child.status = UNABLE
        proxy.service.end()

    proxy.service.listening.addCallback(begin).addErrback(can_not)
    run_reactor(reactor, proxy)
    return child.status or proxy.service.status


def _trust(proxy: Proxy, environment: Mapping[str, str], chosen: Collection[str]) -> dict[str, str]:
    """Return variables by which the command trusts the proxy, if it has to."""
    try:
        authority = proxy.authority()
    except AuthorityError as error:
        say(f"smtpproxy: the command can't be told to trust the proxy: {error}")
        return {}
    if authority is None:
        return {}
    lacking, problems = trusting(authority, environment, chosen)
    for problem in problems:
        say(f"smtpproxy: {problem}")
    return lacking


class _Child(ProcessProtocol):
    """The command. The proxy ends when it does."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.status = 0

    def processEnded(self, reason: Failure) -> None:
        """Keep its status, and end."""
        ended = reason.value
        if not isinstance(ended, ProcessDone):
            signalled = getattr(ended, "signal", None)
            self.status = _SIGNALLED + signalled if signalled else getattr(ended, "exitCode", 1)
        if self.status:
            self._proxy.command_failed()
        self._proxy.service.end()

    def terminate(self) -> None:
        """Let the command end first."""
        self._signal("TERM")

    def interrupt(self) -> None:
        """A terminal has told the command already."""
        if sys.stdin is None or not sys.stdin.isatty():
            self._signal("INT")

    def _signal(self, name: str) -> None:
        try:
            if self.transport is not None:
                self.transport.signalProcess(name)
                return
        except ProcessExitedAlready:
            pass
        self._proxy.service.end()
