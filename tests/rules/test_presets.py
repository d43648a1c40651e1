"""The presets: each loads, says what it is for, and does in a dialogue what its comments say.

What a preset needs and this release does not have yet is a visible skip.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.rules.model import RuleBook, rule_book
from smtpproxy.rules.presets import (
    PresetError,
    about_preset,
    load_named,
    load_preset,
    preset_names,
    preset_text,
)
from tests.dialogue import READY, Conversation

NAMES = (
    *("dying-server", "duplicate-delivery", "flaky-network", "full-mailbox", "greylisting"),
    *("rate-limit", "silent-loss", "slow-link", "starttls-stripping", "strict-provider", "tarpit"),
)
ENVELOPE = """
    C: MAIL FROM:<a@example.org>
    > MAIL FROM:<a@example.org>
    U: 250 2.1.0 Ok
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    > RCPT TO:<b@example.net>
    U: 250 2.1.5 Ok
    S: 250 2.1.5 Ok
"""
DATA = """
    C: DATA
    > DATA
    U: 354 Go on
    S: 354 Go on
    C: Subject: hello
    C: .
    > Subject: hello
    > .
"""


def book(name: str) -> RuleBook:
    """Return a preset's rules; where they can't be had yet, the test is skipped."""
    try:
        return rule_book(load_preset(name).rules)
    except DocumentError as error:
        pytest.skip(f"not yet: {error.problem}")


def test_all_are_there() -> None:
    """The presets that the docs name are those that are shipped."""
    assert sorted(NAMES) == list(preset_names())


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is_for(name: str) -> None:
    """Its first line is a sentence for the list; what a client must do stands below it."""
    about, blank, *others = preset_text(name).splitlines()
    assert about == f"# {about_preset(name)}"
    assert about.endswith(".")
    assert blank == "#"
    assert any("client" in line for line in others if line.startswith("#"))


@pytest.mark.parametrize("name", NAMES)
def test_it_loads(name: str) -> None:
    """A preset has no mistake, and each of its rules has a name of its own."""
    book(name)
    names = [rule.name for rule in load_preset(name).rules]
    assert len(set(names)) == len(names)


def test_an_unknown_one_is_refused() -> None:
    """The nearest right word is told, and nothing outside of the folder is a preset."""
    with pytest.raises(PresetError, match=r"'tarpti'; did you mean 'tarpit'\?"):
        load_preset("tarpti")
    with pytest.raises(PresetError):
        preset_text("../py.typed")


def test_a_file_comes_before_a_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both could be meant, the user's own file is."""
    monkeypatch.chdir(tmp_path)
    assert len(load_named(["tarpit", "silent-loss"])) == 8
    (tmp_path / "tarpit").write_text("smtpproxy-rules: 1\nrules: []\n")
    assert load_named(["tarpit"]) == []


def test_full_mailbox() -> None:
    """No recipient is taken, and upstream hears of none."""
    Conversation(book=book("full-mailbox")).play(
        READY
        + """
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        S: 552 5.2.2 <b@example.net>: Mailbox full
        C: RCPT TO:<c@example.net>
        S: 552 5.2.2 <c@example.net>: Mailbox full
        """
    )


def test_tarpit() -> None:
    """The greeting waits for 10 s, and each answer of the envelope for 5 s."""
    Conversation(book=book("tarpit")).play(
        """
        (upstream: connect)
        U: 220 mail.example.org ESMTP
        (client: wait 10)
        S: 220 mail.example.org ESMTP
        C: EHLO app.example.org
        > EHLO app.example.org
        U: 250 mail.example.org
        (client: wait 5)
        S: 250 mail.example.org
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        (client: wait 5)
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 250 2.1.5 Ok
        (client: wait 5)
        S: 250 2.1.5 Ok
        """
    )


def test_starttls_stripping() -> None:
    """The client is not offered STARTTLS, and refused it where it asks all the same."""
    Conversation(book=book("starttls-stripping")).play(
        """
        (upstream: connect)
        U: 220 mail.example.org ESMTP
        S: 220 mail.example.org ESMTP
        C: EHLO app.example.org
        > EHLO app.example.org
        U: 250-mail.example.org
        U: 250-STARTTLS
        U: 250 SIZE 1000
        S: 250-mail.example.org
        S: 250 SIZE 1000
        C: STARTTLS
        S: 502 5.5.1 Command not implemented
        """
    )


def test_silent_loss() -> None:
    """The client hears that its message is queued; upstream never had it, and takes the next."""
    Conversation(book=book("silent-loss")).play(
        READY
        + ENVELOPE
        + """
        C: DATA
        S: 354 Start mail input; end with <CRLF>.<CRLF>
        C: Subject: hello
        C: .
        > RSET
        S: 250 2.0.0 Ok: queued
        U: 250 2.0.0 Ok
        """
        + ENVELOPE
    )


def test_silent_loss_of_chunks() -> None:
    """A message in chunks is lost in the same way."""
    conversation = Conversation(book=book("silent-loss"))
    conversation.play(READY + ENVELOPE)
    conversation.client(b"BDAT 7 LAST\r\nhello\r\n")
    conversation.upstream(b"250 2.0.0 Ok\r\n")
    assert conversation.witness.codes()[-1] == ("BDAT", 250)
