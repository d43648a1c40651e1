"""Recording against a provider that asks for TLS and for a login, as docs/tls.md shows it."""

from __future__ import annotations

import base64
import smtplib
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.aiosmtpd_tls import USER
from tests.peers.dovecot import PASSWORD, Dovecot
from tests.peers.identity import Identity
from tests.peers.postfix_tls import CUSTOMERS, run_tls_postfix
from tests.peers.tlsserver import TlsServer, came_with
from tests.programs import RUN, Outcome, call

#: An application; what it does is told by its arguments.
APPLICATION = """\
import os, smtplib, ssl, sys
where = os.environ["SMTPPROXY_HOST"], int(os.environ["SMTPPROXY_PORT"])
assert "SMTPPROXY_UPSTREAM_PASSWORD" not in os.environ
how, *login = sys.argv[1:]
trusting = ssl.create_default_context()
client = smtplib.SMTP_SSL(*where, context=trusting) if how == "tls" else smtplib.SMTP(*where)
with client:
    if how == "starttls":
        client.starttls(context=trusting)
    if login:
        client.login(*login)
    message = "Subject: Welcome\\r\\n\\r\\nHello!\\r\\n"
    client.sendmail("shop@example.org", ["carol@example.net"], message)
"""
LOGIN = {"SMTPPROXY_UPSTREAM_USER": USER, "SMTPPROXY_UPSTREAM_PASSWORD": PASSWORD}
ANY = ("somebody", "some password")
RIGHT = (USER, PASSWORD)


@pytest.fixture(autouse=True)
def nobody_trusts_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `smtpproxy run` tells its command is not what a user has set."""
    for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def provider(identity: Identity, dovecot: Dovecot) -> Iterator[TlsServer]:
    """A Postfix that takes mail from its customers alone, on ports as 587 and 465 are."""
    with run_tls_postfix(identity, dovecot.logins, CUSTOMERS) as server:
        yield server


def run(
    folder: Path, options: tuple[str, ...], how: tuple[str, ...], variables: dict[str, str]
) -> Outcome:
    """Let the proxy run the application."""
    (folder / "application.py").write_text(APPLICATION)
    command = (*RUN, "--cassette", "signup.yaml", "--log", "all.log", *options, "--")
    variables = {"XDG_DATA_HOME": str(folder), **variables}
    return call(folder, (*command, sys.executable, "application.py", *how), variables)


def secrets(*texts: str) -> set[bytes]:
    """What must be in no file: texts, and eight characters of their base64, however cut."""
    found = {text.encode() for text in texts}
    for text in texts:
        for lead in (b"", b"\0", b"\0\0"):
            encoded = base64.b64encode(lead + text.encode()).rstrip(b"=")[2:-2]
            found |= {encoded[at : at + 8] for at in range(len(encoded) - 7)}
    return found


@pytest.mark.parametrize(
    ("port", "options", "how", "variables", "by"),
    [
        ("587", ("--tls", "originate"), ("plain",), LOGIN, "ESMTPSA"),
        ("587", ("--tls", "originate"), ("plain", *ANY), LOGIN, "ESMTPSA"),
        ("465", (), ("plain",), LOGIN, "ESMTPSA"),
        ("465", (), ("plain", *ANY), LOGIN, "ESMTPSA"),
        ("587", (), ("starttls", *RIGHT), {}, "ESMTPSA"),
        ("587", (), ("starttls", *ANY), LOGIN, "ESMTPSA"),
        ("465", ("--listen", "tls:0"), ("tls", *RIGHT), {}, "ESMTPSA"),
        ("465", ("--listen", "tls:0"), ("tls", *ANY), LOGIN, "ESMTPSA"),
    ],
)
def test_it_is_recorded_and_replayed(
    port: str,
    options: tuple[str, ...],
    how: tuple[str, ...],
    variables: dict[str, str],
    by: str,
    provider: TlsServer,
    identity: Identity,
    tmp_path: Path,
) -> None:
    """The message is delivered, the cassette holds no secret, and replay needs no provider."""
    before = len(provider.mail.delivered())
    where = {
        "587": f"localhost:{provider.insisting}",
        "465": f"smtps://localhost:{provider.implicit}",
    }[port]
    upstream = ("--upstream", where, "--upstream-ca", str(identity.authority))
    recorded = run(tmp_path, ("--mode", "record", *upstream, *options), how, variables)
    assert recorded.status == 0, recorded.err[-3000:]
    (mail,) = provider.mail.delivered()[before:]
    assert came_with(mail) == by
    for path in tmp_path.iterdir():
        kept = path.read_bytes() if path.suffix in (".yaml", ".log") else b""
        assert not {secret for secret in secrets(PASSWORD, ANY[1]) if secret in kept}, path
    assert b"Subject: Welcome" in (tmp_path / "signup.yaml").read_text().encode()

    listen = options if "--listen" in options else ()
    replayed = run(tmp_path, ("--mode", "replay", *listen), how, {})
    assert replayed.status == 0, replayed
    assert "miss" not in replayed.err
    assert len(provider.mail.delivered()) == before + 1


def test_it_asks_for_both(provider: TlsServer, identity: Identity) -> None:
    """The provider of these tests takes nothing in plain text, and nothing from strangers."""
    with smtplib.SMTP("localhost", provider.insisting, timeout=10) as client:
        assert client.docmd("MAIL FROM:<a@example.org>")[0] == 530
        client.starttls(context=ssl.create_default_context(cafile=identity.authority))
        with pytest.raises(smtplib.SMTPRecipientsRefused, match="Access denied"):
            client.sendmail("a@example.org", ["carol@example.net"], "Hello!")


def test_a_wrong_password_is_what_the_application_hears(
    provider: TlsServer, identity: Identity, tmp_path: Path
) -> None:
    """Its own AUTH gets the provider's answer; standard error says why, without the password."""
    wrong = LOGIN | {"SMTPPROXY_UPSTREAM_PASSWORD": "never mind this"}
    upstream = ("--upstream", f"localhost:{provider.insisting}", "--tls", "originate")
    trust = ("--upstream-ca", str(identity.authority))
    outcome = run(tmp_path, ("--mode", "record", *upstream, *trust), ("plain", *ANY), wrong)
    assert outcome.status != 0
    assert "(535, b'5.7.8 Error: authentication failed" in outcome.err
    assert "upstream refused the login: 535" in outcome.err
    assert "never mind this" not in outcome.err
