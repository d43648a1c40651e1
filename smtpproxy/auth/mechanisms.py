"""The SASL mechanisms by which the proxy can log in: what is said in each, as octets.

Owns the contents of responses and challenges, without base64 and line endings; knows nothing of
SMTP. A mechanism is a generator of responses that is sent the challenges.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias

from smtpproxy.auth import scram

Steps: TypeAlias = Generator[bytes, bytes, None]


class Credentials(NamedTuple):
    """A user name and a password; what is shown of them is the user name."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


class MechanismError(Exception):
    """A mechanism can't go on: says why in a few words, and no secret."""

    def __init__(self, words: str, impostor: bool = False) -> None:
        super().__init__(words)
        self.impostor = impostor  # upstream does not know the password


class Mechanism(NamedTuple):
    """One mechanism. Its steps are given credentials and a source of nonces.

    `server_first`: nothing is said before a challenge, and the first response stands for that.
    `shows`: upstream, and whoever reads along, is shown the password.
    `mutual`: upstream proves that it knows the password, too, before the steps are over.
    """

    name: str
    steps: Callable[[Credentials, Callable[[], bytes]], Steps]
    server_first: bool = False
    shows: bool = False
    mutual: bool = False
    fits: Callable[[Credentials], bool] = lambda credentials: True


def new_nonce() -> bytes:
    """Return a new nonce of 144 bits, which holds no comma."""
    return base64.b64encode(secrets.token_bytes(18))


def _scram(algorithm: str) -> Callable[[Credentials, Callable[[], bytes]], Steps]:
    def steps(credentials: Credentials, nonce: Callable[[], bytes]) -> Steps:
        try:
            yield from scram.steps(algorithm, credentials.user, credentials.password, nonce())
        except scram.ScramError as error:
            raise MechanismError(str(error), error.impostor) from None

    return steps


def _cram_md5(credentials: Credentials, nonce: Callable[[], bytes]) -> Steps:
    """RFC 2195: the challenge, keyed with the password."""
    challenge = yield b""
    digest = hmac.new(credentials.password.encode(), challenge, "md5").hexdigest()
    yield f"{credentials.user} {digest}".encode()


def _plain(credentials: Credentials, nonce: Callable[[], bytes]) -> Steps:
    """RFC 4616: nobody to act for, the user name and the password."""
    yield f"\0{credentials.user}\0{credentials.password}".encode()


def _login(credentials: Credentials, nonce: Callable[[], bytes]) -> Steps:
    """Never in an RFC: user name and password, each asked for."""
    yield b""
    yield credentials.user.encode()
    yield credentials.password.encode()


def _scram_fits(credentials: Credentials) -> bool:
    return all(scram.prepared(text) for text in credentials)


#: The strongest first.
MECHANISMS = (
    Mechanism("SCRAM-SHA-256", _scram("sha256"), mutual=True, fits=_scram_fits),
    Mechanism("SCRAM-SHA-1", _scram("sha1"), mutual=True, fits=_scram_fits),
    Mechanism("CRAM-MD5", _cram_md5, server_first=True),
    Mechanism("PLAIN", _plain, shows=True),
    Mechanism("LOGIN", _login, server_first=True, shows=True),
)
