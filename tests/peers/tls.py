"""Words for what a client does about TLS, and what is known of each client that can do it.

Knows neither a server nor how a client is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Tls(Enum):
    """What a client does about TLS. Where it uses any, it trusts one authority alone."""

    PLAIN = "plain"  # it never begins it
    MAY = "may"  # it uses STARTTLS where that is offered
    MUST = "must"  # it sends no mail unless STARTTLS went well
    IMPLICIT = "implicit"  # it begins with it


@dataclass(frozen=True)
class TlsClient:
    """A client, and what it can be told to do.

    `falls_back` is whether under MAY it sends its mail in plain text where STARTTLS was refused,
    and `verifies` whether under MUST and IMPLICIT it cares whose certificate it is shown.
    """

    name: str
    does: frozenset[Tls] = frozenset(Tls)
    falls_back: bool = True
    verifies: bool = True


CLIENTS = (
    # What a program does about a refusal is its own affair: this one does as smtplib's
    # documentation has it, where the refusal is an exception.
    TlsClient("smtplib", falls_back=False),
    TlsClient("aiosmtplib", falls_back=False),
    TlsClient("swaks"),
    TlsClient("msmtp", frozenset(Tls) - {Tls.MAY}),
    TlsClient("curl"),
    TlsClient("nodemailer"),
    TlsClient("Exim"),
    TlsClient("Postfix"),
    # At the level `encrypt` instead of `verify`.
    TlsClient("Postfix, encrypt", frozenset({Tls.MUST, Tls.IMPLICIT}), verifies=False),
)
