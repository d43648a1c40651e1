"""What is secret in a line of credentials: which part of it, and of which mechanism.

Owns how mechanisms write a password, a token or a proof. Hides nothing, and remembers nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

# PLAIN (RFC 4616 §2), CRAM-MD5 (RFC 2195) and its kin, XOAUTH2 and OAUTHBEARER (RFC 7628 §3.1).
_PLAIN = re.compile(rb"[^\0]*\0[^\0]+\0(?P<secret>[^\0]+)\Z")
_DIGEST = re.compile(rb"[^\0]+ (?P<secret>[0-9a-fA-F]{32,128})\Z")
_BEARER = re.compile(rb"auth=[^\x01 ]* *(?P<secret>[^\x01]+)", re.I)
# SCRAM (RFC 5802 §7): nonce, salt, proof and verifier.
_SCRAM = re.compile(rb"(?:[nyp](?:=[^,]*)?,(?:a=[^,]*)?,)?(?:n=[^,]*,r=|c=[^,]*,r=|r=[^,]*,s=|v=)")
_OF_SCRAM = re.compile(rb"(?:^|,)[rspv]=(?P<secret>[^,]+)")
_VERIFIER = re.compile(rb"\bv=(?P<secret>[A-Za-z0-9+/]{20,}={0,2})")
_WORD = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
#: What stands before a secret tells a piece of it from common words.
_BEFORE = 4

#: How many responses with something in them a client sends, where it is not one.
_RESPONSES = {
    **dict.fromkeys((b"LOGIN", b"DIGEST-MD5", b"NTLM", b"SECURID"), 2),
    **dict.fromkeys((b"GSSAPI", b"GS2-KRB5", b"KERBEROS_V4", b"KERBEROS_V5"), 3),
}


def responses(mechanism: bytes) -> int:
    """Return how many responses of a client may be secrets."""
    return 2 if mechanism.startswith(b"SCRAM-") else _RESPONSES.get(mechanism, 1)


def is_name(mechanism: bytes, number: int) -> bool:
    """Is a client's response, counted from 0, a name alone?"""
    return mechanism in (b"EXTERNAL", b"ANONYMOUS") or (mechanism == b"LOGIN" and not number)


def decoded(token: bytes) -> bytes:
    """Return what is in a token, also where its padding is wrong, or b"" where it is no base64."""
    bare = token.strip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def secrets_in(response: bytes) -> Iterator[bytes]:
    """Yield what is secret in a response: with a little of what is before it, and alone."""
    if _SCRAM.match(response):
        yield from secrets_of_scram(response)
        return
    found = _PLAIN.match(response) or _DIGEST.match(response) or _BEARER.search(response)
    if found is None:
        yield response
        return
    yield response[max(0, found.start("secret") - _BEFORE) :]
    yield found["secret"]


def secrets_of_scram(message: bytes) -> Iterator[bytes]:
    """Yield what is secret in a message of either side of SCRAM, if it is one."""
    if _SCRAM.match(message):
        for found in _OF_SCRAM.finditer(message):
            yield found["secret"]


def verifiers_in(wire: bytes) -> Iterator[bytes]:
    """Yield what a server's last reply may prove itself by: RFC 4954 has no place for it there."""
    for found in _VERIFIER.finditer(wire):
        yield found["secret"]
    for word in _WORD.findall(wire):
        if (message := decoded(word)).startswith(b"v="):
            yield word
            yield from secrets_of_scram(message)
