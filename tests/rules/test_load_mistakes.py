"""Every mistake in a rule is one error: file, line, rule, what was expected, and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.rules.load import load_rules, parse_rule, read_rules

# The mistake stands in the second rule, whose name is on line 4.
BEFORE = "smtpproxy-rules: 1\nrules:\n- RSET: 500\n- name: greylist\n"


def mistake_in(text: str) -> DocumentError:
    """Return the error that a file's text gives."""
    with pytest.raises(DocumentError) as caught:
        read_rules(text.encode(), "faults.yaml")
    return caught.value


# What stands behind the name, the line to blame, and words that must be in the error.
MISTAKES = [
    # Stages.
    ("  RCTP: 452", 5, "unknown stage 'RCTP'; did you mean 'RCPT'?"),
    ("  rctp: 452", 5, "did you mean 'RCPT'?"),
    ("  END-OFF-DATA: 552", 5, "did you mean 'END-OF-DATA'?"),
    ("  STARTLS: 454", 5, "did you mean 'STARTTLS'?"),
    ("  note: no stage at all", 4, "one stage"),
    ("  MAIL: 452\n  RCPT: 452", 4, "one stage, got 'MAIL', 'RCPT'"),
    ('  "MA\\nIL": 452\n  RCPT: 452', 5, "unknown key 'MA\\nIL'"),
    ("  CONNECT *@example.net: 421", 5, "CONNECT has no address"),
    # Keys.
    ("  RCPT: {dealy: 30 s}", 5, "unknown key 'dealy'; did you mean 'delay'?"),
    ("  RCPT:\n    replay: 452", 6, "unknown key 'replay'; did you mean 'reply'?"),
    ("  RCPT: 452\n  when: {recipeint: b@example.net}", 6, "did you mean 'recipient'?"),
    ("  RCPT: 452\n  wehn: {recipient: b@example.net}", 6, "did you mean 'when'?"),
    ("  RCPT: 452\n  when: b@example.net", 6, "mapping"),
    ("  RCPT: 452\n  when: {recipient: [b@example.net]}", 6, "expected a text"),
    ("  RCPT: [452]", 5, "expected a reply"),
    (
        "  RCPT:\n    reply: 452\n    when: {tls: true}",
        7,
        "'when'; it stands beside 'RCPT', not in",
    ),
    ("  RCPT: {reply: 452, times: 2}", 5, "'times'; it stands beside 'RCPT', not in it"),
    ("  RCPT: {reply: 450 4.7.1 Later, or never}", 5, "a text with a comma in it is quoted here"),
    ("  RCPT: {}", 5, "expected one of reply, bandwidth, client"),
    ("  RCPT: {upstream: forward}", 5, "expected one of reply, bandwidth, client"),
    ("  RCPT: {reply: 452, client: drop}", 5, "reply: and client: exclude one another"),
    # Replies.
    *((f"  RCPT: {word}", 5, "from 200 to 599") for word in ("199", "600", "45", "4500", "4x0")),
    ("  RCPT:", 5, "reply code"),
    ("  RCPT: refuse", 5, "reply code"),
    ("  RCPT: drpo", 5, "got 'drpo'; did you mean 'drop'?"),
    ("  RCPT: half-closed", 5, "did you mean 'half-close'?"),
    ("  RCPT: {reply: '45O 4.7.1 Later'}", 5, "reply code"),
    ('  RCPT: "450 Later\\r"', 5, r"can't hold '\r'"),
    ('  RCPT: "450 Later\\r\\n250 Ok"', 5, r"can't hold '\r'"),
    ('  RCPT: "450 Lat\\0er"', 5, r"can't hold '\x00'"),
    ("  DATA: 552", 5, "did you mean 'END-OF-DATA'?"),
    ("  DATA: {reply: 250 2.0.0 Taken}", 5, "did you mean 'END-OF-DATA'?"),
    ("  END-OF-DATA: 354", 5, "did you mean 'DATA'?"),
    ("  END-OF-DATA: 503", 5, "did you mean 'DATA'?"),
    # Other faults.
    ("  RCPT: {delay: 30}", 5, "delay: expected a time such as '30 s'"),
    ("  RCPT: {delay: soon}", 5, "delay: expected a time"),
    ("  RCPT:\n    rewrite:\n      sender: a@b", 7, "rewrite: expected recipient, got 'sender'"),
    ('  RCPT: {rewrite: {recipient: "a\\r\\nQUIT"}}', 5, "no blank, no control character"),
    ("  RCPT: {reply: 450, rewrite: {recipient: a@b}}", 5, "upstream, which is not asked"),
    ("  RCPT: {rewrite: {recipient: a@b}}\n  when: {reply: 450}", 5, "comes too late"),
    ("  RCPT: {delay: 2 s, dribble: {octets: 99999999999, every: 1 s}}", 5, "number from 1 to"),
    ("  RCPT: 452\n  times: 9999999999", 6, "no more than 9 digits, got 9999999999"),
    ("  RCPT: {client: dorp}", 5, "half-close, got 'dorp'; did you mean 'drop'?"),
    ("  STARTTLS: {tls: expird}", 5, "'expird'; did you mean 'expired'?"),
    ("  STARTTLS: {tls: [expired]}", 5, "tls: expected a text"),
    ("  EHLO: {tls: expired}", 5, "tls: expected at STARTTLS alone"),
    ("  EHLO: expired", 5, "reply code"),
    ("  STARTTLS: {tls: expired, upstream: none}", 5, "upstream: none needs an answer"),
    ("  MAIL: {keywords: {remove: [SIZE]}}", 5, "expected at EHLO or LHLO alone"),
    ("  EHLO: {keywords: {remve: [SIZE]}}", 5, "'remve'; did you mean 'remove'?"),
    ("  EHLO:\n    keywords:\n      remove:\n      - SIZE\n      - A B", 9, "got 'A B'"),
    ('  EHLO:\n    keywords:\n      set:\n        A: 1\n        B: "\\r"', 9, "printable ASCII"),
    ('  EHLO: {keywords: {set: {"A\\r\\n250 B": 1}}}', 5, "expected a keyword"),
    # Conditions.
    ("  NOOP: 500\n  when: {tls: yes}", 6, "tls: expected true or false, got 'yes'"),
    ("  NOOP: 500\n  when: {tls: TLSv1.3}", 6, "tls: expected true or false"),
    ("  NOOP: 500\n  when: {tls: }", 6, "tls: expected true or false, got ''"),
    # Patterns.
    (
        "  RCPT <b@example.net>: 550",
        5,
        "without angle brackets, got '<b@example.net>'; did you mean",
    ),
    ('  MAIL: 550\n  when: {sender: "<>"}', 6, "sender: expected an address without angle"),
    ("  RCPT /(/: 550", 5, "'/(/' can't be read"),
    ("  RCPT: 550\n  when:\n    sender: /a(?=b)/", 7, "'/a(?=b)/' can't be read"),
    ("  RCPT: 550\n  when: {reply: 6xx}", 6, "550, 55x or 5xx, got '6xx'"),
    # What is not known yet.
    ("  CONNECT: 421\n  when: {recipient: b@example.net}", 6, "no recipient is known yet"),
    ("  MAIL: 452\n  when: {recipient: b@example.net}", 6, "no recipient is known yet"),
    ("  EHLO: 550\n  when: {sender: a@example.org}", 6, "no sender is known yet"),
    # What upstream experiences.
    ("  RCPT: {reply: 452, upstream: forwad}", 5, "did you mean 'forward'?"),
    ("  RCPT: {reply: 452, upstream: maybe}", 5, "expected none, forward or deliver, got 'maybe'"),
    ("  RCPT: {reply: 452, upstream: deliver}", 5, "END-OF-DATA"),
    ("  RCPT: {reply: 452, upstream: none}\n  when: {reply: 4xx}", 5, "can't say upstream: none"),
    ("  RCPT: 450\n  when: {reply: 2xx}", 5, "say upstream: forward"),
    ("  RCPT: 250\n  when: {reply: 550}", 5, "say upstream: forward"),
    ("  RCPT: drop\n  when: {reply: 250}", 5, "say upstream: forward"),
    ("  DATA: 451\n  when: {reply: 354}", 5, "say upstream: forward"),
    *(
        (f"  {stage}: {{reply: {code}, upstream: none}}", 5, "only upstream can keep")
        for stage, code in (("AUTH", 334), ("AUTH", 235), ("STARTTLS", 220), ("TURN", 250))
    ),
]


