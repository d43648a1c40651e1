"""`times:` says which of a rule's matches fire."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.rules.ledger import Ledger
from smtpproxy.rules.load import read_rules
from smtpproxy.rules.model import rule_book
from smtpproxy.rules.times import ALWAYS, KEYS, SCHEMA, Times


def times_in(text: str, stage: str = "RCPT") -> Times:
    """Return what a rule file says by `times:`."""
    written = f"smtpproxy-rules: 1\nrules:\n- {stage}: {{delay: 1 s}}\n  times: {text}\n"
    (rule,) = read_rules(written.encode(), "rules.yaml")
    return rule.times


def firing(text: str, moments: Iterable[float], draws: Iterable[float] = ()) -> list[int]:
    """Return which of the matches at these moments fire, from 1."""
    times, ledger, drawn = times_in(text), Ledger(), iter(draws)
    found = []
    for number, now in enumerate(moments, start=1):
        account = ledger.account("key", "", now, times.forget)
        if times.let(account, now, now, lambda: next(drawn)):
            found.append(number)
    return found


TEN = [float(at) for at in range(10)]


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("2", [1, 2]),
        ("{first: 2}", [1, 2]),
        ("{every: 3}", [3, 6, 9]),
        ("{after: 7}", [8, 9, 10]),
        ("{until: 3}", [1, 2]),
        ("{until: 3 s after first}", [1, 2, 3]),
        ("{from: 2 s, to: 5 s}", [3, 4, 5]),
        ("{to: 2 s}", [1, 2]),
        ("{after: 3, first: 2}", [4, 5]),
        ("{after: 1, every: 2, first: 2}", [3, 5]),
        ("{from: 5 s, first: 1}", [6]),
        ("{from: 2 s, every: 2}", [4, 6, 8, 10]),
        ("{every: 2, until: 5}", [2, 4]),
    ],
)
def test_which_matches_fire(text: str, fires: list[int]) -> None:
    """Ten matches, one a second since the run began: each part must let one fire."""
    assert firing(text, TEN) == fires


def test_rate() -> None:
    """So many pass within any such time, and the others fire; those do not count."""
    seconds = [0.0, 1.0, 2.0, 3.0, 9.9, 10.0, 10.5, 11.0, 12.0]
    assert firing("{above: 2, within: 10 s}", seconds) == [3, 4, 5, 7, 9]


def test_chance_is_drawn_last() -> None:
    """Only a match that would fire is drawn for, and only one that fires counts as a firing."""
    draws = [0.9, 0.1, 0.9, 0.1]
    assert firing("{after: 2, first: 2, chance: 50 %}", TEN, draws) == [4, 6]


def test_what_is_forgotten_begins_anew() -> None:
    """After so long without a match the next one is the first again."""
    moments = [0.0, 60.0, 119.0, 179.0, 180.0]
    assert firing("{first: 1, forget: 1 min}", moments) == [1, 2, 4]


def test_per() -> None:
    """The scope is read; without it, it is the run."""
    assert times_in("{first: 1, per: triplet}").per == "triplet"
    assert times_in("1").per == ""


MISTAKES = [
    ("0", "from 1 on, got '0'"),
    ("soon", "from 1 on, got 'soon'"),
    ("[1]", "expected a number of times"),
    ("{}", "expected a number of times"),
    ("{frist: 1}", "times: unknown key 'frist'; did you mean 'first'?"),
    ("{first: 0}", "from 1 on"),
    ("{every: 0}", "from 1 on"),
    ("{until: 1}", "it would never fire"),
    ("{after: 3, until: 4}", "it would never fire"),
    ("{until: 5 min}", "expected a number, or a time such as '5 min after first'"),
    ("{until: 0 s after first}", "expected more than no time"),
    ("{from: 60 s, to: 10 s}", "expected from: to be before to:"),
    ("{above: 10}", "expected within: 1 min beside it"),
    ("{within: 1 min}", "expected above: 10 beside it"),
    ("{above: 20000, within: 1 min}", "no more than 10,000"),
    ("{chance: 1.2}", "above 0 and up to 1"),
    ("{first: 1, per: recipeint}", "did you mean 'recipient'?"),
    ("{first: 1, forget: 0 s}", "expected more than no time"),
]


@pytest.mark.parametrize(("text", "words"), MISTAKES)
def test_mistakes(text: str, words: str) -> None:
    """Each is one line with its place, and what was expected."""
    with pytest.raises(DocumentError) as caught:
        times_in(text)
    assert str(caught.value).startswith("rules.yaml:4: rule 'RCPT': times: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "per"), [("MAIL", "recipient"), ("MAIL", "triplet"), ("EHLO", "sender")]
)
def test_scope_must_be_known(stage: str, per: str) -> None:
    """Nothing is counted by what is not known at the stage."""
    with pytest.raises(DocumentError, match=f"at {stage} no {per} is known yet"):
        times_in(f"{{first: 1, per: {per}}}", stage)


def test_scope_may_look_back() -> None:
    """A triplet takes the sender who was accepted: RCPT waits for the reply to MAIL."""
    for per, waits in (("triplet", True), ("sender", True), ("recipient", False), ("run", False)):
        text = f"smtpproxy-rules: 1\nrules:\n- RCPT: 450\n  times: {{first: 1, per: {per}}}\n"
        book = rule_book(read_rules(text.encode(), "rules.yaml"))
        assert ("RCPT" in book.waiting) is waits, per


def test_words_and_schema_name_all() -> None:
    """Each part has its place in the schema, and its words."""
    assert list(SCHEMA["anyOf"][1]["properties"]) == list(KEYS)
    assert ALWAYS.words == ""
    told = times_in("{first: 2, every: 3, after: 4, until: 50, per: client}").words
    assert told == (
        "after 4 that pass, one of every 3, the first 2 times, until number 50, which passes, "
        "counted for each client"
    )
