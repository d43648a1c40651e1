"""Redaction files are read, and every mistake is told with its line."""

from pathlib import Path

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.private.redactionrules import load_privacy, octet_pattern, read_privacy

HEAD = "smtpproxy-redaction: 1\n"


def read(text: str) -> Privacy:
    """Return what a file of this text asks for."""
    return read_privacy((HEAD + text).encode(), "redact.yaml")


def test_a_file_with_everything() -> None:
    """Each key does what it says."""
    privacy = read(
        """
addresses: pseudonyms
key: "of this project"
keep: ["*@kept.corp", mail.nest.corp]
headers: {remove: [X-Spam-*, Received], replace: {Subject: "hidden"}}
bodies: replace
replies: false
patterns: ["order [0-9]+", "é+"]
note: "mine"
x-mine: 1
"""
    )
    names = privacy.addresses
    assert names is not None
    assert names.mailbox(b"bob@kept.corp") == b"bob@kept.corp"
    assert names.domain(b"mail.nest.corp") == b"mail.nest.corp"
    assert names.mailbox(b"bob@nest.corp") == Pseudonyms("of this project").mailbox(
        b"bob@nest.corp"
    )
    assert [name for name in ("X-Spam-Flag", "RECEIVED", "To") if _removes(privacy, name)] == [
        "X-Spam-Flag",
        "RECEIVED",
    ]
    assert privacy.replaced == {b"subject": b"hidden"}
    assert (privacy.bodies, privacy.replies) == (True, False)
    assert privacy.unmatched("order 17 é!".encode()) == b"[redacted] [redacted]!"


def _removes(privacy: Privacy, name: str) -> bool:
    return any(removes(name) for removes in privacy.removed)


def test_an_empty_file_hides_nothing_more() -> None:
    """What is not asked for is not done."""
    assert read("") == Privacy()
    assert not Privacy().of_mail


def test_the_short_form() -> None:
    """It is for the common case: addresses, wherever they stand."""
    privacy = load_privacy("addresses")
    assert privacy.text(b"a@nest.corp") == Pseudonyms().mailbox(b"a@nest.corp")
    assert not privacy.bodies


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("adresses: keep", "2: unknown key 'adresses'; did you mean 'addresses'?"),
        (
            "addresses: pseudonym",
            "2: addresses: expected pseudonyms or keep, got 'pseudonym'; did you mean",
        ),
        ("bodies: replaced", "2: bodies: expected keep or replace, got 'replaced'"),
        ("replies: yes", "2: replies: expected true or false, got 'yes'"),
        ("\nkeep: ['*']", "3: keep: means something beside addresses: pseudonyms only"),
        ("addresses: keep\nkey: a", "3: key: means something beside addresses: pseudonyms only"),
        ("addresses: pseudonyms\nkeep:\n- /(/", "4: the pattern '/(/' can't be read"),
        ("headers: [Subject]", "2: headers: is a mapping of remove: and replace:"),
        ("headers:\n  replce: {}", "3: unknown key 'replce'; did you mean 'replace'?"),
        ("headers:\n  remove: ['a b']", "3: expected the name of a header such as Subject"),
        ("headers:\n  replace: [a]", "3: replace: is a mapping such as"),
        ('headers:\n  replace: {Subject: "a\\nb"}', "3: a header's text is one line"),
        (f"headers:\n  replace: {{A: {'b' * 901}}}", "3: a header's text has 900 octets"),
        ("headers: {remove: ['S*'], replace: {Subject: a}}", "2: Subject: is removed already"),
        ("patterns:\n- a\n- '('", "4: the pattern '(' can't be read: missing )"),
        ("patterns: ['a*']", "2: the pattern 'a*' matches where there is nothing"),
        ("patterns: ['']", "2: expected a text"),
        ("patterns: [{a: b}]", "2: expected a text"),
        ('patterns: ["\\ud800"]', "2: "),
    ],
)
def test_mistakes(text: str, problem: str) -> None:
    """Each has file, line, what was expected, and the nearest right word."""
    with pytest.raises(DocumentError) as told:
        read(text)
    assert str(told.value).startswith(f"redact.yaml:{problem}")


@pytest.mark.parametrize("octets", [b"", b"a: b\n", b"- a\n", b"a\n---\nb\n"])
def test_what_is_no_redaction_file(octets: bytes) -> None:
    """It is said what was expected."""
    with pytest.raises(DocumentError, match=r"^f:1: is no redaction file: expected"):
        read_privacy(octets, "f")


def test_another_version() -> None:
    """A newer file is refused."""
    with pytest.raises(DocumentError, match=r"^f:1: this release reads .* version 1$"):
        read_privacy(b"smtpproxy-redaction: 2\n", "f")


def test_a_short_form_that_is_misspelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken for a file that is not there; the nearest right word is said."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DocumentError, match=r"did you mean 'addresses'\?$"):
        load_privacy("adresses")


@pytest.mark.parametrize(
    ("pattern", "octets", "matches"),
    [
        ("é", "é".encode(), True),
        ("é", b"\xe9", False),
        ("é+x", "ééx".encode(), True),
        (r"\xff", b"\xff", True),
        ("(?i)TOKEN", b"token", True),
    ],
)
def test_patterns_are_for_octets(pattern: str, octets: bytes, matches: bool) -> None:
    """What is beyond ASCII in a pattern is found as UTF-8, and single octets by their number."""
    assert bool(octet_pattern(pattern).search(octets)) == matches
