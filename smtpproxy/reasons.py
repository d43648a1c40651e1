"""Why a server refused: reasons, read from the words and the codes of its reply.

Owns the format of rule files, which is that of KumoMTA's bounce classifier: a table `rules` in
TOML, a list of patterns for each reason. The first pattern that matches decides; a user's files
come before the rules that ship with the proxy. Patterns are matched by RE2, in time linear in the
reply: one pass looks for the words that they need, and those are tried whose words are there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import re2

from smtpproxy.smtp.anomalies import OFTEN
from smtpproxy.smtp.facts import Reply

UNCATEGORIZED = "Uncategorized"

#: The names of KumoMTA's bounce classes. A rule file may have others: they are its own.
NAMES = (
    *("InvalidRecipient", "InactiveMailbox", "QuotaIssues", "TooManyRecipients", "RelayDenied"),
    *("BadDomain", "InvalidSender", "AuthenticationFailed", "VirusRelated"),
    *("ProhibitedAttachment", "SpamContent", "SpamBlock", "SpamRelated", "ContentRelated"),
    *("TransientFailure", "DNSFailure", "RoutingErrors", "RelayingIssues", "NoAnswerFromHost"),
    *("BadConnection", "BadConfiguration", "ProtocolErrors", "MessageExpired", "PolicyRelated"),
    *("AutoReply", "Subscribe", "Unsubscribe", "ChallengeResponse", UNCATEGORIZED),
)
#: What ships, in the order in which it is asked: a reason stands once in a file.
_SHIPPED = ("reasons.toml", "reasons-general.toml", "reasons-by-code.toml")
#: Octets of a reply that are looked at: its first lines say it.
_LONGEST = 2048


# What differs each time. None of these patterns looks ahead: a peer's word may be long.
_ADDRESS = re.compile(r"[^\s<>\"'(),;:@]+@[^\s<>\"'(),;:]+")
_IP_ADDRESS = re.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_DIGIT, _LONG_NUMBER = re.compile("[0-9]"), re.compile("[0-9]{5,}")
#: A name of a message or a host has so many characters, and a digit among them.
_SHORTEST_NAME = 8


class ReasonsError(ValueError):
    """A file of rules can't be read. One line, with the file and what was expected."""


class Reason(NamedTuple):
    """Why, and the pattern that decided, or "" where none did."""

    name: str
    rule: str


class Verdict(NamedTuple):
    """What is said of a refusal."""

    reason: Reason
    retryable: bool


# RE2 builds its tables at its first match: that is not to be in the middle of a session.
_FIRST = Reply(550, b"550 5.1.1 No such user here\r\n")
_UNKNOWN = Reason(UNCATEGORIZED, "")


class Reasons:
    """Rules in the order in which they are asked."""

    def __init__(self, rules: Iterable[Reason], retry: Iterable[Reason] = ()) -> None:
        """`retry`: patterns of refusals that a later try does (`yes`) or does not (`no`) help."""
        self.rules = list(rules)
        self.retry = list(retry)
        self._set = _compiled(self.rules)
        self._retrying = _compiled(self.retry)
        self._remembered = lru_cache(maxsize=1024)(self._judge)
        self.judge(_FIRST)

    def judge(self, reply: Reply) -> Verdict:
        """Return why a server refused, and whether the same message may be taken later.

        That is, with nothing changed by its sender.
        """
        text = without_names(one_line(reply))
        return (self._remembered if len(text) <= OFTEN else self._judge)(reply.code, text)

    def reason(self, reply: Reply) -> Reason:
        """Return why a server refused."""
        return self.judge(reply).reason

    def _judge(self, code: int, text: str) -> Verdict:
        reason = _first(self.rules, self._set, text) or _UNKNOWN
        found = _first(self.retry, self._retrying, f"{reason.name}: {text}")
        return Verdict(reason, found.name == "yes" if found else code // 100 == 4)


def without_names(text: str) -> str:
    """Return a reply without what differs each time: addresses, and names of messages and hosts.

    So what is said to many recipients is one thing to the rules. KumoMTA does the same.
    """
    return " ".join(map(_general if len(text) <= OFTEN else _make_general, text.split(" ")))


def _make_general(word: str) -> str:
    for pattern, general in ((_ADDRESS, "x@x"), (_IP_ADDRESS, "0.0.0.0")):
        made, found = pattern.subn(general, word)
        if found:
            return made
    return _NAME.sub(_unless_a_word, word)


def _unless_a_word(found: re.Match[str]) -> str:
    name = found[0].rstrip(".-")
    if len(name) >= _SHORTEST_NAME and _DIGIT.search(name):
        return f"x0{found[0][len(name) :]}"
    return _LONG_NUMBER.sub("x0", found[0])


_general = lru_cache(maxsize=4096)(_make_general)


def one_line(reply: Reply) -> str:
    """Return a reply as rules see it: code, enhanced status code and text, lines apart by blanks.

    What each line repeats of its codes is left out.
    """
    if reply.wire.count(b"\n") == 1:
        return reply.wire[:_LONGEST].decode("utf-8", "replace").strip()  # most are just that
    enhanced = reply.enhanced
    lines = reply.wire[:_LONGEST].decode("utf-8", "replace").split("\n")
    texts = [line.strip()[4:].removeprefix(enhanced).strip() for line in lines]
    return " ".join(filter(None, (f"{reply.code:03d}", enhanced, *texts)))


def read_rules(text: str, source: str) -> list[Reason]:
    """Return the rules in a TOML text; `source` names it in errors. Raises ReasonsError."""
    try:
        found = tomllib.loads(text).get("rules")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReasonsError(f"{source}: is not TOML: {error}") from None
    if not isinstance(found, dict):
        raise ReasonsError(f"{source}: expected a table [rules]")
    rules = []
    for name, patterns in found.items():
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            raise ReasonsError(f"{source}: {name}: expected a list of patterns")
        for pattern in patterns:
            _check(pattern, f"{source}: {name}")
            rules.append(Reason(name, pattern))
    return rules


def load_reasons(paths: Iterable[Path] = ()) -> Reasons:
    """Return the rules of these files, and behind them those that ship. Raises ReasonsError."""
    given = [rule for path in paths for rule in read_rules(_text_of(path), str(path))]
    shipped, retry = _shipped()
    return Reasons([*given, *shipped], retry)


@cache
def built_in() -> Reasons:
    """Return the rules that ship with the proxy."""
    return load_reasons()


def _shipped() -> tuple[list[Reason], list[Reason]]:
    return [rule for name in _SHIPPED for rule in _read_shipped(name)], _read_shipped("retry.toml")


def _read_shipped(name: str) -> list[Reason]:
    return read_rules((files("smtpproxy") / name).read_text("utf-8"), name)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ReasonsError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ReasonsError(f"{path}: is not UTF-8") from None


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _check(pattern: str, where: str) -> None:
    if not pattern:
        raise ReasonsError(f"{where}: an empty pattern would match every reply")
    try:
        re2.compile(pattern, _options())
    except re2.error as error:
        told = error.args[0] if error.args else error
        words = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise ReasonsError(f"{where}: the pattern {pattern!r} can't be read: {words}") from None


def _compiled(rules: list[Reason]) -> Any:
    if not rules:
        return None
    found = re2.Filter()
    for rule in rules:
        found.Add(rule.rule, _options())
    found.Compile()
    return found


def _first(rules: list[Reason], compiled: Any, text: str) -> Reason | None:
    matches = compiled.Match(text) if compiled is not None else None
    return rules[min(matches)] if matches else None
