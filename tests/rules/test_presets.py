"""The presets: each loads, says what it is for, and does in a dialogue what its comments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.actions import Side
from smtpproxy.rules.model import RuleBook, rule_book
from smtpproxy.rules.presets import (
    PresetError,
    about_preset,
    load_named,
    load_preset,
    preset_names,
    preset_text,
)
from smtpproxy.rules.run import Run, Visit
from tests.dialogue import ENVELOPE, READY, Conversation

NAMES = (
    *("dying-server", "duplicate-delivery", "flaky-network", "full-mailbox", "greylisting"),
    *("rate-limit", "silent-loss", "slow-link", "starttls-stripping", "strict-provider", "tarpit"),
)
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
    """Return a preset's rules."""
    return rule_book(load_preset(name).rules)


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
    assert len(load_named(["tarpit", "silent-loss"]).rules) == 8
    (tmp_path / "tarpit").write_text("smtpproxy-rules: 1\nrules: []\n")
    assert load_named(["tarpit"]).rules == []


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


HERE = "192.0.2.7"
GREETING = b"220 mail.example.org ESMTP\r\n"
MESSAGE = b"Subject: hello\r\n.\r\n"


class Visits:
    """Sessions that come one after the other, to the rules of one preset."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self._book = book(name)
        self._run = Run(seed=seed)
        self._sessions = 0
        self.time = 0.0

    def session(self, client: str = HERE, hello: bool = True) -> Conversation:
        """Return the next session, up to EHLO if it is to say `hello`."""
        self._sessions += 1
        visit = Visit(client, self._sessions, self._run)
        conversation = Conversation(book=self._book, visit=visit, connected=False)
        conversation.time = self.time
        conversation.take(conversation.relay.connected())
        if hello:
            conversation.upstream(GREETING)
            say(conversation, "EHLO app.example.org", "250 mail.example.org")
        return conversation


def say(conversation: Conversation, line: str, answer: str) -> int | None:
    """Let the client say a line, and upstream answer if it was asked; return what is heard."""
    conversation.unread(Side.UPSTREAM)
    conversation.client(f"{line}\r\n".encode())
    if conversation.unread(Side.UPSTREAM):
        conversation.upstream(f"{answer}\r\n".encode())
    codes = conversation.witness.codes()
    return codes[-1][1]


def deliver(conversation: Conversation, sender: str = "a@example.org") -> tuple[int | None, bool]:
    """Send a message; return what is heard at its end, and whether upstream has it."""
    say(conversation, f"MAIL FROM:<{sender}>", "250 Ok")
    say(conversation, "RCPT TO:<b@example.net>", "250 Ok")
    say(conversation, "DATA", "354 Go")
    conversation.unread(Side.UPSTREAM)
    conversation.client(MESSAGE)
    has_it = conversation.unread(Side.UPSTREAM).endswith(b".\r\n")
    conversation.upstream(b"250 Ok\r\n")
    return conversation.witness.codes()[-1][1], has_it


def test_greylisting() -> None:
    """A triplet is put off for five minutes from its first try on, and each triplet anew."""
    visits = Visits("greylisting")

    def tried(client: str, recipient: str) -> int | None:
        session = visits.session(client)
        say(session, "MAIL FROM:<a@example.org>", "250 Ok")
        return say(session, f"RCPT TO:<{recipient}>", "250 Ok")

    assert tried(HERE, "b@example.net") == 450
    visits.time = 299
    assert tried(HERE, "b@example.net") == 450
    visits.time = 301
    assert tried(HERE, "b@example.net") == 250
    assert tried(HERE, "c@example.net") == 450
    assert tried("192.0.2.8", "b@example.net") == 450
    visits.time = 301 + 25 * 3600
    assert tried(HERE, "b@example.net") == 450  # it was forgotten


def test_rate_limit_of_messages() -> None:
    """The eleventh message of a minute is put off, for this client alone; later all is well."""
    visits = Visits("rate-limit")
    session = visits.session()
    heard = [say(session, "MAIL FROM:<a@example.org>", "250 Ok") for _ in range(11)]
    assert heard == [250] * 10 + [450]
    other = visits.session("192.0.2.8")
    assert say(other, "MAIL FROM:<a@example.org>", "250 Ok") == 250
    session.time = 61
    assert say(session, "MAIL FROM:<a@example.org>", "250 Ok") == 250


def test_rate_limit_of_connections() -> None:
    """The thirty-first connection of a minute is turned away, and closed."""
    visits = Visits("rate-limit")
    for _ in range(30):
        visits.session()
    last = visits.session(hello=False)
    assert last.unread(Side.CLIENT).startswith(b"421 4.7.0 ")
    assert "client: close" in last.done
    assert "upstream: connect" not in last.done


def test_duplicate_delivery() -> None:
    """Upstream has the message, and the client hears nothing; sent again it is acknowledged."""
    visits = Visits("duplicate-delivery")
    first = visits.session()
    assert deliver(first) == (None, True)
    assert "client: close" in first.done
    assert deliver(visits.session()) == (250, True)
    assert deliver(visits.session(), "z@example.org") == (None, True)


def test_flaky_network() -> None:
    """Some of many sessions fail, in more ways than one; the same ones with the same seed."""

    def ends(seed: int) -> list[str]:
        visits = Visits("flaky-network", seed)
        found = []
        for number in range(60):
            session = visits.session()
            if not session.relay.left:
                deliver(session, f"{number}@example.org")
            found.append(next((one for one in session.done if one in ENDS), "well"))
        return found

    assert {"well", *ENDS} <= set(ends(1))
    assert ends(1) == ends(1)
    assert ends(1) != ends(2)


ENDS = ("client: close", "client: reset")


def test_strict_provider() -> None:
    """No TLS, a sender that nobody can answer, and too many recipients are refused."""
    visits = Visits("strict-provider")
    plain = visits.session()
    assert say(plain, "MAIL FROM:<a@example.org>", "250 Ok") == 530
    session = visits.session()
    session.take(session.relay.secured(Side.CLIENT, None))
    assert say(session, "EHLO app.example.org", "250 mail.example.org") == 250
    assert say(session, "MAIL FROM:<no-reply@example.org>", "250 Ok") == 550
    assert say(session, "MAIL FROM:<a@example.org>", "250 Ok") == 250
    assert say(session, "RCPT TO:<root@example.net>", "250 Ok") == 550
    heard = [say(session, f"RCPT TO:<{n}@example.net>", "250 Ok") for n in range(20)]
    assert heard == [250] * 19 + [452]


def test_dying_server() -> None:
    """Two messages go well; at the end of the third the client is told to go."""
    visits = Visits("dying-server")
    assert deliver(visits.session()) == (250, True)
    assert deliver(visits.session()) == (250, True)
    third = visits.session()
    assert deliver(third)[0] == 421
    assert "client: close" in third.done


def test_dying_server_in_mid_mail_data() -> None:
    """A long third message is cut short by a 421, and upstream never sees its end."""
    visits = Visits("dying-server")
    for _ in range(2):
        assert deliver(visits.session()) == (250, True)
    third = visits.session()
    for line, answer in (
        ("MAIL FROM:<a@example.org>", "250 Ok"),
        ("RCPT TO:<b@example.net>", "250 Ok"),
        ("DATA", "354 Go"),
    ):
        say(third, line, answer)
    third.unread(Side.CLIENT)
    third.client((b"x" * 70 + b"\r\n") * 200)
    assert third.unread(Side.CLIENT) == b"421 4.3.2 System shutting down\r\n"
    assert third.unread(Side.UPSTREAM) == b""
    assert {"client: half-close", "upstream: close"} <= set(third.done)


def test_slow_link() -> None:
    """Both lines are slow from the greeting on; the dialogue is that of upstream all the same."""
    session = Visits("slow-link").session()
    slow, far = "8192 octets a second, 0 s away", "0 octets a second, 0.2 s away"
    shapes = [f"{side}: {shape}" for shape in (slow, far) for side in ("client", "upstream")]
    assert list(session.done)[:6] == ["upstream: connect", *shapes, "client: send"]
    assert deliver(session) == (250, True)
