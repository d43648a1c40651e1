"""What both forms of the log show alike: times, the text of replies, and facts about TLS."""

from __future__ import annotations

import time
from functools import lru_cache

from smtpproxy.smtp.anomalies import OFTEN
from smtpproxy.smtp.facts import Reply
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.visible import visible, visible_text

#: Characters of each text about TLS that are shown: peers choose most of them.
_MOST_OF_TLS = 256


class Timestamps:
    """RFC 3339 in UTC with milliseconds; the seconds are formatted once each."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, moment: float) -> str:
        second = int(moment)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((moment - second) * 1000):03d}Z"


def tls_of(facts: TlsFacts) -> dict[str, str]:
    """Return what there is to tell of a leg's TLS, by name, fit to be shown."""
    return {
        name: visible_text(text[:_MOST_OF_TLS]) for name, text in facts._asdict().items() if text
    }


def tls_words(facts: TlsFacts) -> str:
    """Return a leg's TLS in words; what a peer chose can't be taken for another word."""
    told = tls_of(facts)
    named = (f"{name}={told[name]}" for name in ("sni", "alpn") if name in told)
    words = (word.replace(" ", r"\x20") for word in (told.get("version", ""), *named))
    version, *others = words
    return " ".join(filter(None, (version, told.get("cipher"), *others, told.get("subject"))))


def text_of(reply: Reply) -> str:
    """Return a reply's text, its lines apart by LF, without codes."""
    return (_remembered if len(reply.wire) <= OFTEN else _read)(reply)


def _read(reply: Reply) -> str:
    lines = [visible(line) for line in reply.lines]
    if enhanced := reply.enhanced:
        lines = [line.removeprefix(enhanced).strip() for line in lines]
    return "\n".join(lines)


_remembered = lru_cache(maxsize=1024)(_read)
