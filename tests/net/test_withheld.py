"""Sessions whose client waits for TLS that a rule withholds, for as long as the client likes."""

from __future__ import annotations

import pytest

from smtpproxy.encryption import TERMINATE
from smtpproxy.net.authority import AuthorityError
from smtpproxy.net.session import LINGER
from tests.net.sessions import Conversation, FakeSecurity
from tests.net.test_late import wait

READY = b"220 2.0.0 Ready to start TLS\r\n"
PLAIN = b"500 5.5.2 Syntax error, command unrecognized\r\n"
HOURS = 3 * 3600
every_word = pytest.mark.parametrize("word", ["silence", "plain-text", "stall"])


def asked(word: str) -> Conversation:
    """Return a session whose client has heard 220."""
    talk = Conversation(f"STARTTLS: {{tls: {word}}}", relation=TERMINATE)
    talk.connect_upstream()
    talk.server.receive(b"220 mail.example.org\r\n")
    talk.client.taken = b""
    talk.client.receive(b"STARTTLS\r\n")
    talk.flow()
    assert talk.client.taken.startswith(READY)
    return talk


@every_word
def test_no_time_is_too_long(word: str) -> None:
    """Neither the handshake's time ends it, nor that of a session whose upstream is gone."""
    talk = asked(word)
    assert talk.server.ended == "closed"
    wait(talk, HOURS)
    talk.clock.advance(2 * LINGER)
    assert (talk.client.ended, talk.client.taken, talk.gone) == ("", READY, [])
    assert talk.client.contexts == (["server stall"] if word == "stall" else [])


@pytest.mark.parametrize(("word", "heard"), [("silence", b""), ("plain-text", PLAIN)])
def test_it_is_read_and_forgotten(word: str, heard: bytes) -> None:
    """However much it sends, nothing of it is kept, and nothing reaches upstream."""
    talk = asked(word)
    for _ in range(200):
        talk.client.receive(bytes(64 * 1024))
    assert talk.client.taken == READY + heard
    assert talk.client.reading
    assert not talk.session.relay.crowded
    assert talk.server.taken == b""


@pytest.mark.parametrize("word", ["silence", "plain-text"])
def test_the_client_gives_up(word: str) -> None:
    """All is over when it closes."""
    talk = asked(word)
    wait(talk, 1000)
    talk.client.peer_half_closes()
    talk.flow()
    assert talk.client.ended == "closed"
    assert talk.heard.how == ["client-drop"]
    assert talk.gone == [talk.session]


@pytest.mark.parametrize("word", ["silence", "plain-text"])
def test_the_client_is_gone(word: str) -> None:
    """All is over when its connection is lost."""
    talk = asked(word)
    talk.client.peer_resets()
    assert talk.heard.how == ["client-reset"]
    assert talk.gone == [talk.session]


@every_word
def test_told_to_stop(word: str) -> None:
    """The client's connection is closed, and nothing is said to it."""
    talk = asked(word)
    wait(talk, 1000)
    talk.session.shut_down("shutdown")
    talk.flow()
    assert (talk.client.ended, talk.client.taken) == ("closed", READY)


def test_what_a_flaw_needs_can_not_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority is asked for late, where files were given for what is in order."""

    def server(security: FakeSecurity, flaw: str = "") -> str:
        raise AuthorityError("/nowhere: can't be written")

    monkeypatch.setattr(FakeSecurity, "server", server)
    talk = asked("expired")
    talk.flow()
    assert ("tls-failed", "client: /nowhere: can't be written") in talk.heard.notes
    assert talk.client.ended == "aborted"
    assert talk.heard.how == ["tls-failed"]
    assert talk.gone == [talk.session]
