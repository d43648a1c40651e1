"""The same name always gets the same pseudonym, and what says nothing stays."""

from ipaddress import ip_address, ip_network

import pytest

from smtpproxy.private.pseudonyms import Pseudonyms

NAMES = Pseudonyms()


def test_pseudonyms_are_the_same_in_every_run() -> None:
    """They are no counters: two recordings of one address agree, and so do two objects."""
    assert Pseudonyms().mailbox(b"alice@nest.corp") == NAMES.mailbox(b"alice@nest.corp")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"alice@nest.corp", b"alice@NEST.corp"),
        (b"alice@nest.corp", b"alice@nest.corp."),
        (b'"alice"@nest.corp', b"alice@nest.corp"),
        (b'"al\\ice"@nest.corp', b"alice@nest.corp"),
        ("alice@bücher.corp".encode(), b"alice@xn--bcher-kva.corp"),
    ],
)
def test_equal_addresses(one: bytes, other: bytes) -> None:
    """What RFC 5321 and IDNA take for the same address has the same pseudonym."""
    assert NAMES.mailbox(one).rstrip(b".") == NAMES.mailbox(other).rstrip(b".")


@pytest.mark.parametrize(
    "other", [b"Alice@nest.corp", b"alice@mail.nest.corp", b"alice+a@nest.corp"]
)
def test_different_addresses(other: bytes) -> None:
    """The case of a local part counts (RFC 5321 §2.4), and so does all else."""
    assert NAMES.mailbox(other) != NAMES.mailbox(b"alice@nest.corp")


def test_local_parts_and_domains_apart() -> None:
    """One sees that two addresses share their domain, or their local part."""
    local, _, domain = NAMES.mailbox(b"alice@nest.corp").partition(b"@")
    assert NAMES.mailbox(b"bob@nest.corp").endswith(b"@" + domain)
    assert NAMES.mailbox(b"alice@other.corp").startswith(local + b"@")
    assert NAMES.domain(b"nest.corp") == domain


def test_a_key_changes_all() -> None:
    """Who does not know the key can't try which address it was."""
    keyed = Pseudonyms("secret")
    for name in (b"alice@nest.corp", b"alice"):
        assert keyed.mailbox(name) != NAMES.mailbox(name)
    assert keyed.domain(b"nest.corp") != NAMES.domain(b"nest.corp")
    assert keyed.ip("10.1.2.3") != NAMES.ip("10.1.2.3")


@pytest.mark.parametrize(
    "address",
    [
        *(b"", b"postmaster", b"Postmaster", b'"postmaster"'),
        *(b"a@example.org", b"a@mail.Example.NET", b"a@x.test", b"a@localhost", b"a@b.invalid"),
        b"a@[127.0.0.1]",
    ],
)
def test_what_tells_of_nobody_stays(address: bytes) -> None:
    """The null reverse-path, postmaster, and the names that are reserved (RFC 2606)."""
    shown = NAMES.mailbox(address)
    assert shown == address or (address == b"a@[127.0.0.1]" and shown.endswith(b"@[127.0.0.1]"))


def test_postmaster_of_a_domain() -> None:
    """Whose postmaster it is, is told no more."""
    assert NAMES.mailbox(b"PostMaster@nest.corp") == b"PostMaster@" + NAMES.domain(b"nest.corp")


@pytest.mark.parametrize(
    "address",
    [
        b"alice@nest.corp",
        b"alice",
        b'"a b"@nest.corp',
        b"a@[10.1.2.3]",
        b"a@[IPv6:fe80::1]",
        b"a@b@c",
    ],
)
def test_a_pseudonym_stays(address: bytes) -> None:
    """Renaming twice is renaming once, whatever the key."""
    shown = NAMES.mailbox(address)
    assert shown != address
    assert NAMES.mailbox(shown) == shown
    assert Pseudonyms("other").mailbox(shown) == shown


@pytest.mark.parametrize("text", ["10.1.2.3", "8.8.8.8", "fe80::1", "2a00::1", "fe80::1%eth0"])
def test_ip_addresses(text: str) -> None:
    """They become addresses for documentation (RFC 3849), of which there are enough."""
    assert ip_address(NAMES.ip(text)) in ip_network("2001:db8::/32")
    assert NAMES.ip(NAMES.ip(text)) == NAMES.ip(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "0.0.0.0", "192.0.2.7", "2001:db8::7", "no"])
def test_ip_addresses_that_tell_nothing(text: str) -> None:
    """Loopback, documentation, and what is none, stay."""
    assert NAMES.ip(text) == text


def test_what_is_to_be_kept() -> None:
    """Whole addresses, domains and IP addresses stay where they are asked for."""
    names = Pseudonyms("", [{"bob@nest.corp", "mail.nest.corp", "10.1.2.3"}.__contains__])
    assert names.mailbox(b"bob@nest.corp") == b"bob@nest.corp"
    assert names.domain(b"Mail.nest.corp") == b"Mail.nest.corp"
    assert names.ip("10.1.2.3") == "10.1.2.3"
    assert names.mailbox(b"eve@nest.corp") == NAMES.mailbox(b"eve@nest.corp")


def test_many_names_take_no_more_memory() -> None:
    """A hostile client may name any number: what is remembered has a bound, and no effect."""
    names = Pseudonyms()
    first = names.domain(b"nest.corp")
    shown = {names.domain(b"c%d.corp" % number) for number in range(20_000)}
    assert len(shown) == 20_000
    assert names.domain(b"nest.corp") == first
