"""What a recorded client does once it hears something else."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.model import Recorded
from smtpproxy.cassette.reacting import (
    GONE,
    IN_TLS,
    NO_RECIPIENT,
    NOT_OFFERED,
    UNHEARD,
    RecordedClient,
)


def one(stage: str, said: bytes = b"250 2.0.0 Ok\r\n", pipelined: bool = False) -> Recorded:
    """Return an exchange that went so."""
    return Recorded(stage, stage.encode() + b"\r\n", said=(said,), pipelined=pipelined)


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA", "END-OF-DATA", "NOOP"])
def test_what_is_as_it_was_changes_nothing(stage: str) -> None:
    """A client that hears what it heard, or the same in other words, goes on."""
    client = RecordedClient()
    assert client.hears(one(stage), b"250 2.0.0 Fine\r\n", "") == ""
    assert not (client.over or client.skipping)


def test_it_hears_nothing() -> None:
    """A client that is not answered comes to nothing more."""
    client = RecordedClient()
    assert client.hears(one("RCPT"), b"", "") == UNHEARD
    assert not client.comes_to(one("QUIT"))


def test_its_connection_is_closed() -> None:
    """A client whose connection is closed instead of an answer is gone; behind QUIT it has left."""
    client = RecordedClient()
    assert client.hears(one("RCPT"), b"", "the proxy closes") == GONE
    assert client.over
    assert RecordedClient().hears(one("QUIT"), b"250 2.0.0 Ok\r\n", "the proxy closes") == ""


def test_a_new_transaction_ends_what_is_left_out() -> None:
    """What is left out ends with its message."""
    client = RecordedClient()
    client.hears(one("MAIL"), b"550 No\r\n", "")
    assert not client.comes_to(one("RCPT"))
    assert not client.comes_to(one("DATA"))
    assert not client.comes_to(one("END-OF-DATA"))
    assert client.comes_to(one("NOOP"))
    client.hears(one("MAIL"), b"550 No\r\n", "")
    assert client.comes_to(one("MAIL"))


def test_no_recipient_is_left() -> None:
    """It objects to DATA where it could have known, and had a recipient when it was recorded."""
    client = RecordedClient()
    client.hears(one("RCPT"), b"550 No\r\n", "")
    assert client.objection(one("DATA")) == NO_RECIPIENT
    assert client.objection(one("DATA", pipelined=True)) == ""
    client.hears(one("RCPT"), b"250 Ok\r\n", "")
    assert client.objection(one("DATA")) == ""


def test_nobody_was_accepted_then_either() -> None:
    """A client that sent DATA though all were refused sends it again."""
    client = RecordedClient()
    client.hears(one("RCPT", b"550 No\r\n"), b"551 No\r\n", "")
    assert client.objection(one("DATA")) == ""


def test_starttls_is_not_offered() -> None:
    """A keyword that is gone is not used."""
    client = RecordedClient()
    client.hears(one("EHLO", b"250-a\r\n250 STARTTLS\r\n"), b"250 a\r\n", "")
    assert client.objection(one("STARTTLS")) == NOT_OFFERED


def test_what_was_encrypted_is_unknown() -> None:
    """Behind a STARTTLS that nobody followed nothing was recorded."""
    client = RecordedClient(followed=False)
    assert client.hears(one("STARTTLS", b"220 Go\r\n"), b"220 Go\r\n", "") == IN_TLS
    assert client.over