@pytest.mark.parametrize(("rule", "line", "words"), MISTAKES)
def test_mistake_in_a_rule(rule: str, line: int, words: str) -> None:
    """The error names file, line and rule, and says what was expected."""
    error = mistake_in(BEFORE + rule + "\n")
    assert str(error).startswith(f"faults.yaml:{line}: rule 'greylist': ")
    assert words in str(error)
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    ("rule", "name"),
    [("- RCPT: 999", "RCPT"), ("- RCPT *@example.net: 999", "RCPT *@example.net"), ("- {}", "1")],
)
def test_rule_without_a_name_is_known_by_its_stage(rule: str, name: str) -> None:
    """The error of a rule without `name:` names its stage and pattern, or its number."""
    error = mistake_in(f"smtpproxy-rules: 1\nrules:\n{rule}\n")
    assert str(error).startswith("faults.yaml:3: rule ")
    assert f"{name}'" in str(error)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "'smtpproxy-rules: 1'"),
        ("# nothing\n", 1, "'smtpproxy-rules: 1'"),
        ("- RCPT: 452\n", 1, "'smtpproxy-rules: 1'"),
        ("rules:\n- RCPT: 452\n", 1, "'smtpproxy-rules: 1'"),
        ("rules: []\nsmtpproxy-rules: 2\n", 2, "version 1"),
        ("smtpproxy-rules: one\nrules: []\n", 1, "version 1"),
        ("smtpproxy-rules: 1\n", 1, "rules:"),
        ("smtpproxy-rules: 1\nrules: 452\n", 1, "rules:"),
        ("smtpproxy-rules: 1\nruels:\n- RCPT: 452\n", 2, "did you mean 'rules'?"),
        ("smtpproxy-rules: 1\nrules:\n- RCPT\n", 3, "RCPT: 452"),
        ("smtpproxy-rules: 1\nrules:\n- RCPT: 550 No: never\n", 3, 'RCPT: "550 No: never"'),
        ("smtpproxy-rules: 1\nrules: []\n---\nrules: []\n", 4, "one document, and no more"),
        (
            'smtpproxy-rules: 1\nrules:\n- RCPT: 550\n  when: {sender: "/a\\./"}\n',
            4,
            "between single quotes",
        ),
        ("smtpproxy-rules: 1\nrules:\n- RCPT: 550\n  when: {sender: *@b}\n", 4, "begins with * is"),
        ("smtpproxy-rules: 1\nrules:\n- RCPT: &a 550\n", 3, "anchors"),
        ("smtpproxy-rules: 1\nrules:\n- RCPT: 550\n  RCPT: 450\n", 4, "twice"),
    ],
)
def test_mistake_in_a_file(text: str, line: int, words: str) -> None:
    """What is no rule file, or not of this version, is refused with file and line."""
    error = mistake_in(text)
    assert (error.source, error.line) == ("faults.yaml", line)
    assert words in str(error)


