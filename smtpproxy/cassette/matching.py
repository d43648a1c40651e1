"""Which recorded exchange a live one is: what is compared, and what is ignored.

Owns the one list of noise, and the keys of exchanges. The dialogues themselves are the affair of
`tree`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from smtpproxy.auth.redaction import REDACTED_LINE
from smtpproxy.cassette.model import END_OF_DATA
from smtpproxy.smtp.client import UNREADABLE, parse_command
from smtpproxy.smtp.facts import Reply, is_last_chunk
from smtpproxy.smtp.path import parse_path
from smtpproxy.smtp.server import final_code

#: What differs at every run, and is ignored unless `none` is: parameters of MAIL and RCPT, and,
#: where messages are compared, header fields and what MIME boundaries are called. Beside it, the
#: arguments of EHLO and its like, the octets that a BDAT announces, and credentials never count.
NOISE = (
    *("SIZE", "ENVID"),
    *("Date", "Message-ID", "Received", "DKIM-Signature", "ARC-*"),
    "boundary",
)
#: What can be compared. The verb always is.
COMPARED = ("verb", "envelope", "parameters", "message")
BOUNDARY = "boundary"
#: In which order what was recorded is replayed: any transaction that fits, or whole sessions.
ANY, STRICT = ORDERS = ("any", "strict")

#: What comes before transactions. It may be taken by any number of connections.
PROLOGUE = frozenset({"CONNECT", "HELO", "EHLO", "LHLO", "STARTTLS", "AUTH", "XCLIENT", "XFORWARD"})
#: Commands that use up nothing where no transaction is open.
STARTTLS = "STARTTLS"
FREE = frozenset({"NOOP", "RSET", "QUIT"})
#: Commands whose argument is a path, and whose it is.
WHOSE = {"MAIL": "sender", "SEND": "sender", "SOML": "sender", "SAML": "sender"} | {
    "RCPT": "recipient"
}
ARGUMENT_IGNORED = frozenset({"HELO", "EHLO", "LHLO", "DATA", "NOOP", "RSET", "QUIT", "STARTTLS"})

Key: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """What is compared beside the verb; `ignored` names what is not, `X-*` all that begin so."""

    envelope: bool = True
    parameters: bool = True
    message: bool = False
    ignored: tuple[str, ...] = NOISE

    def ignores(self, name: str) -> bool:
        """Is a parameter, a header field or an address of this name ignored? Case is, too."""
        return _ignores(self.ignored, name)

    def compares_path(self, stage: str) -> bool:
        """Does the address in a command count?"""
        return self.envelope and not self.ignores(WHOSE[stage])

    def compares_parameter(self, keyword: str) -> bool:
        """Does a parameter of MAIL or RCPT count?"""
        return self.parameters and not self.ignores(keyword)


USUAL = Matching()


@lru_cache(maxsize=1024)
def _ignores(ignored: tuple[str, ...], name: str) -> bool:
    folded = name.casefold()
    return any(
        folded.startswith(one[:-1].casefold()) if one[-1:] == "*" else folded == one.casefold()
        for one in ignored
    )


def key_of(stage: str, sent: bytes, matching: Matching = USUAL, message: bytes = b"") -> Key:
    """Return what must be equal in a command for it to be the recorded one.

    `message`: the digest of the message that it ends.
    """
    if sent == REDACTED_LINE and stage != "AUTH":
        return (UNREADABLE, sent)  # any line that was meant as credentials
    if stage in WHOSE:
        return (stage, *_envelope_key(stage, sent, matching))
    if stage == "AUTH":
        return (stage, *_auth_key(sent))
    if stage == "BDAT":
        last = is_last_chunk(sent)
        return (stage, last, message) if last and matching.message else (stage, last)
    if stage == END_OF_DATA and matching.message:
        return (stage, message)
    if stage in ARGUMENT_IGNORED or not sent:
        return (stage,)
    return (stage, b" ".join(sent.split()[1:]))


def _envelope_key(stage: str, sent: bytes, matching: Matching) -> Key:
    path = parse_path(parse_command(sent).argument)
    if path is None:
        return (sent.strip(),)
    local, at, domain = path.address.rpartition("@")
    parameters = frozenset(
        (keyword, value.upper())
        for keyword, value in path.parameters
        if matching.compares_parameter(keyword)
    )
    address = f"{local}{at}{domain.lower()}" if matching.compares_path(stage) else ""
    return (address, parameters)


def _auth_key(sent: bytes) -> Key:
    """The mechanism counts; credentials, and whether they came at once, do not differ by value."""
    words = sent.upper().split()
    if words[:1] == [b"AUTH"]:
        return (words[1] if len(words) > 1 else b"", len(words) > 2)
    return (b"*" if words == [b"*"] else b"+",)


def reply_key(stage: str, heard: bytes | None) -> Key:
    """Return what must be equal in replies for the same to be possible behind them."""
    if heard is None:
        return ()
    reply = Reply(final_code(heard), heard)
    if stage in ("EHLO", "LHLO"):
        words = frozenset(b" ".join(line.upper().split()) for line in reply.lines[1:])
        return (reply.code, words)
    return (reply.code, reply.enhanced)


def begins_tls(stage: str, heard: bytes | None) -> bool:
    """Does TLS begin behind this exchange?"""
    return stage == STARTTLS and heard is not None and heard.startswith(b"220")


def ends_transaction(stage: str, sent: bytes) -> bool:
    """Is the transaction over with this exchange? The last BDAT is an end of mail data, too."""
    return stage in (END_OF_DATA, "RSET") or (stage == "BDAT" and is_last_chunk(sent))


def opens_transaction(stage: str) -> bool:
    """Does a transaction go on behind this exchange? VRFY and its like stand alone."""
    return stage in WHOSE or stage in ("DATA", "BDAT")
