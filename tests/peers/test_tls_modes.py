"""Real clients through the proxy to real servers, in every way that TLS on its legs may relate."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from tests.peers.clients import CLIENT_NAME, SECONDS, Outcome
from tests.peers.identity import Identity
from tests.peers.mails import Mail, hard_mail, large_mail
from tests.peers.messages import assert_same_message
from tests.peers.processes import HOST
from tests.peers.proxied import Proxied, Record, relaying
from tests.peers.tls import CLIENTS, Tls, TlsClient
from tests.peers.tls_modes import MODES, Legs, Mode
from tests.peers.tls_senders import SendByTls, by_curl
from tests.peers.tlsserver import TlsServer, came_with

REFUSING = [mode for mode in MODES if not mode.trusts and not mode.tls]
ENCRYPTING = [
    mode for mode in MODES if {Legs.CLIENT, Legs.UPSTREAM, Legs.BOTH} & {*mode.legs.values()}
]
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
    wants = [tls for tls in Tls if tls in client.does and tls in stage.mode.legs]
    if not wants:
        pytest.skip(f"{client.name} never does what this is about")
    send = tls_senders(client.name)

    def meet(front: Front) -> None:
        for tls in wants:
            by_tls = partial(send, tls=tls, authority=stage.authority)
            _assert_goes(front, hard_mail(), by_tls, stage.mode.expected(client, tls))

    with ThreadPoolExecutor() as pool:
        list(pool.map(meet, stage.fronts))


@pytest.mark.parametrize("stage", ENCRYPTING, indirect=True, ids=lambda mode: mode.name)
def test_large_mail(stage: Stage) -> None:
    """What no buffer has room for arrives whole, whichever leg is encrypted."""
    tls = Tls.MAY if Tls.MAY in stage.mode.legs else Tls.IMPLICIT
    by_tls = partial(by_curl, tls=tls, authority=stage.authority)

    def meet(front: Front) -> None:
        _assert_goes(front, large_mail(), by_tls, stage.mode.legs[tls])

    with ThreadPoolExecutor() as pool:
        list(pool.map(meet, stage.fronts))


def _assert_goes(front: Front, mail: Mail, send: SendTo, expected: Legs) -> None:
    before, began = front.proxy.so_far(), time.monotonic()
    outcome = send(front.proxy.port, mail)
    assert outcome.ok == (expected is not Legs.NO_MAIL), outcome.output
    assert time.monotonic() - began < CLEANLY_SECONDS, outcome.output
    _assert_told(front.proxy.ended_since(before), expected)
    _assert_arrived(front.server, mail, expected)


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


def _assert_arrived(server: TlsServer, mail: Mail, expected: Legs) -> None:
    """Fail unless the server has the message, as it should have got it; or has it not."""
    if expected is Legs.NO_MAIL:
        assert not [one for one in server.mail.messages() if mail.identity in one]
        return
    for one in server.mail.await_recipients(mail.recipients, containing=mail.identity):
        assert_same_message(mail.octets, one.octets)
        assert came_with(one) == expected.server_says


@pytest.mark.parametrize("stage", REFUSING, indirect=True, ids=lambda mode: mode.name)
def test_a_client_hears_why_tls_is_not_to_be_had(stage: Stage) -> None:
    """Where upstream proves to be nobody's, a client hears 454, and the log says why."""
    for _, proxy in stage.fronts:
        before = proxy.so_far()
        with smtplib.SMTP(HOST, proxy.port, CLIENT_NAME, timeout=SECONDS) as client:
            client.ehlo()
            assert client.docmd("STARTTLS")[0] == 454
            assert client.noop()[0] == 250
        (failed,) = [one for one in proxy.ended_since(before) if one.get("fact") == "tls-failed"]
        assert failed["detail"].startswith("upstream: ")
