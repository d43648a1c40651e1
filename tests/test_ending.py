"""How sessions end: by either side, by the proxy, in the middle of anything."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side
from tests.dialogue import READY, Conversation


def test_upstream_that_can_not_be_reached_is_told_with_421() -> None:
    """The client gets 421 in the place of the greeting, and its connection is closed."""
    talk = Conversation()
    talk.take(talk.relay.upstream_failed("upstream refused the connection"))
    assert talk.unread(Side.CLIENT).startswith(b"421 proxy.example.org ")
    assert "client: close" in talk.done
    talk.relay.finished()
    assert talk.witness.codes() == [("CONNECT", 421)]
    assert talk.witness.exchanges[0].by == "proxy"
    assert talk.witness.notes == [("upstream-unreachable", "upstream refused the connection")]
    assert talk.witness.how == "upstream-unreachable"


@pytest.mark.parametrize(("clean", "done"), [(True, "half-close"), (False, "reset")])
def test_endings_are_carried_over(clean: bool, done: str) -> None:
    """A side that closes, or is reset, is felt by the other side as just that."""
    talk = Conversation()
    talk.play(READY)
    talk.take(talk.relay.client_closed(clean))
    assert talk.done[-1] == f"upstream: {done}"
    other = Conversation()
    other.play(READY)
    other.take(other.relay.upstream_closed(clean))
    assert other.done[-1] == f"client: {done}"


def test_half_closed_client_still_hears_its_replies() -> None:
    """A client that sends all and closes its half gets the answers that upstream gives."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"NOOP\r\nQUIT\r\n")
    talk.take(talk.relay.client_closed(True))
    talk.upstream(b"250 ok\r\n221 bye\r\n")
    assert talk.unread(Side.CLIENT) == b"250 ok\r\n221 bye\r\n"
    talk.take(talk.relay.upstream_closed(True))
    assert list(talk.done)[-2:] == ["client: close", "upstream: close"]
    talk.relay.finished()
    assert talk.witness.how == "quit"


def test_half_closed_client_that_sent_everything_at_once_is_served() -> None:
    """What such a client sent behind DATA is read once DATA is answered, and then it ends."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"DATA\r\nhello\r\n.\r\nQUIT\r\n")
    talk.take(talk.relay.client_closed(True))
    assert talk.unread(Side.UPSTREAM) == b"DATA\r\n"
    assert "upstream: half-close" not in talk.done
    talk.upstream(b"354 go\r\n")
    assert talk.unread(Side.UPSTREAM) == b"hello\r\n.\r\nQUIT\r\n"
    assert talk.done[-1] == "upstream: half-close"
    talk.upstream(b"250 ok\r\n221 bye\r\n")
    talk.relay.finished()
    assert talk.witness.how == "quit"


def test_client_that_was_told_goodbye_still_hears_what_it_waits_for() -> None:
    """Whoever sent more behind QUIT, and half-closes at the 221, gets upstream's other answers."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"QUIT\r\nNOOP\r\n")
    talk.upstream(b"221 bye\r\n")
    talk.take(talk.relay.client_closed(True))
    assert talk.done[-1] == "upstream: half-close"
    talk.upstream(b"503 no\r\n")
    assert talk.unread(Side.CLIENT) == b"221 bye\r\n503 no\r\n"


def test_nothing_counts_behind_the_end() -> None:
    """Once both legs are closed, the rest of a segment is neither sent nor told, as if cut off."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"DATA\r\n")
    talk.take(talk.relay.client_closed(True))
    talk.upstream(b"421 bye\r\n250 more\r\nstray\r\n25")
    assert list(talk.done)[-2:] == ["client: close", "upstream: close"]
    talk.take(talk.relay.upstream_closed(True))
    talk.take(talk.relay.shut_down("shutdown"))
    assert talk.unread(Side.CLIENT) == b"421 bye\r\n"
    assert talk.witness.notes == []


def test_unfinished_lines_are_passed_on_at_the_end() -> None:
    """Octets without a line ending are not lost when their sender closes."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"NOO")
    talk.take(talk.relay.client_closed(True))
    assert talk.unread(Side.UPSTREAM) == b"NOO"
    talk.upstream(b"250-half")
    talk.take(talk.relay.upstream_closed(True))
    assert talk.unread(Side.CLIENT) == b"250-half"


def test_unanswered_commands_are_told_at_the_end() -> None:
    """An exchange without a reply is a fact, too."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"NOOP\r\n")
    talk.take(talk.relay.upstream_closed(True))
    talk.relay.finished()
    assert talk.witness.codes()[-1] == ("NOOP", None)
    assert talk.witness.how == "upstream-drop"


def test_shutting_down_says_nothing_into_an_opaque_stream() -> None:
    """After STARTTLS nobody would understand a 421: the connection is closed without a word."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"STARTTLS\r\n")
    talk.upstream(b"220 Go ahead\r\n")
    talk.unread(Side.CLIENT)
    talk.take(talk.relay.shut_down("shutdown"))
    assert talk.unread(Side.CLIENT) == b""
    assert "client: close" in talk.done


def test_shutting_down_tells_the_client() -> None:
    """A session that the proxy ends hears 421, in the place of the reply it waits for."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"NOOP\r\n")
    talk.take(talk.relay.shut_down("shutdown"))
    assert talk.unread(Side.CLIENT).startswith(b"421 mail.example.org ")
    talk.relay.finished()
    assert (talk.witness.codes()[-1], talk.witness.how) == (("NOOP", 421), "shutdown")
