"""The registry of enhanced status codes."""

from __future__ import annotations

import pytest

from smtpproxy.codes import STAGES, wording
from smtpproxy.enhanced import DETAILS, status


@pytest.mark.parametrize(
    ("code", "class_", "subject", "detail"),
    [
        ("5.1.1", "permanent failure", "addressing", "Bad destination mailbox address"),
        ("4.2.2", "persistent transient failure", "mailbox", "Mailbox full"),
        ("2.1.5", "success", "addressing", "Destination address valid"),
        (
            *("5.7.26", "permanent failure", "security or policy"),
            "Multiple authentication checks failed",
        ),
        ("5.7.515", "permanent failure", "security or policy", ""),
        ("5.9.1", "permanent failure", "unknown", ""),
    ],
)
def test_status(code: str, class_: str, subject: str, detail: str) -> None:
    """Class, subject and detail are told; what the registry does not have, it does not name."""
    found = status(code)
    assert found is not None
    assert (found.class_, found.subject, found.detail) == (class_, subject, detail)
    assert found.known is bool(detail)


def test_no_status() -> None:
    """A reply without an enhanced status code has none."""
    assert status("") is None


def test_the_registry_is_whole() -> None:
    """It has the details of RFC 3463, and what came after it up to X.7.30."""
    many = {subject: sum(one == subject for one, _ in DETAILS) for subject, _ in DETAILS}
    assert many == {0: 1, 1: 11, 2: 5, 3: 7, 4: 8, 5: 7, 6: 11, 7: 31}


@pytest.mark.parametrize("row", [(stage, code) for stage in STAGES for code in STAGES[stage]])
def test_what_is_injected_is_in_the_registry(row: tuple[str, int]) -> None:
    """A code that a rule names alone never brings an enhanced status code that nobody defined."""
    enhanced = wording(*row).enhanced
    if enhanced:
        found = status(enhanced)
        assert found is not None
        assert found.known
        assert int(enhanced[0]) == row[1] // 100
