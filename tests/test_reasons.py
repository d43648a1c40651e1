"""Rules of reasons: how they are read, and which of them decides."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smtpproxy.reasons import (
    NAMES,
    Reason,
    Reasons,
    ReasonsError,
    built_in,
    load_reasons,
    one_line,
    read_rules,
    without_names,
)
from smtpproxy.smtp.facts import Reply

# Both files as KumoMTA reads them: the first pattern of the first file wins.
FIRST = """
[rules]
foo = ["woot", "aaa"]
bar = ["woot", "aaa", "bbb"]
"""
SECOND = """
[rules]
second_file = ["bbb", "ccc"]
"""


def reply(text: str) -> Reply:
    """Return a reply whose lines are apart by LF."""
    lines = text.split("\n")
    return Reply(int(lines[-1][:3]), "".join(f"{line}\r\n" for line in lines).encode())


@pytest.mark.parametrize(
    ("text", "name"),
    [("550 woot", "foo"), ("550 aaa", "foo"), ("550 bbb", "bar"), ("550 ccc", "second_file")],
)
def test_the_first_pattern_decides(text: str, name: str) -> None:
    """Files, reasons and patterns are asked in the order in which they stand."""
    rules = Reasons([*read_rules(FIRST, "a"), *read_rules(SECOND, "b")])
    assert rules.reason(reply(text)).name == name


def test_what_no_pattern_knows() -> None:
    """Nothing is guessed."""
    assert Reasons([]).reason(reply("550 What")) == ("Uncategorized", "")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("550 5.1.1 No such user", "550 5.1.1 No such user"),
        ("550-5.1.1 No such\n550 5.1.1 user", "550 5.1.1 No such user"),
        ("550-No such\n550 user", "550 No such user"),
        ("550", "550"),
        ("421-4.7.0 [x]  Later\n421-4.7.0\n421 4.7.0  please", "421 4.7.0 [x]  Later please"),
    ],
)
def test_a_reply_as_rules_see_it(text: str, line: str) -> None:
    """Its codes stand once, before the words of all lines."""
    assert one_line(reply(text)) == line


def test_a_file_comes_before_what_ships(tmp_path: Path) -> None:
    """A user's rule decides, also where a rule of the proxy's own knows the words."""
    file = tmp_path / "mine.toml"
    file.write_text('[rules]\nMine = ["(?i)no such user"]\n')
    assert load_reasons([file]).reason(reply("550 5.1.1 No such user")).name == "Mine"
    assert built_in().reason(reply("550 5.1.1 No such user")).name != "Mine"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[rules", "is not TOML"),
        ("rules = 1", "expected a table [rules]"),
        ("x = 1", "expected a table [rules]"),
        ("[rules]\nA = 1", "A: expected a list of patterns"),
        ("[rules]\nA = [1]", "A: expected a list of patterns"),
        ("[rules]\nA = ['(']", "A: the pattern '(' can't be read"),
        ("[rules]\nA = ['(?=x)']", "A: the pattern '(?=x)' can't be read"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, problem: str) -> None:
    """A file that can't be used is told in one line that names it."""
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ReasonsError) as told:
        load_reasons([file])
    assert str(told.value).startswith(f"{file}: ")
    assert problem in str(told.value)
    assert "\n" not in str(told.value)


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    """They are named, too."""
    with pytest.raises(ReasonsError, match="can't be read: No such file"):
        load_reasons([tmp_path / "nowhere.toml"])
    (tmp_path / "odd.toml").write_bytes(b"\xff")
    with pytest.raises(ReasonsError, match="is not UTF-8"):
        load_reasons([tmp_path / "odd.toml"])


def test_a_pattern_can_not_hang_the_proxy() -> None:
    """It is matched in linear time, and of a long reply only the beginning is looked at."""
    rules = Reasons([Reason("Odd", "(a+)+$")])
    begun = time.process_time()
    assert rules.reason(reply("550 " + "a" * 500_000 + "b")).name == "Odd"
    assert time.process_time() - begun < 0.1


