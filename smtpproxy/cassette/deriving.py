"""Rule files made of a cassette: one for each reply in it, and each way in which it may go wrong.

Owns what is tried at which stage, and what each of it tests. A cassette's words are a stranger's:
nothing of them becomes YAML as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from smtpproxy.cassette.exporting import safe_name
from smtpproxy.cassette.model import END_OF_DATA, Cassette, Recorded
from smtpproxy.cassette.scalars import write_word
from smtpproxy.codes import STAGES
from smtpproxy.documents import DocumentError
from smtpproxy.rules.conditions import Recipient, Sender
from smtpproxy.rules.load import MAGIC, VERSION, read_rules
from smtpproxy.rules.model import ADDRESS_OF
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import is_last_chunk
from smtpproxy.smtp.path import parse_path
from smtpproxy.visible import visible_text

TRANSIENT, PERMANENT, DROP = "4xx", "5xx", "drop"
KINDS = (TRANSIENT, PERMANENT, DROP)
#: Reply points that are made use of; a cassette may hold more than anybody would try.
MOST_POINTS = 500

#: The code that is most usual at a stage, and codes by class, the most usual first.
_USUAL = {
    ("RCPT", TRANSIENT): 450,
    **dict.fromkeys((("AUTH", TRANSIENT), ("STARTTLS", TRANSIENT)), 454),
    ("CONNECT", TRANSIENT): 421,
    **dict.fromkeys((("CONNECT", PERMANENT), ("DATA", PERMANENT)), 554),
    ("AUTH", PERMANENT): 535,
}
_CODES = {TRANSIENT: (451, 450, 421, 454), PERMANENT: (550, 554, 501, 500, 502)}
#: What each of it tests, in a sentence.
_TESTS = {
    TRANSIENT: "does the client try again later, without losing or doubling anything?",
    PERMANENT: "does the client give up at once, and tell whoever has to know?",
    DROP: "does the client see that it knows nothing, and try again?",
}
_TESTS_AT = {
    ("RCPT", TRANSIENT): "does the client try this recipient again later, and only this one?",
    ("RCPT", PERMANENT): "does the client give up this recipient, and still serve the others?",
    ("MAIL", PERMANENT): "does the client give up the message, and tell whoever has to know?",
    ("STARTTLS", TRANSIENT): "does the client keep from going on in plain text?",
    ("STARTTLS", PERMANENT): "does the client keep from going on in plain text?",
    (
        "AUTH",
        PERMANENT,
    ): "does the client say that its credentials are wrong, and not try them again?",
    (END_OF_DATA, DROP): "the message is delivered, and the client can't know: is it sent twice?",
    ("QUIT", DROP): "the message is delivered: is the client content without a good-bye?",
}
#: Stages without an effect of their own, and where a refusal says nothing.
_UNTRIED = frozenset({"NOOP", "RSET", "HELP", "VRFY", "EXPN"})
_DROP_ALONE = frozenset({"QUIT"})


class Point(NamedTuple):
    """A place in a dialogue where a server answers: a stage, and the address at MAIL and RCPT."""

    stage: str
    address: str | None
    line: int

    def __str__(self) -> str:
        if self.address is None:
            return self.stage
        return f"{self.stage} {visible_text(self.address) or '<>'}"


class Derived(NamedTuple):
    """A rule file."""

    point: Point
    kind: str
    what: str  # the code, or "drop"
    name: str
    text: str


def points_of(cassette: Cassette) -> list[Point]:
    """Return each reply point once, in the order in which the dialogues come to it."""
    found: dict[tuple[str, str | None], Point] = {}
    for session in cassette.sessions:
        for one in session.dialogue:
            for stage, address in _points(one):
                found.setdefault((stage, address), Point(stage, address, one.line))
    return list(found.values())


def _points(one: Recorded) -> Iterator[tuple[str, str | None]]:
    if one.stage not in STAGES or one.stage in _UNTRIED or one.heard is None:
        return
    if one.stage in ADDRESS_OF:
        path = parse_path(parse_command(one.sent).argument)
        if path is not None:
            yield one.stage, path.address
    elif one.stage == "BDAT" and is_last_chunk(one.sent):
        yield END_OF_DATA, None
    else:
        yield one.stage, None


def derive_rules(cassette: Cassette) -> Iterator[Derived]:
    """Yield the rule files of a cassette's first reply points. Raises DocumentError."""
    for number, point in enumerate(points_of(cassette)[:MOST_POINTS], start=1):
        for kind in KINDS:
            if what := _what(point.stage, kind):
                where = "" if point.address is None else f"-{safe_name(point.address or 'null')}"
                name = f"{number:03d}-{point.stage}{where}-{kind}.yaml"
                text = _text(cassette, point, kind, what)
                _check(text, name, point)
                yield Derived(point, kind, what, name, text)


def _what(stage: str, kind: str) -> str:
    """Return the code that is tried, "drop", or "" where nothing is."""
    if kind == DROP:
        return DROP
    listed = STAGES[stage]
    first = _USUAL.get((stage, kind), 0)
    usual = [code for code in (first, *_CODES[kind]) if code in listed]
    other = [code for code in sorted(listed) if f"{code}"[0] == kind[0]]
    return "" if stage in _DROP_ALONE else str(next(iter(usual + other), ""))


def _text(cassette: Cassette, point: Point, kind: str, what: str) -> str:
    tests = _TESTS_AT.get((point.stage, kind), _TESTS[kind])
    event = "the connection ends in the place of the reply" if kind == DROP else f"{what} is said"
    lines = [
        f"# At {point}, {event}:",
        f"# {tests}",
        f"# Made of {visible_text(cassette.source)}:{point.line}.",
        f"{MAGIC}: {VERSION}",
        "rules:",
        f"- name: {write_word(f'{point} {what}')}",
        f"  {point.stage}: {_experience(point.stage, what)}",
    ]
    if point.address is not None:
        key = ADDRESS_OF[point.stage]
        lines.append(f"  when: {{{key}: {write_word(_pattern(point.address))}}}")
    return "".join(f"{line}\n" for line in lines)


def _experience(stage: str, what: str) -> str:
    lost = what == DROP and stage == END_OF_DATA
    return "{upstream: deliver, client: drop}" if lost else what


def _pattern(address: str) -> str:
    """Return the pattern that this address alone matches."""
    if address and not re.search(r"[*?]", address) and address[0] != "/":
        return address
    return f"/^{re.sub(r'([^0-9A-Za-z@_ -])', _escaped, address)}$/"


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[1]}" if found[1].isascii() else found[1]


def _check(text: str, name: str, point: Point) -> None:
    """Make sure that the rule can be read, and concerns this address. Raises DocumentError."""
    (rule,) = read_rules(text.encode(), name)
    patterns = [one.pattern for one in rule.conditions if isinstance(one, Recipient | Sender)]
    if not all(pattern.matches(point.address or "") for pattern in patterns):
        raise DocumentError(name, 0, f"has no pattern for {visible_text(point.address or '')}")
