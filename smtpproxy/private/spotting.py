"""Addresses, host names and IP addresses in free text: found, and renamed.

Owns what looks like one. A text comes from a peer and may be anything: it is searched by RE2, in
time linear in its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Final

import re2

from smtpproxy.auth.echoes import PLACEHOLDER
from smtpproxy.private.pseudonyms import Pseudonyms

_ATEXT = r"A-Za-z0-9\x80-\xff!#$%&'*+/=?^_`{|}~.\-"  # RFC 5321 §4.1.2 and RFC 6531 §3.3
_LABEL = r"A-Za-z0-9\x80-\xff_\-"
# What was a password, too, is hidden by now.
_HIDDEN = re2.escape(PLACEHOLDER.decode())
_ATOMS = rf"(?:[{_ATEXT}]|{_HIDDEN})+"
# Without its bound, each of many quotation marks would cost a look at all that follows.
_QUOTED = r'"(?:[^"\\\r\n]|\\[^\r\n]){0,300}"'


def latin_1(source: str, case_sensitive: bool = True) -> Any:
    """Return a pattern for octets. Raises re2.error."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = case_sensitive
    options.log_errors = False
    return re2.compile(source.encode("latin-1", "backslashreplace"), options)


@cache
def _looks() -> Any:
    """Return what all that is looked for looks like; it takes a while to make."""
    return latin_1(
        rf"((?:{_QUOTED}|{_ATOMS})?)@(\[[^\]\s]{{0,300}}\]|[{_LABEL}](?:[{_LABEL}.]|{_HIDDEN})*)"
        r"|(\[[0-9A-Za-z:.]+\])"
        r"|([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.[0-9]{1,3}){0,3})"
        rf"|([{_LABEL}]+(?:\.[{_LABEL}]+)+)"
    )


@cache
def _in_header() -> Any:
    """Return what stands in a header beside addresses, too: names of people, and comments."""
    return latin_1(
        rf"((?:{_QUOTED}|[{_ATEXT}]+)@(?:\[[^\]\s]{{0,300}}\]|[{_LABEL}][{_LABEL}.]*))"
        rf"|{_QUOTED}|\([^()]{{0,300}}\)"
    )


NO_WORDS: Final[Mapping[bytes, bytes]] = MappingProxyType({})
_LAST_LABEL = re.compile(rb"(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]+|[A-Za-z0-9-]*[\x80-\xff].*)")
_WORD = re.compile(rf"[{_ATEXT}]+".encode("latin-1", "backslashreplace"))
_MARKS = b".'`*,!?"


def addresses_in(octets: bytes) -> list[bytes]:
    """Return the addresses in a field such as To, without what stands beside them."""
    return [found[1] for found in _in_header().finditer(octets) if found[1]]


class Spotter:
    """Renames what is in a text; `words`, in lower case, are names where they stand alone."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self.names = pseudonyms

    def renamed(self, octets: bytes, words: Mapping[bytes, bytes] = NO_WORDS) -> bytes:
        """Return a text with pseudonyms for all that looks like an address or a host."""
        if b"@" in octets or b"." in octets or b":" in octets:
            octets = _looks().sub(lambda found: self._one(found, words), octets)
        return self._without_words(octets, words) if words else octets

    def _one(self, found: Any, words: Mapping[bytes, bytes]) -> bytes:
        whole: bytes = found[0]
        if found[2]:
            return self._address(found[1] or b"", found[2], words)
        if found[3]:
            return self._literal(whole)
        if found[4]:
            return self.names.ip(whole.decode("ascii")).encode()
        return self._host(whole)

    def _address(self, local: bytes, domain: bytes, words: Mapping[bytes, bytes]) -> bytes:
        name = domain.rstrip(b".-") if domain[:1] != b"[" else domain
        before = _before(local, words)
        renamed = self.names.mailbox(local[len(before) :] + b"@" + (name or domain))
        return before + renamed + domain[len(name or domain) :]

    def _literal(self, octets: bytes) -> bytes:
        bare = octets[1:-1]
        bare = bare[5:] if bare[:5].upper() == b"IPV6:" else bare
        if _is_ip(bare):
            return self.names.domain(octets)
        return b"[" + self.renamed(octets[1:-1]) + b"]"

    def _host(self, octets: bytes) -> bytes:
        if _is_ip(octets):
            return self.names.ip(octets.decode("ascii")).encode()
        last = octets.rpartition(b".")[2].rstrip(b"-_")
        return self.names.domain(octets) if _LAST_LABEL.fullmatch(last) else octets

    def _without_words(self, octets: bytes, words: Mapping[bytes, bytes]) -> bytes:
        def rename(found: re.Match[bytes]) -> bytes:
            word = found[0]
            if (renamed := words.get(word.lower())) is not None:
                return renamed
            bare = word.strip(_MARKS)
            renamed = words.get(bare.lower())
            return word if renamed is None else word.replace(bare, renamed)

        return _WORD.sub(rename, octets)


def _before(local: bytes, words: Mapping[bytes, bytes]) -> bytes:
    """Return what stands before a local part and is none of it, such as a quotation mark."""
    if not local or local[:1] == b'"' or local.lower() in words:
        return b""
    for bare in (local.lstrip(_MARKS), local.rpartition(b"=")[2]):
        if bare and bare.lower() in words:
            return local[: len(local) - len(bare)]
    return local[: len(local) - len(local.lstrip(b"'`"))]


def _is_ip(octets: bytes) -> bool:
    try:
        ip_address(octets.decode("ascii"))
    except ValueError:
        return False
    return True
