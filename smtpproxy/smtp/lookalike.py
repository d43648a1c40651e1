"""What is odd in mail data: bare line endings, NUL, and what some servers take for its end.

Only CRLF.CRLF ends mail data. A line of a lone dot with other line endings, or with something
invisible beside the dot, is a look-alike: a server that takes it for the end reads what follows as
commands. Works on a stream: nothing depends on where TCP cut the octets.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import NamedTuple

from smtpproxy.smtp.anomalies import (
    BARE_CR,
    BARE_LF,
    LOOK_ALIKE,
    LOOK_ALIKE_BLANK,
    LOOK_ALIKE_NUL,
    NUL,
)

#: Most invisible characters on either side of a dot that are looked through.
_MOST = 8
_INVISIBLE = rb"(?:[\0 \t\x0b]|\xe2\x80\x8b)"
# The look-behind keeps the search for a dot fast: few dots in mail have these octets before them.
_DOT = re.compile(
    rb"\.(?<=[\r\n\0 \t\x0b\x8b]\.)(?P<after>%b{0,%d})(?P<end>\r\n|\n|\r(?=[^\n]))"
    % (_INVISIBLE, _MOST),
    re.DOTALL,
)
_BEFORE = re.compile(rb"(?P<begin>\r\n|\r|\n)(?P<before>%b{0,%d})\Z" % (_INVISIBLE, _MOST))
# The beginning of what may yet become a look-alike, or the true end.
_UNDECIDED = re.compile(
    rb"\.(?<=[\r\n\0 \t\x0b\x8b]\.)%b{0,%d}(?:\xe2\x80?|\r)?\Z" % (_INVISIBLE, _MOST)
)
#: Forms of one name that are told of one message: there are more of them than memory has room for.
_MOST_FORMS = 64
#: Octets that a look-alike may take at most: they are kept, to find one that was cut.
_REACH = 2 + 3 * _MOST + 1 + 3 * _MOST + 2

_LINE_ENDS = b"\r\n"
_NAMES = {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}
_SHOWN = {b"\0": "NUL", b" ": "SP", b"\t": "TAB", b"\x0b": "VT", b"\xe2\x80\x8b": "ZWSP"}
_EACH_INVISIBLE = re.compile(_INVISIBLE)


class Found(NamedTuple):
    """An anomaly in mail data; `form` spells a look-alike out, such as "LF . LF"."""

    name: str
    form: str


_BARE = {
    Found(BARE_CR, ""): re.compile(rb"\r(?!\n)"),  # its end is where the next octet is
    Found(BARE_LF, ""): re.compile(rb"(?<!\r)(?=\n)"),
}
_decided = itemgetter(0)


class MailDataScan:
    """Looks at one message's mail data. Each name and form is found once, and 64 of a name."""

    __slots__ = ("_before", "_forms", "_found", "_looked_at", "undecided")

    def __init__(self) -> None:
        self._before = b"\r\n"  # the line of the DATA command ended in CRLF
        self._found: set[Found] = set()
        self._forms: dict[str, int] = {}  # how many of them have each name
        self._looked_at: set[bytes] = set()  # dots, with all that their names come from
        self.undecided = 0  # octets at the end that may turn out to be part of a look-alike

    def look(self, octets: bytes) -> list[Found]:
        """Return what is new in these octets, which are no more than the mail data."""
        before = self._before
        window = before + octets
        seen = self._bare(window, len(before)) + self._look_alikes(window, len(before))
        self._before = window[-_REACH:]
        undecided = _UNDECIDED.search(window, max(0, len(window) - _REACH))
        self.undecided = len(window) - undecided.start() if undecided else 0
        if not seen:
            return []
        # By the octet that decided: so their order is the same for every cut.
        found = [one for _, one in sorted(seen, key=_decided)]
        new = [one for one in dict.fromkeys(found) if one not in self._found]
        self._found.update(new)
        return new

    def _bare(self, window: bytes, seam: int) -> list[tuple[int, Found]]:
        """Return what is new of these, each with the place of the octet that decided."""
        found = []
        # Whether a CR at the very end is bare is known with the next octet: it is looked at then.
        start = seam - 1
        ends_in_cr = window.endswith(b"\r")
        octets = window[start:-1] if ends_in_cr else window[start:]
        if octets.startswith(b"\n"):
            octets = octets[1:]
            start += 1
        lines = octets.splitlines()
        endings = len(lines) - (not octets.endswith((b"\r", b"\n")) and bool(octets))
        if len(octets) - sum(map(len, lines)) != 2 * endings:
            # Some line ending is not of two octets.
            for one, form in _BARE.items():
                if one not in self._found and (bare := form.search(octets)):
                    found.append((start + bare.end(), one))
        if b"\0" in octets:
            found.append((start + octets.index(b"\0"), Found(NUL, "")))
        return found

    def _look_alikes(self, window: bytes, seam: int) -> list[tuple[int, Found]]:
        found: dict[Found, int] = {}  # and the place of the octet that decided
        for dot in _DOT.finditer(window):
            if dot.end() <= seam and not (dot["end"] == b"\r" and dot.end() == seam):
                continue  # found when it came
            at = dot.start()
            # A mail of nothing but dots is not looked at closely for each of them.
            around = window[max(0, at - 2) : dot.end()] if window[at - 1] in _LINE_ENDS else b""
            if around in self._looked_at:
                continue
            if around and len(self._looked_at) < _MOST_FORMS:
                self._looked_at.add(around)
            line = _BEFORE.search(window, max(0, at - _REACH), at)
            if line is None or (one := _named(line, dot)) is None:
                continue
            forms = self._forms.get(one.name, 0)
            if forms < _MOST_FORMS and one not in self._found and one not in found:
                self._forms[one.name] = forms + 1
                found[one] = dot.end() - (dot["end"] != b"\r")
        return [(place, one) for one, place in found.items()]


def _named(line: re.Match[bytes], dot: re.Match[bytes]) -> Found | None:
    invisible = line["before"] + dot["after"]
    ends = (line["begin"], dot["end"])
    if not invisible and ends == (b"\r\n", b"\r\n"):
        return None  # the end of mail data itself
    words = [_NAMES[ends[0]], *_words(line["before"]), ".", *_words(dot["after"]), _NAMES[ends[1]]]
    if not invisible:
        name = LOOK_ALIKE
    else:
        name = LOOK_ALIKE_BLANK if not invisible.strip(b" \t") else LOOK_ALIKE_NUL
    return Found(name, " ".join(words))


def _words(invisible: bytes) -> list[str]:
    return [_SHOWN[found] for found in _EACH_INVISIBLE.findall(invisible)]
