"""A client's leg: its session begins when the client is known, and not before."""

from __future__ import annotations

from twisted.logger import capturedLogs

from smtpproxy.net.clientleg import ClientLeg
from smtpproxy.net.session import ProxySession
from smtpproxy.place import Ends, Place
from tests.net.sessions import Doorway
from tests.net.transports import Socket


def test_a_session_begins_with_the_connection() -> None:
    """It is asked for once both ends are known, and upstream is asked by then."""
    doorway, client = Doorway(), Socket()
    leg = client.protocol = ClientLeg(doorway.begin)
    assert doorway.ends == []
    leg.makeConnection(client)  # type: ignore[no-untyped-call]
    assert doorway.ends == [Ends(Place("192.0.2.7", 40000), Place("192.0.2.1", 25))]
    assert doorway.upstream.asked == 1
    client.peer_half_closes()
    client.peer_resets()
    assert doorway.upstream.given_up == 1
    assert doorway.heard.how == ["client-drop"]


def test_a_session_that_can_not_be_made() -> None:
    """The connection is ended, and the mistake is in the log: nobody waits for a greeting."""

    def begin(ends: Ends) -> ProxySession:
        raise RuntimeError("a mistake of our own")

    client = Socket()
    leg = client.protocol = ClientLeg(begin)
    with capturedLogs() as told:
        leg.makeConnection(client)  # type: ignore[no-untyped-call]
    client.flow()
    assert client.ended == "aborted"
    (event,) = told
    assert isinstance(event["log_failure"].value, RuntimeError)
