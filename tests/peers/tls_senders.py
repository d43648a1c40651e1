"""The real clients with TLS, each sending one message to a port of this machine.

A client that can say for which name a certificate must be says `mail.example.org`, by SNI too;
the others connect to `localhost`.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import aiosmtplib

from tests.peers.clients import (
    CLIENT_NAME,
    SECONDS,
    Outcome,
    send_curl,
    send_msmtp,
    send_swaks,
)
from tests.peers.exim_client import send_exim
from tests.peers.identity import NAME
from tests.peers.mails import Mail
from tests.peers.node_client import send_nodemailer
from tests.peers.postfix_client import PostfixClient, transport_name
from tests.peers.processes import HOST
from tests.peers.tls import Tls

LOCALHOST = "localhost"


class SendByTls(Protocol):
    """What all of these are: a port, and the certificate of the authority to trust there."""

    def __call__(self, port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome: ...


def by_smtplib(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
    """Send by smtplib, as its documentation does it."""
    context = ssl.create_default_context(cafile=authority)
    try:
        with _connected(port, tls, context) as client:
            client.ehlo()
            if tls is Tls.MUST or (tls is Tls.MAY and client.has_extn("starttls")):
                client.starttls(context=context)
            refused = client.sendmail(mail.sender, mail.recipients, mail.octets)
    except (OSError, smtplib.SMTPException) as problem:
        return Outcome(False, repr(problem))
    return Outcome(not refused, repr(refused))


def _connected(port: int, tls: Tls, context: ssl.SSLContext) -> smtplib.SMTP:
    if tls is Tls.IMPLICIT:
        return smtplib.SMTP_SSL(LOCALHOST, port, CLIENT_NAME, timeout=SECONDS, context=context)
    return smtplib.SMTP(LOCALHOST, port, CLIENT_NAME, timeout=SECONDS)


def by_aiosmtplib(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
    """Send by aiosmtplib, which uses STARTTLS where it is offered unless it is told otherwise."""

    async def converse() -> Outcome:
        client = aiosmtplib.SMTP(
            hostname=LOCALHOST,
            port=port,
            local_hostname=CLIENT_NAME,
            timeout=SECONDS,
            use_tls=tls is Tls.IMPLICIT,
            start_tls={Tls.MAY: None, Tls.MUST: True}.get(tls, False),
            tls_context=ssl.create_default_context(cafile=authority),
        )
        async with client:
            transport = client.transport
            refused, said = await client.sendmail(mail.sender, mail.recipients, mail.octets)
        # Where the loop ends while TLS is being shut down, the socket would stay open.
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
            await asyncio.sleep(0)
        return Outcome(not refused, f"{said}\n{refused}")

    try:
        return asyncio.run(converse())
    except (OSError, aiosmtplib.SMTPException) as problem:
        return Outcome(False, repr(problem))


def by_swaks(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
    """Send by swaks, whose version looks at a certificate's chain and not at its names."""
    trust = ("--tls-verify", "--tls-ca-path", str(authority), "--tls-sni", NAME)
    words = {
        Tls.PLAIN: (),
        Tls.MAY: ("--tls-optional", *trust),
        Tls.MUST: ("--tls", *trust),
        Tls.IMPLICIT: ("--tls-on-connect", *trust),
    }
    return send_swaks(HOST, port, mail.sender, mail.recipients, mail.octets, *words[tls])


def by_msmtp(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
    """Send by msmtp, which knows no TLS that it could do without."""
    trust = ("--tls=on", f"--tls-trust-file={authority}", f"--tls-host-override={NAME}")
    words = {
        Tls.PLAIN: (),
        Tls.MUST: (*trust, "--tls-starttls=on"),
        Tls.IMPLICIT: (*trust, "--tls-starttls=off"),
    }
    return send_msmtp(HOST, port, mail.sender, mail.recipients, mail.octets, *words[tls])


def by_curl(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
    """Send by curl, to a name that it is told to look for on this machine."""
    there = ("--cacert", str(authority), "--connect-to", f"{NAME}:{port}:{HOST}:{port}")
    words = {
        Tls.PLAIN: (),
        Tls.MAY: ("--ssl",),
        Tls.MUST: ("--ssl-reqd",),
        Tls.IMPLICIT: ("smtps",),
    }
    return send_curl(NAME, port, mail.sender, mail.recipients, mail.octets, *there, *words[tls])


def by_nodemailer(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
    """Send by nodemailer."""
    trust = (f"ca={authority}", f"servername={NAME}")
    words = {
        Tls.PLAIN: (),
        Tls.MAY: ("opportunisticTLS", *trust),
        Tls.MUST: ("requireTLS", *trust),
        Tls.IMPLICIT: ("secure", *trust),
    }
    return send_nodemailer(HOST, port, mail.sender, mail.recipients, mail.octets, *words[tls])


def by_exim(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
    """Send by Exim, which does TLS by GnuTLS."""
    trust = ("-DAVOID_TLS=", f"-DAUTHORITY={authority}")
    words = {
        Tls.PLAIN: (),
        Tls.MAY: trust,
        Tls.MUST: (*trust, "-DREQUIRE_TLS=*", "-DVERIFY_TLS=*"),
        Tls.IMPLICIT: (*trust, "-DPROTOCOL=smtps", "-DVERIFY_TLS=*"),
    }
    return send_exim(LOCALHOST, port, mail.sender, mail.recipients, mail.octets, *words[tls])


def by_postfix(client: PostfixClient, must: str = "verify") -> SendByTls:
    """What sends by this Postfix; `must` is the smtp_tls_security_level that stands for MUST."""
    implicit = "implicit" if must == "verify" else f"implicit-{must}"
    levels = {Tls.MAY: "may", Tls.MUST: must, Tls.IMPLICIT: implicit}

    def send(port: int, mail: Mail, tls: Tls, authority: Path) -> Outcome:
        transport = "smtp" if tls is Tls.PLAIN else transport_name(levels[tls], authority)
        return client.send(HOST, port, mail.sender, mail.recipients, mail.octets, transport)

    return send


TLS_SENDERS: Mapping[str, SendByTls] = {
    "smtplib": by_smtplib,
    "aiosmtplib": by_aiosmtplib,
    "swaks": by_swaks,
    "msmtp": by_msmtp,
    "curl": by_curl,
    "nodemailer": by_nodemailer,
    "Exim": by_exim,
}
