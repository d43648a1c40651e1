"""Who a client asks to be logged in as: the name of each mechanism, and never a password."""

from __future__ import annotations

import base64
import time

import pytest

from smtpproxy.auth.identity import Identity
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Continuation


def token(response: bytes) -> bytes:
    """Return a response as it is sent."""
    return base64.b64encode(response)


def identity(auth: bytes, *lines: bytes) -> Identity:
    """Return what is known behind AUTH and these responses."""
    found = Identity()
    found.said(parse_command(b"AUTH " + auth + b"\r\n"))
    for line in lines:
        found.said(Continuation(line + b"\r\n"))
    return found


CASES = [
    (b"PLAIN", b"\0bob\0secret", "bob"),
    (b"PLAIN", b"admin\0bob\0secret", "bob"),
    (b"XOAUTH2", b"user=bob@example.org\x01auth=Bearer secret\x01\x01", "bob@example.org"),
    (b"OAUTHBEARER", b"n,a=bob=2Cjr,\x01host=a\x01auth=Bearer secret\x01\x01", "bob,jr"),
    (b"SCRAM-SHA-256", b"n,,n=bob=3Dx,r=secret", "bob=x"),
    (b"SCRAM-SHA-1-PLUS", b"p=tls-unique,a=admin,n=bob,r=secret", "bob"),
    (b"CRAM-MD5", b"bob the first " + b"a" * 32, "bob the first"),
    (b"DIGEST-MD5", b'charset=utf-8,username="bob",realm="x"', "bob"),
    (b"LOGIN", b"bob", "bob"),
    (b"EXTERNAL", b"bob", "bob"),
]


@pytest.mark.parametrize(("mechanism", "response", "name"), CASES)
def test_name_of_each_mechanism(mechanism: bytes, response: bytes, name: str) -> None:
    """It is read from the initial response, or from the line that comes in its place."""
    sent = token(response)
    assert identity(mechanism.lower() + b" " + sent).name == name
    assert identity(mechanism, sent).name == name


def test_password_is_not_kept() -> None:
    """The second response to LOGIN is no name, and none of SCRAM's proof."""
    assert identity(b"LOGIN", token(b"bob"), token(b"secret")).name == "bob"
    assert identity(b"LOGIN " + token(b"bob"), token(b"secret")).name == "bob"
    assert identity(b"SCRAM-SHA-1 " + token(b"n,,n=bob,r=x"), token(b"c=,r=x,p=y")).name == "bob"


@pytest.mark.parametrize(
    "auth", [b"", b"PLAIN", b"PLAIN =", b"PLAIN secret", b"NTLM " + token(b"x"), b"LOGIN %%"]
)
def test_what_is_no_name_is_none(auth: bytes) -> None:
    """Nonsense, and mechanisms that are not read, leave the client without a name."""
    assert identity(auth).name == ""


def test_the_next_auth_begins_anew() -> None:
    """A name does not outlive the attempt that it was said in."""
    found = identity(b"LOGIN", token(b"bob"))
    found.said(parse_command(b"AUTH PLAIN\r\n"))
    assert found.name == ""


@pytest.mark.parametrize("mechanism", [case[0] for case in CASES])
@pytest.mark.parametrize("octet", [b"\0", b"a", b",", b" ", b"n,", b"user=", b'username="'])
def test_hostile_response_is_read_at_once(mechanism: bytes, octet: bytes) -> None:
    """No response takes longer than a moment, and no name is longer than 256 characters."""
    sent = token(octet * (9000 // len(octet)))
    before = time.perf_counter()
    found = identity(mechanism + b" " + sent)
    assert time.perf_counter() - before < 0.1
    assert len(found.name) <= 256
