"""Names in the place of names: the same address always gets the same one, in every recording.

Owns how a local part, a domain and an IP address are renamed, and which of them say nothing and
stay. Every pseudonym stays when it is renamed again. Knows nothing of where they stand.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network

_LOCAL_PART = re.compile(rb"user-[a-z2-7]{10}")
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
#: RFC 2606 and RFC 6761: nobody's names. Pseudonyms of domains are among them.
_NOBODYS = re.compile(
    rb"(?:[^@]*\.)?(?:example|test|invalid|localhost|localdomain|example\.(?:com|net|org))", re.I
)
#: RFC 5737 and RFC 3849, for documentation.
_DOCUMENTED = tuple(
    map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)
_MOST_REMEMBERED = 8192


class Pseudonyms:
    """The pseudonyms under one key; `kept` tells whether an address or a domain stays as it is."""

    def __init__(self, key: str = "", kept: Iterable[Callable[[str], bool]] = ()) -> None:
        self._key = hashlib.sha256(b"smtpproxy pseudonyms\0" + key.encode()).digest()
        self._kept = tuple(kept)
        self._known: dict[tuple[str, bytes], bytes] = {}

    def local_part(self, octets: bytes) -> bytes:
        """Rename a local part: its case counts (RFC 5321 §2.4), its quotes do not (§4.1.2)."""
        bare = _unquoted(octets)
        if bare.lower() == b"postmaster" or _LOCAL_PART.fullmatch(bare) or not bare:
            return octets
        return b"user-" + self._digest("local part", bare)

    def domain(self, octets: bytes) -> bytes:
        """Rename a domain, or an address literal; case and a dot at the end do not count."""
        if octets[:1] == b"[" and octets[-1:] == b"]":
            return self._literal(octets)
        folded = _folded(octets)
        if not folded or _NOBODYS.fullmatch(folded) or self._stays(folded):
            return octets
        return b"host-" + self._digest("domain", folded) + b".example"

    def mailbox(self, octets: bytes) -> bytes:
        """Rename an address, with or without a domain; the null reverse-path stays."""
        local, at, domain = octets.rpartition(b"@")
        if not at or (domain[-1:] == b'"' and local[:1] == b'"'):
            return octets if self._stays(octets) else self.local_part(octets)
        folded = _folded(domain)
        if _NOBODYS.fullmatch(folded) or self._stays(local + b"@" + folded):
            return octets
        return (self.local_part(local) + b"@" if local else b"@") + self.domain(domain)

    def ip(self, text: str) -> str:
        """Rename an IP address; what is none, or says nothing, stays."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return text
        documented = any(address in network for network in _DOCUMENTED)
        if address.is_loopback or address.is_unspecified or documented:
            return text
        if self._stays(text.encode()):
            return text
        number = self._digest_of("IP address", address.packed)[:12]
        return str(IPv6Address(b"\x20\x01\x0d\xb8" + number))

    def _literal(self, octets: bytes) -> bytes:
        inner = octets[1:-1].decode("utf-8", "backslashreplace")
        bare = inner[5:] if inner[:5].upper() == "IPV6:" else inner
        renamed = self.ip(bare)
        try:
            ip_address(renamed.partition("%")[0])
        except ValueError:  # a literal of another kind, or none
            return self.domain(octets[1:-1].strip(b"[]") or b"?")
        return octets if renamed == bare else f"[IPv6:{renamed}]".encode()

    def _stays(self, folded: bytes) -> bool:
        text = folded.decode("utf-8", "backslashreplace")
        return any(kept(text) for kept in self._kept)

    def _digest(self, kind: str, octets: bytes) -> bytes:
        found = self._known.get((kind, octets))
        if found is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            # 50 bits: among a million names, the odds that two are alike are one to two thousand.
            found = base64.b32encode(self._digest_of(kind, octets)[:10])[:10].lower()
            self._known[kind, octets] = found
        return found

    def _digest_of(self, kind: str, octets: bytes) -> bytes:
        return hashlib.blake2b(octets, key=self._key, person=kind.encode()).digest()


def _unquoted(local_part: bytes) -> bytes:
    if len(local_part) > 1 and local_part[:1] == local_part[-1:] == b'"':
        return _QUOTED_PAIR.sub(rb"\1", local_part[1:-1])
    return local_part


def _folded(domain: bytes) -> bytes:
    """Return a domain in the form in which equal ones are equal."""
    if domain.isascii():
        return domain.lower().rstrip(b".")
    try:
        return domain.decode("utf-8").encode("idna").lower().rstrip(b".")
    except UnicodeError:
        return domain.lower().rstrip(b".")
