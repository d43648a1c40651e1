"""Real clients through the proxy to real servers, in every way that TLS on its legs may relate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from tests.peers.clients import Outcome
from tests.peers.identity import Identity
from tests.peers.mails import Mail, hard_mail, large_mail
from tests.peers.messages import assert_same_message
from tests.peers.proxied import Proxied, Record, relaying
from tests.peers.tls import CLIENTS, Tls, TlsClient
from tests.peers.tls_modes import MODES, Legs, Mode
from tests.peers.tls_senders import SendByTls, by_curl
from tests.peers.tlsserver import TlsServer, came_with

CLEANLY_SECONDS = 15.0  # a client that waits in vain waits for twice as long
# What sends to a port.
SendTo: TypeAlias = Callable[[int, Mail], Outcome]


class Front(NamedTuple):
    """A server, and the proxy in front of it."""

    server: TlsServer
    proxy: Proxied


@dataclass(frozen=True)
class Stage:
    """A mode, a proxy in it for each server, and the authority that clients trust."""

    mode: Mode
    fronts: list[Front]
    authority: Path


@pytest.fixture(scope="module", params=MODES, ids=lambda mode: mode.name)
def stage(
    request: pytest.FixtureRequest,
    tls_postfix: TlsServer,
    tls_exim: TlsServer,
    tls_aiosmtpd: TlsServer,
    identity: Identity,
    proxy_identity: Identity,
) -> Iterator[Stage]:
    """A proxy in front of each server, in each mode in turn, with an authority of its own."""
    mode: Mode = request.param
    own = (f"SMTPPROXY_CA_FOLDER={proxy_identity.authority.parent}",)
    servers = (tls_postfix, tls_exim, tls_aiosmtpd)
    every = [mode.options(server, identity.authority) for server in servers]
    with ExitStack() as stack, ThreadPoolExecutor() as pool:

        def open_one(options: Sequence[str]) -> Proxied:
            return stack.enter_context(relaying(*options, variables=own))

        fronts = list(map(Front, servers, pool.map(open_one, every)))
        shown = identity if mode.tls == "opaque" else proxy_identity
        yield Stage(mode, fronts, shown.authority)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_mail_goes_as_the_mode_has_it(
    client: TlsClient, stage: Stage, tls_senders: Callable[[str], SendByTls]
) -> None:
    """A message arrives whole, encrypted on the legs that the mode says, or it does not arrive."""
    send = tls_senders(client.name)

    def meet(front: Front) -> None:
        for tls in [tls for tls in Tls if tls in client.does and tls in stage.mode.legs]:
            by_tls = partial(send, tls=tls, authority=stage.authority)
            records = _meet(front, hard_mail(), by_tls, stage.mode.expected(client, tls))
            if stage.mode.refuses(tls):
                _assert_refused(records)

    with ThreadPoolExecutor() as pool:
        list(pool.map(meet, stage.fronts))


def test_large_mail(stage: Stage) -> None:
    """What no buffer has room for goes as small mail does."""
    tls = Tls.MAY if Tls.MAY in stage.mode.legs else Tls.IMPLICIT
    by_tls = partial(by_curl, tls=tls, authority=stage.authority)

    def meet(front: Front) -> None:
        _meet(front, large_mail(), by_tls, stage.mode.legs[tls])

    with ThreadPoolExecutor() as pool:
        list(pool.map(meet, stage.fronts))


def _meet(front: Front, mail: Mail, send: SendTo, expected: Legs) -> list[Record]:
    """Send a message, and fail unless it goes as expected; what the log has of it."""
    before, began = front.proxy.so_far(), time.monotonic()
    outcome = send(front.proxy.port, mail)
    assert outcome.ok == (expected is not Legs.NO_MAIL), outcome.output
    assert time.monotonic() - began < CLEANLY_SECONDS, outcome.output
    records = front.proxy.ended_since(before)
    _assert_told(records, expected)
    _assert_arrived(front.server, mail, expected)
    return records


def _assert_told(records: list[Record], expected: Legs) -> None:
    """Fail unless the log says which legs were encrypted, and has mail only where it was seen."""
    facts = {one["fact"] for one in records if "fact" in one}
    encrypted = {one["detail"] for one in records if one.get("fact") == "tls"}
    if expected is Legs.NO_MAIL:
        assert "client" not in encrypted, records
    else:
        assert encrypted == expected.told, records
    assert ("opaque" in facts) == (expected is Legs.THROUGH)
    unseen = expected in (Legs.THROUGH, Legs.NO_MAIL)
    assert any(one.get("stage") == "MAIL" for one in records) != unseen


def _assert_refused(records: list[Record]) -> None:
    """Fail unless the client heard that there is no TLS now, and the log says why."""
    assert [one["code"] for one in records if one.get("stage") == "STARTTLS"] == [454]
    (failed,) = [one["detail"] for one in records if one.get("fact") == "tls-failed"]
    assert failed.startswith("upstream: ")


def _assert_arrived(server: TlsServer, mail: Mail, expected: Legs) -> None:
    """Fail unless the server has the message, as it should have got it; or has it not."""
    if expected is Legs.NO_MAIL:
        assert not [one for one in server.mail.messages() if mail.identity in one]
        return
    for one in server.mail.await_recipients(mail.recipients, containing=mail.identity):
        assert_same_message(mail.octets, one.octets)
        assert came_with(one) == expected.server_says
