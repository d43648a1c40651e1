"""What a person is told of upstream, even where there is no log."""

from __future__ import annotations

import pytest

from smtpproxy.alarm import Alarm
from smtpproxy.transcript import Note, Session

SESSION = Session(1, "run-1", "192.0.2.7:40000", "tcp:mail.example.org:25", 0.0)


def said(capfd: pytest.CaptureFixture[str], *notes: tuple[str, str]) -> list[str]:
    """Return what is said on standard error about these facts."""
    alarm = Alarm()
    for fact, detail in notes:
        alarm.noted(SESSION, Note(fact, detail, b"", 0.0))
    return capfd.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("fact", "detail", "line"),
    [
        ("upstream-unreachable", "nobody there", "tcp:mail.example.org:25: nobody there"),
        (
            "tls-failed",
            "client: the peer does not trust our certificate",
            "192.0.2.7:40000: no TLS with client: the peer does not trust our certificate",
        ),
        (
            "tls-failed",
            "upstream: what came was not TLS",
            "tcp:mail.example.org:25: no TLS with upstream: what came was not TLS; "
            "if it speaks STARTTLS, --tls originate asks for it",
        ),
        (
            "timeout",
            "upstream CONNECT",
            "tcp:mail.example.org:25: upstream did not greet in time; "
            "where TLS comes first, as on port 465, say smtps://HOST",
        ),
    ],
)
def test_each_problem_is_one_line(
    fact: str, detail: str, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says whose leg it is, and what may help."""
    assert said(capfd, (fact, detail)) == [f"smtpproxy: {line}"]


def test_the_same_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Also where it is told as two facts, and of sessions without end."""
    problem = ("tls-failed", "upstream: the certificate is not for mail.example.org")
    again = ("upstream-unreachable", "no TLS with upstream: the certificate is not for it")
    other = ("upstream-unreachable", "nobody there")
    assert len(said(capfd, problem, again, other, problem, other)) == 2


@pytest.mark.parametrize("fact", ["ended", "stray-line", "tls"])
def test_what_is_no_problem_is_not_told(fact: str, capfd: pytest.CaptureFixture[str]) -> None:
    """That is for the log."""
    assert said(capfd, (fact, "quit")) == []


def test_a_slow_client_is_not_told_of(capfd: pytest.CaptureFixture[str]) -> None:
    """Only an upstream that never greets may be a wrong endpoint."""
    assert said(capfd, ("timeout", "client idle")) == []
