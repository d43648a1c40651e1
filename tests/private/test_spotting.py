"""Addresses, hosts and IP addresses are found in whatever text, and nothing else is."""

import time

import pytest

from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.private.spotting import Spotter, addresses_in

NAMES = Pseudonyms()
SPOTTER = Spotter(NAMES)
ALICE, CORP, IP = (
    NAMES.mailbox(b"alice@nest.corp"),
    NAMES.domain(b"nest.corp"),
    NAMES.ip("10.1.2.3").encode(),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"<alice@nest.corp>: unknown", b"<%s>: unknown" % ALICE),
        (b"'alice@nest.corp' unknown", b"'%s' unknown" % ALICE),
        (b"no alice@nest.corp.", b"no %s." % ALICE),
        (b"to=<alice@nest.corp>, x", b"to=<%s>, x" % ALICE),
        (b"mailto:alice@nest.corp", b"mailto:%s" % ALICE),
        (b"nest.corp, NEST.CORP!", b"%s, %s!" % (CORP, CORP)),
        (b"<@nest.corp,@nest.corp:alice@nest.corp>", b"<@%s,@%s:%s>" % (CORP, CORP, ALICE)),
        (b"https://nest.corp/x?y=1", b"https://%s/x?y=1" % CORP),
        (b"host [10.1.2.3] is (10.1.2.3)", b"host [IPv6:%s] is (%s)" % (IP, IP)),
    ],
)
def test_what_is_found(text: bytes, shown: bytes) -> None:
    """What stands around a name stays as it is."""
    assert SPOTTER.renamed(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *(b"Exim 4.96.1", b"at 12:30:45 +0000", b"2.1.5 Ok", b"e.g. x", b"a:b:c", b"[redacted]"),
        *(b"queued as 4F2A.17", b"foo @ bar", b"...", b"mail.example.org", b"::1", b"[127.0.0.1]"),
    ],
)
def test_what_is_none(text: bytes) -> None:
    """Versions, times, codes and what is reserved stay."""
    assert SPOTTER.renamed(text) == text


def test_names_that_are_known() -> None:
    """A word that is a name is found where it stands alone, whatever its case."""
    shown = SPOTTER.renamed(
        b"user Alice... 'alice', not malice or alice2", {b"alice": ALICE.partition(b"@")[0]}
    )
    assert b"lice.." not in shown
    assert shown.endswith(b", not malice or alice2")
    assert (
        SPOTTER.renamed(b"for=alice@nest.corp", {b"alice": ALICE.partition(b"@")[0]})
        == b"for=" + ALICE
    )


@pytest.mark.parametrize(
    "text",
    [
        *(b"a" * 400_000, b"a." * 200_000, b":" * 200_000, b"@" * 400_000, b'"' * 400_000),
        *(b"a@b " * 20_000, b"a@[b" * 20_000, b'"a@b\\' * 20_000, b"a:" * 100_000),
    ],
    ids=lambda text: text[:4].decode(),
)
def test_hostile_texts_take_no_time(text: bytes) -> None:
    """The time grows with the length of a text, not with its square."""
    began = time.process_time()
    SPOTTER.renamed(text)
    addresses_in(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("field", "found"),
    [
        (b"Alice <alice@nest.corp>, b@c.corp (Bob)", [b"alice@nest.corp", b"b@c.corp"]),
        (b'"Alice, a@b.corp" <alice@nest.corp>', [b"alice@nest.corp"]),
        (b'"a b"@nest.corp', [b'"a b"@nest.corp']),
        (b"friends: a@b.corp, c@d.corp;", [b"a@b.corp", b"c@d.corp"]),
        (b"undisclosed-recipients:;", []),
    ],
)
def test_addresses_in_a_field(field: bytes, found: list[bytes]) -> None:
    """Names of people and comments are left out, even where they look like addresses."""
    assert addresses_in(field) == found
