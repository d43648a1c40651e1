"""Options of a command line, whose mistakes are told in one line."""

from __future__ import annotations

import getopt
from collections.abc import Callable, Collection, Mapping, Sequence

from twisted.python import usage

from smtpproxy import __version__
from smtpproxy.console import UNABLE, say
from smtpproxy.documents import nearest
from smtpproxy.settings import FLAG, OPTIONS

_CREDENTIALS = ("--upstream-user", "--upstream-pass")
_NO_CREDENTIALS = (
    "; credentials are taken from SMTPPROXY_UPSTREAM_USER and SMTPPROXY_UPSTREAM_PASSWORD, or from "
    "--upstream-login FILE"
)


class OneLineOptions(usage.Options):
    """Options whose mistakes are told in one line, with the nearest right word."""

    synopsis = ""
    examples = ""
    anywhere = True  # options may stand behind arguments

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse, or end the process with status 2."""
        try:
            if self.anywhere:
                found, words = getopt.gnu_getopt(list(options or ()), self.shortOpt, self.longOpt)
                options = [*(word for pair in found for word in pair if word), "--", *words]
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except (usage.UsageError, getopt.GetoptError) as error:
            known = ["--" + name.rstrip("=") for name in self.longOpt]
            text = str(error)
            words = [word for word in text.split() if word.startswith("--")]
            near = nearest(words[0], known) if words and "not recognized" in text else ""
            if text.startswith("Wrong number of arguments"):
                text = f"wrong number of arguments; {self.synopsis}"
            if words and words[0].startswith(_CREDENTIALS):
                near = _NO_CREDENTIALS
            say(f"smtpproxy: {text}{near}")
            raise SystemExit(UNABLE) from None

    def getUsage(self, width: int | None = None) -> str:
        """Return the help, examples last."""
        return f"{super().getUsage(width)}\nExamples:\n{self.examples}"

    def opt_version(self) -> None:
        """show the version"""
        print(f"smtpproxy {__version__}")
        raise SystemExit(0)


class Given(OneLineOptions):
    """Options of the service, as the command line gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, tuple[str, ...]] = {}

    def take(self, name: str, value: str) -> None:
        """Take an option's value from the command line."""
        self.given[name] = (*self.given.get(name, ()), value)


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
