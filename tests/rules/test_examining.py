"""All problems of a rule file are told, and rules that can never fire are among them."""

from __future__ import annotations

import pytest

from smtpproxy.rules.examining import problems

HEAD = "smtpproxy-rules: 1\nrules:\n"


def told(*rules: str) -> list[str]:
    """Return what is wrong with a file of these rules, each on a line of its own from 3 on."""
    text = HEAD + "".join(f"- {rule}\n" for rule in rules)
    return [str(problem) for problem in problems(text.encode(), "a.yaml")]


def lines(*rules: str) -> list[int]:
    """Return the lines of what is wrong."""
    text = HEAD + "".join(f"- {rule}\n" for rule in rules)
    return [problem.line for problem in problems(text.encode(), "a.yaml")]


def test_each_rule_may_have_a_problem() -> None:
    """One mistake hides no other."""
    found = told("RCTP: 450", "RCPT: 450", "MAIL: 4500", "{DATA: {dleay: 5 s}}")
    assert [one.partition(": ")[0] for one in found] == ["a.yaml:3", "a.yaml:5", "a.yaml:6"]
    assert "did you mean 'RCPT'?" in found[0]
    assert "did you mean 'delay'?" in found[2]


@pytest.mark.parametrize("text", ["rules: []\n", "a: [\n", "- RCPT: 450\n", "smtpproxy-rules: 3\n"])
def test_no_rule_file_is_one_problem(text: str) -> None:
    """What is no rule file at all is told once."""
    assert len(list(problems(text.encode(), "a.yaml"))) == 1


def test_a_rule_behind_one_that_always_answers() -> None:
    """It is told with its line, and with the rule that answers before it."""
    assert told("{name: all, RCPT: 450}", "{name: some, RCPT bob@example.net: 550}") == [
        "a.yaml:4: rule 'some': can never fire: the rule 'all' of line 3 always answers before it"
    ]


@pytest.mark.parametrize(
    ("rules", "dead"),
    [
        (("RCPT: 450", "RCPT: 550"), [4]),
        (("RCPT: drop", "RCPT: 550"), [4]),
        (("RCPT *@a: 450", "RCPT *@a: 550"), [4]),
        (("RCPT *@a: 450", "{RCPT *@a: 550, when: {sender: x@a}}"), [4]),
        (("{RCPT: 451, when: {reply: 4xx}}", "{RCPT: 452, when: {reply: 45x}}"), [4]),
        (("{RCPT: 451, when: {reply: 4xx}}", "RCPT: 450"), [3]),
        (("RCPT: 450", "{RCPT: {delay: 5 s}, when: {reply: 2xx}}"), [4]),
        (("{MAIL: 450, when: {tls: true}}", "{MAIL: 550, when: {tls: true}}"), [4]),
        (("RCPT: 450", "{RCPT: 550, times: 2}"), [4]),
        (("END-OF-DATA: 450", "{END-OF-DATA: 550, when: {size: over 1 KiB}}"), [4]),
        (("{END-OF-DATA: 550, when: {size: over 1 KiB}}", "END-OF-DATA: 450"), [3]),
        # These may fire.
        (("{RCPT: 450, times: 2}", "RCPT: 550"), []),
        (("{RCPT: 450, when: {chance: 0.5}}", "{RCPT: 550, when: {chance: 0.5}}"), []),
        (("RCPT *@a: 450", "RCPT: 550"), []),
        (("RCPT: 450", "MAIL: 550"), []),
        (("RCPT: {delay: 5 s}", "RCPT: 550"), []),
        (("RCPT: 450", "RCPT: {delay: 5 s}"), []),
        (("RCPT *@a: 450", "RCPT *@b: 550"), []),
        (("{RCPT: 451, when: {reply: 45x}}", "{RCPT: 452, when: {reply: 4xx}}"), []),
        (("{RCPT: 451, when: {reply: 4xx, tls: true}}", "{RCPT: 451, when: {reply: 4xx}}"), []),
        (("{MAIL: 450, when: {tls: true}}", "{MAIL: 550, when: {tls: false}}"), []),
        (("{MAIL: 450, when: {tls: true}}", "MAIL: 550"), []),
    ],
)
def test_which_rules_can_never_fire(rules: tuple[str, ...], dead: list[int]) -> None:
    """A rule is dead where another one is asked first, and matches whenever it does."""
    assert lines(*rules) == dead
