"""Sessions on connections whose peers take too long."""

from __future__ import annotations

from tests.net.sessions import Conversation

GOING = b"421 4.4.2 localhost Timeout exceeded\r\n"


def wait(talk: Conversation, seconds: int) -> None:
    """Let time pass, looked at once a second."""
    for _ in range(seconds):
        talk.clock.advance(1)
        talk.session.look(talk.clock.seconds())


def greeted(*rules: str, client_room: int = 1 << 40) -> Conversation:
    """Return a session whose client has heard the greeting."""
    talk = Conversation(*rules, client_room=client_room)
    talk.connect_upstream()
    talk.server.receive(b"220 localhost\r\n")
    return talk


def test_an_upstream_that_never_answers() -> None:
    """RFC 5321 §4.5.3.2.6: the end of mail data has ten minutes; then the client hears 421."""
    talk = greeted()
    talk.client.receive(b"DATA\r\n")
    talk.server.receive(b"354 go\r\n")
    talk.client.receive(b"Hi\r\n.\r\n")
    wait(talk, 600)
    assert talk.client.taken == b"220 localhost\r\n354 go\r\n"
    wait(talk, 2)
    assert talk.client.taken.endswith(GOING)
    assert ("timeout", "upstream END-OF-DATA") in talk.heard.notes


def test_a_client_that_says_nothing() -> None:
    """RFC 5321 §4.5.3.2.7: a client has five minutes for its next command."""
    talk = greeted()
    wait(talk, 300)
    assert talk.client.taken == b"220 localhost\r\n"
    wait(talk, 2)
    assert talk.client.taken.endswith(GOING)
    assert ("timeout", "client idle") in talk.heard.notes


def test_a_client_that_sends_an_octet_every_ten_seconds() -> None:
    """Slow octets do not reset a command's time."""
    talk = greeted()
    for _ in range(31):
        talk.client.receive(b"x")
        wait(talk, 10)
    assert ("timeout", "client command") in talk.heard.notes


def test_mail_data_may_come_slowly() -> None:
    """Each octet of mail data is progress."""
    talk = greeted()
    talk.client.receive(b"DATA\r\n")
    talk.server.receive(b"354 go\r\n")
    for _ in range(60):
        talk.client.receive(b"x")
        wait(talk, 10)
    assert talk.heard.notes == []


def test_a_delay_on_purpose_is_nobodys_fault() -> None:
    """A fault that waits suspends all deadlines."""
    talk = greeted("NOOP: {delay: 1 h}")
    talk.client.receive(b"NOOP\r\n")
    talk.server.receive(b"250 Ok\r\n")
    wait(talk, 3599)
    assert talk.client.taken == b"220 localhost\r\n"
    wait(talk, 299)
    assert talk.client.taken == b"220 localhost\r\n250 Ok\r\n"
    assert talk.heard.notes == []


def test_a_client_that_never_reads_is_cut_off() -> None:
    """It has idle time to read on, and half a minute for its last reply; then its leg is gone."""
    talk = greeted(client_room=0)
    wait(talk, 302)
    assert ("timeout", "client reading") in talk.heard.notes
    wait(talk, 35)
    assert talk.client.ended == "aborted"


def test_a_slow_line_is_nobodys_fault() -> None:
    """Upstream's time for its answer begins when it has the command."""
    talk = greeted("CONNECT: {bandwidth: {to-upstream: 1 B/s}}")
    talk.client.receive(b"NOOP " + bytes(450).replace(b"\0", b"x") + b"\r\n")
    wait(talk, 456)
    assert len(talk.server.taken) < 457
    wait(talk, 2)
    talk.server.flow()
    assert len(talk.server.taken) == 457
    wait(talk, 297)
    assert talk.heard.notes == []
    wait(talk, 5)
    assert ("timeout", "upstream NOOP") in talk.heard.notes


def test_the_last_words_of_a_slow_line_are_waited_for() -> None:
    """The half minute of a client that leaves begins when it could have all of them."""
    talk = greeted("CONNECT: {bandwidth: {to-client: 1 B/s}}")
    wait(talk, 20)
    talk.session.shut_down("shutdown")
    wait(talk, 60)
    talk.client.flow()
    assert talk.client.ended == ""
    wait(talk, 10)
    talk.client.flow()
    assert talk.client.taken.startswith(b"220 localhost\r\n421 localhost ")
    assert talk.client.taken.endswith(b" channel\r\n")
    assert talk.client.ended == "closed"