def test_file_that_can_not_be_read(tmp_path: Path) -> None:
    """A missing file, and one that is not UTF-8, is a DocumentError that names it."""
    missing, odd = tmp_path / "missing.yaml", tmp_path / "odd.yaml"
    odd.write_bytes(b"smtpproxy-rules: 1\nrules:\n- RCPT: 450 \xff\n")
    with pytest.raises(DocumentError, match=r"missing\.yaml: can't be read"):
        load_rules(missing)
    with pytest.raises(DocumentError, match=r"odd\.yaml:3: is not UTF-8"):
        load_rules(odd)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RCPT", "'RCPT: 452'"),
        ("RCPT:452", "'RCPT: 452'"),
        ("RCTP: 452", "did you mean 'RCPT'?"),
        ("RCPT: 999", "from 200 to 599"),
        ("DATA: 552", "did you mean 'END-OF-DATA'?"),
        ("RCPT: {dealy: 3 s}", "did you mean 'delay'?"),
        ("RCPT: {delay: 3 s", "not YAML"),
        ('RCPT: "450 4.7.1 Later" 452', "RCPT"),
        ("RCPT: 450 \udcff", "RCPT"),
        ('RCPT: "450 \udcff"', "RCPT"),
        ("RCPT /\udcff/: 450", "RCPT"),
    ],
)
def test_mistake_on_the_command_line(text: str, words: str) -> None:
    """The error names the option and the rule as it was typed, and has no line.

    An octet of the command line that is not UTF-8 reaches Python as a lone surrogate.
    """
    with pytest.raises(DocumentError) as caught:
        parse_rule(text)
    assert str(caught.value).startswith("--rule ")
    assert words in str(caught.value)
    assert caught.value.line == 0
