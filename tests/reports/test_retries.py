"""Which mail transactions are tried again."""

import pytest

from smtpproxy.reports import retries as module
from smtpproxy.reports.reported import Attempt
from smtpproxy.reports.retries import Retries

FIRST = Attempt("run-1", 1)
BOTH = frozenset({"b@x", "c@x"})


def failed(message_id: str = "<1@x>") -> Retries:
    """Return retries that know of one failed attempt."""
    retries = Retries()
    retries.failed(FIRST, "a@x", [BOTH], message_id)
    return retries


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ("<1@x>", "<1@x>", FIRST),
        ("<1@x>", "<2@x>", None),
        ("", "<1@x>", FIRST),
        ("<1@x>", "", FIRST),
        ("", "", FIRST),
    ],
)
def test_the_message_id_counts_where_it_is_known(
    before: str, now: str, found: Attempt | None
) -> None:
    """Where one of the two never came to its message, the envelope decides."""
    assert failed(before).earlier("a@x", BOTH, now) == found


def test_the_envelope_counts() -> None:
    """Another sender, or other recipients, is another message."""
    assert failed().earlier("z@x", BOTH, "<1@x>") is None
    assert failed().earlier("a@x", frozenset({"b@x"}), "<1@x>") is None


def test_an_attempt_is_repeated_once() -> None:
    """What was tried again is forgotten: a third attempt repeats the second, if that failed."""
    retries = failed()
    assert retries.earlier("a@x", BOTH, "<1@x>") == FIRST
    assert retries.earlier("a@x", BOTH, "<1@x>") is None
    assert retries.earlier("a@x", BOTH, "") is None


def test_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten first."""
    monkeypatch.setattr(module, "_MOST", 4)
    retries = Retries()
    for number in range(5):
        retries.failed(Attempt("run-1", number), f"{number}@x", [BOTH], "<1@x>")
    assert retries.earlier("0@x", BOTH, "<1@x>") is None
    assert retries.earlier("4@x", BOTH, "<1@x>") == Attempt("run-1", 4)
