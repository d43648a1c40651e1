"""What a reply code means where it stands."""

import pytest

from smtpproxy.classify import Classification, classify, explain
from smtpproxy.codes import STAGES
from smtpproxy.reasons import Reason, Reasons
from smtpproxy.smtp.facts import Reply


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
                subject="mail system",
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
                subject="mail system",
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
                subject="syntax",
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
                subject="mail system",
            ),
        ),
        (
            *("MAIL", 499),
            Classification(
                severity="transient",
                meaning="",
                known=False,
                listed=False,
                anywhere=False,
                subject="unspecified",
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


@pytest.mark.parametrize(
    ("code", "subject"),
    [
        *((500, "syntax"), (214, "information"), (421, "connections"), (550, "mail system")),
        *((334, "unspecified"), (444, "unspecified"), (999, "unspecified")),
    ],
)
def test_subject(code: int, subject: str) -> None:
    """RFC 5321 §4.2.1: the second digit tells; 3 and 4 are unspecified."""
    assert classify("RCPT", code).subject == subject


@pytest.mark.parametrize(
    ("stage", "code", "place"),
    [
        *(("RCPT", 550, "listed"), ("NOOP", 503, "allowed anywhere"), ("RCPT", 354, "unlisted")),
        *(("QUIT", 421, "allowed anywhere"), ("END-OF-DATA", 421, "listed")),
    ],
)
def test_place(stage: str, code: int, place: str) -> None:
    """A code that may come anywhere is not the same as one that is listed."""
    assert classify(stage, code).place == place


RULES = Reasons(
    [Reason("InvalidRecipient", "(?i)no such user"), Reason("QuotaIssues", "^4.. 4[.]2[.]2 ")],
    [Reason("no", "^QuotaIssues: .*forever")],
)


def told(text: str, stage: str = "RCPT") -> tuple[object, ...]:
    """Return what is said of a reply, answer by answer."""
    wire = text.encode() + b"\r\n"
    found = explain(Reply(int(text[:3]), wire), stage, RULES)
    status = found.status.detail if found.status else None
    reason = found.reason.name if found.reason else None
    return found.standing.severity, status, found.contradicts, reason, found.retryable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250 2.1.5 Ok", ("success", "Destination address valid", False, None, None)),
        ("250 Ok", ("success", None, False, None, None)),
        (
            "550 5.1.1 No such user",
            ("permanent", *("Bad destination mailbox address", False), "InvalidRecipient", False),
        ),
        # Each answer stands for itself: the enhanced status code contradicts the reply code.
        (
            "550 4.2.2 No such user",
            ("permanent", "Mailbox full", True, "InvalidRecipient", False),
        ),
        ("452 4.2.2 Later", ("transient", "Mailbox full", False, "QuotaIssues", True)),
        ("452 4.2.2 Full forever", ("transient", "Mailbox full", False, "QuotaIssues", False)),
        ("550 5.9.99 What", ("permanent", "", False, "Uncategorized", False)),
        ("699 What", ("unknown", None, False, None, None)),
    ],
)
def test_four_answers(text: str, expected: tuple[object, ...]) -> None:
    """Code, enhanced status code, reason, and whether to try again are told apart."""
    assert told(text) == expected


def test_the_pattern_that_decided_is_named() -> None:
    """Whoever doubts a reason can look at its rule."""
    reply = Reply(550, b"550 No such user\r\n")
    assert explain(reply, "RCPT", RULES).reason == ("InvalidRecipient", "(?i)no such user")
