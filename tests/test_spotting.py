"""Addresses, hosts and IP addresses are found in whatever text, and nothing else is."""

import time

import pytest

from smtpproxy.pseudonyms import Pseudonyms
from smtpproxy.spotting import Spotter, addresses_in

NAMES = Pseudonyms()
SPOTTER = Spotter(NAMES)
ALICE, CORP, IP = (
    NAMES.mailbox(b"alice@corp.io"),
    NAMES.domain(b"corp.io"),
    NAMES.ip("10.1.2.3").encode(),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"<alice@corp.io>: unknown", b"<%s>: unknown" % ALICE),
        (b"'alice@corp.io' unknown", b"'%s' unknown" % ALICE),
        (b"no alice@corp.io.", b"no %s." % ALICE),
        (b"to=<alice@corp.io>, x", b"to=<%s>, x" % ALICE),
        (b"mailto:alice@corp.io", b"mailto:%s" % ALICE),
        (b"corp.io, CORP.IO!", b"%s, %s!" % (CORP, CORP)),
        (b"<@corp.io,@corp.io:alice@corp.io>", b"<@%s,@%s:%s>" % (CORP, CORP, ALICE)),
        (b"https://corp.io/x?y=1", b"https://%s/x?y=1" % CORP),
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
    shown = SPOTTER.renamed(b"user Alice... 'alice', not malice or alice2", {b"alice"})
    assert b"lice.." not in shown
    assert shown.endswith(b", not malice or alice2")
    assert SPOTTER.renamed(b"for=alice@corp.io", {b"alice"}) == b"for=" + ALICE


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
        (b"Alice <alice@corp.io>, b@c.io (Bob)", [b"alice@corp.io", b"b@c.io"]),
        (b'"Alice, a@b.io" <alice@corp.io>', [b"alice@corp.io"]),
        (b'"a b"@corp.io', [b'"a b"@corp.io']),
        (b"friends: a@b.io, c@d.io;", [b"a@b.io", b"c@d.io"]),
        (b"undisclosed-recipients:;", []),
    ],
)
def test_addresses_in_a_field(field: bytes, found: list[bytes]) -> None:
    """Names of people and comments are left out, even where they look like addresses."""
    assert addresses_in(field) == found
