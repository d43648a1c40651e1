"""Every pair of the matrix, with nothing between and through the proxy: no octet differs."""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from twisted.internet.threads import deferToThread

from tests.net.loopback import in_reactor
from tests.peers.clients import SendMessage
from tests.peers.mails import UNKNOWN, Mail, mails, sender_of, taken, transactions
from tests.peers.mailserver import MailServer
from tests.peers.matrix import FAMILIES
from tests.peers.messages import assert_same_message, without_added
from tests.peers.pairs import Extension, Pair
from tests.peers.proxied import Proxied, Record, proxied

AT_ONCE = 3
PAIRS = [pair for family in FAMILIES for pair in family.pairs]
# What shows in a log that an extension is used: a parameter of MAIL or RCPT, or the verb BDAT.
# PIPELINING shows in a recording: test_pipelining.
SHOWN_BY = {
    Extension.MIME8BIT: r"MAIL .* BODY=8BITMIME\b",
    Extension.SIZE: r"MAIL .* SIZE=[0-9]",
    Extension.SMTPUTF8: r"MAIL .* SMTPUTF8\b",
    Extension.DSN: r"(MAIL .* RET|RCPT .* NOTIFY)=",
    Extension.PRDR: r"MAIL .* PRDR\b",
    Extension.CHUNKING: r"BDAT [0-9]",
}


class Arrived(NamedTuple):
    """One delivery, as it would be under any other token, without what the server added."""

    sender: str
    recipients: tuple[str, ...]
    octets: bytes


class Run(NamedTuple):
    """What came of the messages for a pair, each whether its client was content, and arrivals."""

    content: list[bool]
    arrived: list[Counter[Arrived]]


def run(pair: Pair, send: SendMessage, server: MailServer, port: int, token: str) -> Run:
    """Send the messages for a pair to this port, and wait until the server has them all."""

    def send_one(mail: Mail) -> bool:
        options = (*pair.options, *mail.options)
        outcome = send(server.host, port, mail.sender, mail.recipients, mail.octets, *options)
        assert outcome.ok or mail.refused, outcome.output
        return outcome.ok

    sent = mails(pair, token)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        content = list(pool.map(send_one, sent))
    return Run(content, [_arrived(mail, taken(mail, pair), server, token) for mail in sent])


def _arrived(
    mail: Mail, recipients: tuple[str, ...], server: MailServer, token: str
) -> Counter[Arrived]:
    found = server.await_recipients(recipients, containing=mail.identity)
    for one in found:
        assert_same_message(mail.octets, one.octets)
    assert Counter(to for one in found for to in one.recipients) == Counter(recipients)
    return Counter(
        Arrived(
            one.sender.replace(token, "token"),
            one.recipients,
            without_added(one.octets).replace(token.encode(), b"token"),
        )
        for one in found
    )


@pytest.fixture
def server(pair: Pair, request: pytest.FixtureRequest) -> MailServer:
    """The pair's server, running."""
    found = request.getfixturevalue(pair.server.fixture)
    assert isinstance(found, MailServer)
    return found


@pytest.fixture
def send(pair: Pair, senders: Callable[[str], SendMessage]) -> SendMessage:
    """The pair's client."""
    return senders(pair.client.name)


@pytest.fixture(scope="session")
def proxies() -> Iterator[Callable[[MailServer], Proxied]]:
    """A proxy for each server, which all its clients share."""
    running: dict[MailServer, Proxied] = {}
    with ExitStack() as stack:

        def find(server: MailServer) -> Proxied:
            if server not in running:
                running[server] = stack.enter_context(proxied(server))
            return running[server]

        yield find


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
@in_reactor
async def test_pair(
    pair: Pair,
    server: MailServer,
    send: SendMessage,
    proxies: Callable[[MailServer], Proxied],
) -> None:
    """The proxy changes neither an envelope nor an octet, and tells what was said."""
    await deferToThread(_meet, pair, send, server, proxies(server))


def _meet(pair: Pair, send: SendMessage, server: MailServer, proxy: Proxied) -> None:
    straight, relayed = secrets.token_hex(8), secrets.token_hex(8)
    with ThreadPoolExecutor() as pool:
        direct = pool.submit(run, pair, send, server, server.port, straight)
        through = pool.submit(run, pair, send, server, proxy.port, relayed)
        assert through.result() == direct.result()
    sent = mails(pair, relayed)
    count = sum(transactions(mail, pair) for mail in sent)
    _assert_told(proxy.records(sender_of(relayed), count), pair, sent)


def _assert_told(records: list[Record], pair: Pair, sent: list[Mail]) -> None:
    """Fail unless the log has each transaction, each refusal, each extension, and nothing odd."""
    assert Counter(_answers(records)) == Counter(
        (to, to in taken(mail, pair))
        for mail in sent
        if taken(mail, pair)
        for to in mail.recipients
        if to != UNKNOWN
    )
    refused = [one for one in records if one.get("stage") == "RCPT" and one["code"] == 550]
    assert len(refused) == sum(UNKNOWN in mail.refused for mail in sent)
    assert _used(records) == pair.exercised - {Extension.PIPELINING}
    assert _offered(records) == pair.server.offers
    assert not [one for one in records if "anomalies" in one]
    assert {one["fact"] for one in records if "fact" in one} <= {"ended", "unsolicited-reply"}
    # A client that goes away without QUIT may be told that it did.
    took_leave = {one["session"] for one in records if one.get("stage") == "QUIT"}
    unsolicited = {one["session"] for one in records if one.get("fact") == "unsolicited-reply"}
    assert not took_leave & unsolicited


def _answers(records: list[Record]) -> Iterator[tuple[str, bool]]:
    """Each recipient with whether a message was taken for it, as said behind the mail data.

    Where recipients had replies of their own (LMTP, PRDR), a reply for all adds nothing.
    """
    apart = {one["session"] for one in records if "recipient" in one}
    for one in records:
        if one.get("stage") == "END-OF-DATA" or one.get("command", "").upper().endswith(" LAST"):
            shared = [] if one["session"] in apart else one["recipients"]
            for to in [one["recipient"]] if "recipient" in one else shared:
                yield to, one["code"] == 250


def _used(records: list[Record]) -> set[Extension]:
    commands = [one["command"].upper() for one in records if "command" in one]
    return {
        extension
        for extension, pattern in SHOWN_BY.items()
        if any(re.match(pattern, command) for command in commands)
    }


def _offered(records: list[Record]) -> set[Extension]:
    greeted = next(one for one in records if one.get("stage") in ("EHLO", "LHLO"))
    keywords = {line.partition(" ")[0].upper() for line in greeted["text"].splitlines()[1:]}
    return {extension for extension in Extension if extension.keyword in keywords}