@pytest.mark.parametrize(
    ("text", "name", "later"),
    [
        ("550 5.1.1 <bob@example.com>: User unknown", "InvalidRecipient", False),
        ("550 5.2.1 This account is disabled", "InactiveMailbox", False),
        ("452 4.2.2 Mailbox full", "QuotaIssues", True),
        ("552 5.3.4 Message size exceeds fixed limit", "QuotaIssues", False),
        ("452 4.5.3 Too many recipients", "TooManyRecipients", True),
        ("552 Too many recipients", "TooManyRecipients", True),
        ("554 5.7.1 <bob@example.com>: Relay access denied", "RelayDenied", False),
        ("550 5.1.2 Domain not found", "BadDomain", False),
        ("553 5.1.8 Domain of sender address does not exist", "InvalidSender", False),
        ("550 5.7.26 SPF and DKIM did not pass", "AuthenticationFailed", False),
        ("554 5.7.1 Client host blocked using zen.spamhaus.org", "SpamBlock", False),
        ("421 4.7.1 Your IP address is on our blocklist", "SpamBlock", False),
        ("550 5.7.1 This message looks like spam", "SpamContent", False),
        ("550 Message contains a virus", "VirusRelated", False),
        (
            "550-Verification failed\n550-No such user\n550 Sender verify failed",
            "InvalidSender",
            False,
        ),
        ("451 4.7.1 Greylisted, try again in 5 minutes", "TransientFailure", True),
        ("550 You have sent too many messages this hour", "TransientFailure", True),
        ("503 5.5.1 Bad sequence of commands", "ProtocolErrors", False),
        ("550 5.7.1 Rejected by policy", "PolicyRelated", False),
        ("550 用户不存在", "InvalidRecipient", False),
        # Words that say nothing: the enhanced status code, qmail's way of writing it, the code
        ("550 5.2.2 No", "QuotaIssues", False),
        ("550 no (#5.1.8)", "InvalidSender", False),
        ("502 No", "ProtocolErrors", False),
        ("550 No", "Uncategorized", False),
        ("450 No", "Uncategorized", True),
    ],
)
def test_typical_words(text: str, name: str, later: bool) -> None:
    """What servers say often is told by the rules that ship, and whether to try again."""
    reason, retryable = built_in().judge(reply(text))
    assert reason.name == name, reason.rule
    assert retryable is later


def test_the_rules_that_ship_are_whole() -> None:
    """Each has a name that is explained, and those on trying again say yes or no."""
    rules = built_in()
    assert {rule.name for rule in rules.rules} <= set(NAMES)
    assert {rule.name for rule in rules.retry} <= {"yes", "no"}


@pytest.mark.parametrize(
    ("text", "general"),
    [
        ("550 5.1.1 <bob@example.net>: User unknown", "550 5.1.1 <x@x>: User unknown"),
        ("554 5.7.1 Host [192.0.2.7] is listed", "554 5.7.1 Host [0.0.0.0] is listed"),
        ("451 4.7.1 Later (id 4bXk0001zQ)", "451 4.7.1 Later (id x0)"),
        ("421 mx7.example.net busy, 86400 s", "421 x0 busy, x0 s"),
        # What a rule may well go by
        ("550 5.7.1 S3150 on our list, 554.30", "550 5.7.1 S3150 on our list, 554.30"),
        ("550 RBL 521 blocked", "550 RBL 521 blocked"),
    ],
)
def test_what_differs_each_time_is_left_out(text: str, general: str) -> None:
    """Addresses and names say nothing; short numbers may."""
    assert without_names(text) == general


@pytest.mark.parametrize("word", ["a.", "a@", "1.", "a-", "@", "1"])
def test_a_long_word_takes_no_time(word: str) -> None:
    """A hostile upstream may say what it likes: nothing in it is gone through twice."""
    long = reply("550 " + word * 1000)
    begun = time.process_time()
    for _ in range(20):
        built_in().judge(long)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("text", "problem"), [("X = ['']", "an empty pattern"), ("x = " + "[" * 5000, "not TOML")]
)
def test_more_mistakes(text: str, problem: str) -> None:
    """A pattern that fits everything is none, and no file is too deep to be refused."""
    with pytest.raises(ReasonsError, match=problem):
        read_rules(f"[rules]\n{text}", "mine.toml")
