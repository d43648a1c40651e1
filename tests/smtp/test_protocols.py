"""The protocols that a mail server may speak."""

import pytest

from smtpproxy.smtp.protocols import LMTP, PROTOCOLS, SMTP
from smtpproxy.smtp.state import HELLO


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_a_client_says_first(name: str) -> None:
    """It is one of the verbs by which a client introduces itself."""
    protocol = PROTOCOLS[name]
    assert protocol.hello in protocol.hellos <= HELLO
    assert name in protocol.schemes


def test_no_hello_belongs_to_both() -> None:
    """RFC 2033 §4.1: a client that speaks the wrong protocol can't miss it."""
    assert not SMTP.hellos & LMTP.hellos
    assert SMTP.hellos | LMTP.hellos == HELLO


def test_lmtp_has_no_port() -> None:
    """RFC 2033 §3: it is used by arrangement only, and never on port 25."""
    assert LMTP.port is None
    assert {port for _, port in LMTP.schemes.values()} == {None}
