"""What a reply code means where it stands."""

import pytest

from smtpproxy.classify import Classification, classify
from smtpproxy.codes import STAGES


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        *((200, "success"), (250, "success"), (299, "success")),
        *((300, "intermediate"), (354, "intermediate"), (399, "intermediate")),
        *((400, "transient"), (451, "transient"), (499, "transient")),
        *((500, "permanent"), (554, "permanent"), (599, "permanent")),
        *((0, "unknown"), (99, "unknown"), (120, "unknown"), (600, "unknown"), (999, "unknown")),
    ],
)
def test_severity(code: int, severity: str) -> None:
    """RFC 5321 §4.2.1: the first digit tells, at any stage; 1xx and 6xx are not of SMTP."""
    for stage in (*STAGES, "XYZZY"):
        assert classify(stage, code).severity == severity


@pytest.mark.parametrize(
    ("stage", "code", "expected"),
    [
        (
            *("RCPT", 550),
            Classification(
                severity="permanent",
                meaning="Requested action not taken: mailbox unavailable",
                known=True,
                listed=True,
                anywhere=False,
            ),
        ),
        (
            *("RCPT", 354),
            Classification(
                severity="intermediate",
                meaning="Start mail input; end with <CRLF>.<CRLF>",
                known=True,
                listed=False,
                anywhere=False,
            ),
        ),
        (
            *("NOOP", 503),
            Classification(
                severity="permanent",
                meaning="Bad sequence of commands",
                known=True,
                listed=False,
                anywhere=True,
            ),
        ),
        (
            *("EHLO", 550),
            Classification(
                severity="permanent",
                meaning="Not implemented",
                known=True,
                listed=True,
                anywhere=False,
            ),
        ),
        (
            *("MAIL", 499),
            Classification(
                severity="transient", meaning="", known=False, listed=False, anywhere=False
            ),
        ),
    ],
)
def test_standing(stage: str, code: int, expected: Classification) -> None:
    """A code is known or not, listed for its stage or not, and allowed anywhere or not."""
    assert classify(stage, code) == expected


def test_unknown_stage() -> None:
    """At an unknown stage nothing is listed, and codes keep their general meaning."""
    found = classify("XYZZY", 250)
    assert (found.meaning, found.known) == ("Requested mail action okay, completed", True)
    assert found.listed is False


def test_end_of_mail_data_is_not_data() -> None:
    """354 answers DATA alone, and 250 the end of mail data alone (RFC 5321 §4.3.2)."""
    assert [classify(stage, 354).listed for stage in ("DATA", "END-OF-DATA")] == [True, False]
    assert [classify(stage, 250).listed for stage in ("DATA", "END-OF-DATA")] == [False, True]
