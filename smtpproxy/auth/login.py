"""The proxy's own credentials, and how it logs in to upstream with them (RFC 4954).

Owns which of the mechanisms that upstream offers is used, and the lines of the dialogue; what is in
them is the affair of `mechanisms`. Does no I/O, and never says a secret.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Generator, Sequence

from smtpproxy.auth.echoes import Echoes
from smtpproxy.auth.mechanisms import (
    MECHANISMS,
    Credentials,
    Mechanism,
    MechanismError,
    Steps,
    new_nonce,
)
from smtpproxy.smtp.facts import Reply
from smtpproxy.visible import visible

__all__ = ["Credentials", "LoginError", "logging_in", "offered"]

#: RFC 4954 §4: an AUTH that is longer is sent without its initial response.
_LONGEST_AUTH = 512
_LONGEST_REASON = 200
_CANCEL = b"*\r\n"


class LoginError(Exception):
    """The proxy is not logged in: says why in a few words, and no secret.

    `reply` is upstream's refusal, as it may be shown, or None where that was not the reason.
    `impostor`: upstream took the login, and did not prove who it is: it shall hear no more.
    """

    def __init__(self, words: str, reply: Reply | None = None, impostor: bool = False) -> None:
        super().__init__(words)
        self.reply = reply
        self.impostor = impostor


def offered(hello: Reply) -> list[str]:
    """Return the mechanisms that a reply to EHLO offers, in upper case, as upstream orders them.

    `AUTH=PLAIN LOGIN` is how servers spelled it before RFC 2554.
    """
    found: list[str] = []
    for line in hello.lines[1:]:
        keyword, *words = line.upper().replace(b"=", b" ", 1).split()[:64] or [b""]
        if keyword == b"AUTH":
            found += [word.decode("ascii", "replace") for word in words]
    return list(dict.fromkeys(found))


def logging_in(
    credentials: Credentials,
    hello: Reply,
    *,
    secure: bool = True,
    nonce: Callable[[], bytes] = new_nonce,
) -> Generator[bytes, Reply, None]:
    """Yield what is sent to upstream; be sent each reply; end once 235 was heard.

    `hello` is the last reply to EHLO. The strongest mechanism comes first, and the next one where
    upstream knows it not, after all (504). Where the leg is not `secure`, no mechanism is used that
    shows the password. Raises LoginError.
    """
    echoes = Echoes()
    echoes.learn_parts(credentials.password.encode())
    for mechanism in _fitting(credentials, hello, secure):
        reply = yield from _with(mechanism, mechanism.steps(credentials, nonce), echoes)
        if reply.code == 235:
            return
        if reply.code != 504:
            break
    raise _refused(reply, echoes)


def _fitting(credentials: Credentials, hello: Reply, secure: bool) -> Sequence[Mechanism]:
    """Return the mechanisms to try, strongest first: one at the least. Raises LoginError."""
    names = offered(hello)
    known = [mechanism for mechanism in MECHANISMS if mechanism.name in names]
    fitting = [one for one in known if (secure or not one.shows) and one.fits(credentials)]
    if fitting:
        return fitting
    if not names:
        raise LoginError("upstream offers no AUTH")
    if known and not secure and all(one.shows for one in known):
        raise LoginError(
            "upstream offers only mechanisms that show the password, and is not encrypted"
        )
    shown = visible(" ".join(names).encode())[:_LONGEST_REASON]
    raise LoginError(f"none of the mechanisms that upstream offers can be used: {shown}")


def _with(mechanism: Mechanism, steps: Steps, echoes: Echoes) -> Generator[bytes, Reply, Reply]:
    """Go through one mechanism's dialogue, and return the reply that ended it."""
    auth = b"AUTH " + mechanism.name.encode()
    first = _encoded(next(steps), mechanism, echoes)
    alone = mechanism.server_first or len(auth) + len(first) + 3 > _LONGEST_AUTH
    reply = yield b"%s\r\n" % auth if alone else b"%s %s\r\n" % (auth, first)
    if alone and reply.code == 334 and not mechanism.server_first:
        reply = yield first + b"\r\n"
    while reply.code == 334:
        try:
            line = _encoded(steps.send(_challenge(reply)), mechanism, echoes)
        except (StopIteration, MechanismError) as error:
            yield _CANCEL
            if isinstance(error, MechanismError):
                raise LoginError(str(error), impostor=error.impostor) from None
            raise LoginError("upstream asks for too much") from None
        reply = yield line + b"\r\n"
    if reply.code == 235 and mechanism.mutual and not _is_over(steps):
        raise LoginError("upstream did not prove that it knows the password", impostor=True)
    return reply


def _encoded(response: bytes, mechanism: Mechanism, echoes: Echoes) -> bytes:
    """Return a response as it is sent; upstream may repeat it."""
    encoded = base64.b64encode(response)
    echoes.learn_parts(encoded, encoded=False)
    if not mechanism.shows:
        echoes.learn_parts(response)
    return encoded


def _is_over(steps: Steps) -> bool:
    """Has a mechanism said and heard everything?"""
    try:
        steps.send(b"")
    except StopIteration:
        return True
    except MechanismError:
        pass
    return False


def _challenge(reply: Reply) -> bytes:
    try:
        return base64.b64decode(reply.lines[-1].strip(), validate=True)
    except (binascii.Error, ValueError):
        raise MechanismError("upstream's challenge is not base64") from None


def _refused(reply: Reply, echoes: Echoes) -> LoginError:
    told = Reply(reply.code, echoes.without_lines(reply.wire))
    text = visible(b" ".join(told.lines))[:_LONGEST_REASON]
    return LoginError(f"upstream refused the login: {reply.code:03d} {text}".rstrip(), told)
