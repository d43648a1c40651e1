"""The sieve leaves out rules that can't match, and never one that does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.rules.pattern import Pattern, may_fit
from tests.dialogue import rules_in
from tests.rules.occasions import occasion

MAIL = "MAIL FROM:<a@example.org>"
RULES = (
    *("RCPT bob@example.net: 450", "RCPT '*@example.com': 451", "RCPT /^c.*net$/: 452"),
    *("{RCPT: 550, when: {sender: 'z@*'}}", "RCPT: {delay: 1 s}"),
)


def left(recipient: str, *rules: str) -> list[int]:
    """Return the codes of the rules that are still asked."""
    asked = rules_in(*rules).before["RCPT"]
    return [rule.code for rule in asked.sift(occasion(f"RCPT TO:<{recipient}>", MAIL))]


def test_rules_for_others_are_left_out() -> None:
    """Where no pattern fits, only rules without one are asked; else all, in order."""
    assert left("x@example.org", *RULES) == [550, 0]
    for recipient in ("BOB@example.net", "x@Example.COM", "carol@example.net"):
        assert left(recipient, *RULES) == [450, 451, 452, 550, 0]


def test_rules_for_other_senders_are_left_out() -> None:
    """The same holds for senders."""
    rules = [f"{{RCPT: {450 + at}, when: {{sender: {name}@*}}}}" for at, name in enumerate("xyz")]
    assert left("b@example.net", *rules) == []
    assert left("b@example.net", *rules, "{RCPT: 453, when: {sender: a@*}}") == [*range(450, 454)]


def test_what_is_not_ascii_is_left_to_each_rule() -> None:
    """There are letters whose cases are told apart in more than one way."""
    assert left("\u017ftra\u00dfe@example.org", *RULES) == [450, 451, 452, 550, 0]


def test_pattern_within_not_leaves_nothing_out() -> None:
    """A rule for all but some is asked about all."""
    rules = [f"{{RCPT: {450 + at}, when: {{not: {{recipient: {at}@*}}}}}}" for at in range(4)]
    assert left("b@example.net", *rules) == [450, 451, 452, 453]


_WORDS = st.text("ab@.*?/^$\\éS", max_size=6)


def _patterns(texts: list[str]) -> list[Pattern]:
    found = []
    for text in texts:
        try:
            found.append(Pattern(text))
        except ValueError:
            continue
    return found


@given(st.lists(_WORDS, max_size=6).map(_patterns), st.text("ab@.\u00e9Ss\u017f", max_size=6))
def test_trying_all_at_once_misses_none(patterns: list[Pattern], address: str) -> None:
    """Whatever fits one pattern may fit all of them together."""
    if any(pattern.matches(address) for pattern in patterns):
        assert may_fit(patterns)(address)


def test_patterns_of_one_group_name_stand_together() -> None:
    """Two groups of one name are no error, and neither is missed."""
    test = may_fit([Pattern("/(?P<a>b)/"), Pattern("/(?P<a>c)/")])
    assert test("b")
    assert test("c")


def test_a_pattern_whose_quoting_is_not_ended_hides_no_other() -> None:
    r"""Behind `\Q` all is taken as it stands, up to an `\E` that may never come."""
    patterns = [Pattern(r"/\Qa/"), Pattern(r"/b\Q.\Ex/"), Pattern("/c/")]
    test = may_fit(patterns)
    for address in ("a", "b.x", "c"):
        assert any(pattern.matches(address) for pattern in patterns)
        assert test(address)
