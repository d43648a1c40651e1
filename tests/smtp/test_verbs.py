"""The verbs that are known."""

import pytest

from smtpproxy.smtp.client import HOLDING, parse_command
from smtpproxy.smtp.verbs import KNOWN_VERBS


@pytest.mark.parametrize(
    "verbs",
    [
        "HELO EHLO MAIL RCPT DATA RSET VRFY EXPN HELP NOOP QUIT",  # RFC 5321 §4.1.1
        "SEND SOML SAML TURN",  # RFC 821 §4.1.1
        "LHLO",  # RFC 2033
        "BDAT",  # RFC 3030
        "AUTH",  # RFC 4954
        "STARTTLS",  # RFC 3207
        "ETRN",  # RFC 1985
        "ATRN",  # RFC 2645
        "BURL",  # RFC 4468
        "XCLIENT XFORWARD",
    ],
)
def test_defined_verbs(verbs: str) -> None:
    """Every verb that an RFC defines, and Postfix's own two, are known."""
    assert set(verbs.split()) <= KNOWN_VERBS


def test_verbs_are_as_the_parser_writes_them() -> None:
    """A known verb is found by what the parser makes of a line that begins with it."""
    for verb in KNOWN_VERBS:
        assert parse_command(f"{verb.lower()} x\r\n".encode()).verb == verb


def test_holding_verbs_are_known() -> None:
    """Every verb whose reply decides about framing is among the known ones."""
    assert HOLDING <= KNOWN_VERBS
