"""The server's side of AUTH, which knows one user: written from the RFCs, apart from the client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator

from smtpproxy.auth.login import Credentials, logging_in
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.server import ServerReader

SALT = b"0123456789abcdef"
CHALLENGE = b"<1896.697170952@postoffice.example.org>"
ACCEPTED, REFUSED = "235 2.7.0 Welcome", "535 5.7.8 No"
INVALID = "501 5.5.2 Invalid"


def reply(text: str) -> Reply:
    """Return a reply as it is read from the wire."""
    reader = ServerReader()
    reader.receive("".join(f"{line}\r\n" for line in text.splitlines()).encode())
    found = reader.next()
    assert isinstance(found, Reply)
    return found


def hello(*mechanisms: str) -> Reply:
    """Return a reply to EHLO that offers mechanisms."""
    return reply(f"250-mail.example.org\n250-AUTH {' '.join(mechanisms)}\n250 8BITMIME")


def challenge(octets: bytes) -> str:
    """Return the reply that carries a challenge."""
    return f"334 {base64.b64encode(octets).decode()}"


class SaslServer:
    """Takes AUTH, and answers with the texts of replies. `name` and `password` as UTF-8."""

    def __init__(self, name: bytes, password: bytes, iterations: int = 64) -> None:
        self._name, self._password, self._iterations = name, password, iterations
        self._dialogue: Iterator[str] | None = None
        self._heard = b""

    def hears(self, line: bytes) -> str:
        """Return what is answered."""
        assert line.endswith(b"\r\n")
        assert line.count(b"\n") == 1
        if self._dialogue is None:
            verb, mechanism, *initial = line.split()
            assert verb == b"AUTH"
            assert len(line) <= 512, "RFC 4954: it has no room for the initial response"
            self._heard = base64.b64decode(initial[0], validate=True) if initial else b""
            sides: dict[bytes, Callable[[bool], Iterator[str]]] = {
                b"PLAIN": self._plain,
                b"LOGIN": self._login,
                b"CRAM-MD5": self._cram,
                b"SCRAM-SHA-1": lambda at_once: self._scram("sha1", at_once),
                b"SCRAM-SHA-256": lambda at_once: self._scram("sha256", at_once),
            }
            self._dialogue = sides[mechanism](bool(initial))
        elif line == b"*\r\n":
            return "501 5.7.0 Cancelled"
        else:
            self._heard = base64.b64decode(line.strip(), validate=True)
        return next(self._dialogue)

    def _plain(self, at_once: bool) -> Iterator[str]:
        if not at_once:
            yield "334 "
        good = self._heard == b"\0" + self._name + b"\0" + self._password
        yield ACCEPTED if good else REFUSED

    def _login(self, at_once: bool) -> Iterator[str]:
        if not at_once:
            yield challenge(b"Username:")
        name = self._heard
        yield challenge(b"Password:")
        yield ACCEPTED if (name, self._heard) == (self._name, self._password) else REFUSED

    def _cram(self, at_once: bool) -> Iterator[str]:
        assert not at_once, "RFC 4954 §4: the server speaks first"
        yield challenge(CHALLENGE)
        name, _, digest = self._heard.rpartition(b" ")
        right = hmac.new(self._password, CHALLENGE, hashlib.md5).hexdigest().encode()
        yield ACCEPTED if (name, digest) == (self._name, right) else REFUSED

    def _scram(self, algorithm: str, at_once: bool) -> Iterator[str]:
        if not at_once:
            yield "334 "
        found = re.fullmatch(rb"n,,(n=([^,]*),r=([^,]+))", self._heard)
        assert found, self._heard
        bare, quoted, nonce = found.groups()
        assert re.fullmatch(rb"(?:[^=]|=2C|=3D)*", quoted)
        name = quoted.replace(b"=2C", b",").replace(b"=3D", b"=")
        first = b"r=%sserver,s=%s,i=%d" % (nonce, base64.b64encode(SALT), self._iterations)
        yield challenge(first)
        final, _, proof = self._heard.rpartition(b",p=")
        assert final == b"c=biws,r=%sserver" % nonce
        salted = hashlib.pbkdf2_hmac(algorithm, self._password, SALT, self._iterations)
        signed = bare + b"," + first + b"," + final
        stored = hashlib.new(algorithm, hmac.digest(salted, b"Client Key", algorithm)).digest()
        signature = hmac.digest(stored, signed, algorithm)
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if hashlib.new(algorithm, key).digest() != stored or name != self._name:
            yield REFUSED
        server_key = hmac.digest(salted, b"Server Key", algorithm)
        verifier = base64.b64encode(hmac.digest(server_key, signed, algorithm))
        yield challenge(b"v=" + verifier)
        assert self._heard == b""
        yield ACCEPTED


def log_in(credentials: Credentials, offer: Reply, server: SaslServer) -> list[bytes]:
    """Let a login happen, and return what was sent. Raises LoginError."""
    sent: list[bytes] = []
    steps = logging_in(credentials, offer)
    try:
        sent.append(next(steps))
        while True:
            sent.append(steps.send(reply(server.hears(sent[-1]))))
    except StopIteration:
        return sent
