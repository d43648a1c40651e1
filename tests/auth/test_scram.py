"""SCRAM as a client, by the examples of the RFCs."""

from __future__ import annotations

import pytest

from smtpproxy.auth.scram import MOST_ITERATIONS, ScramError, prepared, steps

# Hash, nonce, the server's first message, the client's last one, the server's last one.
RFC_5802 = (
    "sha1",
    b"fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
RFC_7677 = (
    "sha256",
    b"rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)


@pytest.mark.parametrize(
    ("algorithm", "nonce", "first", "final", "verifier"), [RFC_5802, RFC_7677], ids=["5802", "7677"]
)
def test_the_examples_of_the_rfcs(
    algorithm: str, nonce: bytes, first: bytes, final: bytes, verifier: bytes
) -> None:
    """RFC 5802 §5 and RFC 7677 §3: user "user", password "pencil", message for message."""
    client = steps(algorithm, "user", "pencil", nonce)
    assert next(client) == b"n,,n=user,r=" + nonce
    assert client.send(first) == final
    assert client.send(verifier) == b""
    with pytest.raises(StopIteration):
        client.send(b"")


@pytest.mark.parametrize(
    ("verifier", "words"),
    [
        (b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "prove"),  # of another hash
        (b"v=", "can't be read"),
        (b"v=AAA", "base64"),
        (b"", "can't be read"),
        (b"x=1,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "can't be read"),
        (b"e=invalid-proof", "refused"),
    ],
)
def test_a_server_that_proves_nothing(verifier: bytes, words: str) -> None:
    """RFC 5802 §3: the client must not go on with a server that does not know the password."""
    algorithm, nonce, first, _, _ = RFC_7677
    client = steps(algorithm, "user", "pencil", nonce)
    next(client)
    client.send(first)
    with pytest.raises(ScramError, match=words):
        client.send(verifier)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (b"", "can't be read"),
        (b"r=abcdef,s=QQ==", "can't be read"),
        (b"r=abcdef,s=QQ==,i=0", "can't be read"),
        (b"r=abcdef,s=QQ==,i=-1", "can't be read"),
        (b"r=abcdef,s=QQ==,i=4096x", "can't be read"),
        (b"m=must,r=abcdef,s=QQ==,i=1", "can't be read"),
        (b"r=abc\xff,s=QQ==,i=1", "can't be read"),
        (b"r=abc,s=QQ==,i=1", "nonce"),
        (b"r=xabcdef,s=QQ==,i=1", "nonce"),
        (b"r=abcdef,s=QQ,i=1", "base64"),
        (b"r=abcdef,s=QQ==,i=%d" % (MOST_ITERATIONS + 1), "iterations"),
        (b"r=abcdef,s=QQ==,i=9999999999", "iterations"),
    ],
)
def test_a_first_message_that_can_not_be_used(first: bytes, words: str) -> None:
    """Nothing is proved, and no time is spent, on what a client must refuse (RFC 5802 §5.1)."""
    client = steps("sha256", "user", "pencil", b"abc")
    next(client)
    with pytest.raises(ScramError, match=words):
        client.send(first)


def test_an_extension_that_may_be_ignored() -> None:
    """RFC 5802 §5.1: what stands behind the iteration count is none of the client's business."""
    client = steps("sha1", "user", "pencil", b"abc")
    next(client)
    assert client.send(b"r=abcdef,s=QQ==,i=1,x=new").startswith(b"c=biws,r=abcdef,p=")


@pytest.mark.parametrize(
    ("user", "sent"),
    [("a,b", b"a=2Cb"), ("a=b", b"a=3Db"), ("=2C", b"=3D2C"), ("ü,", "ü=2C".encode())],
)
def test_comma_and_equals_sign_in_a_user_name(user: str, sent: bytes) -> None:
    """RFC 5802 §5.1: they are quoted, and nothing else is."""
    assert next(steps("sha1", user, "pencil", b"abc")) == b"n,,n=" + sent + b",r=abc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("\u0007", ""),
        ("\u0627\u0031", ""),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("a\u0628", ""),
        ("\u0627a\u0628", ""),
        ("a\u00a0b", "a b"),
        ("\u00ad", ""),
        ("", ""),
        ("\ue000", ""),
    ],
)
def test_saslprep(text: str, expected: str) -> None:
    """The examples of RFC 4013 §3, and what RFC 3454 says of both directions in one text."""
    assert prepared(text) == expected.encode()
