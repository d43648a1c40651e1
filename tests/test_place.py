"""Places: how they are shown."""

from __future__ import annotations

import pytest

from smtpproxy.place import Place


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place("192.0.2.7", 40000), "192.0.2.7:40000"),
        # RFC 3986 §3.2.2: brackets keep the port apart from an IPv6 address.
        (Place("2001:db8::1", 25), "[2001:db8::1]:25"),
        (Place(path="/run/smtp"), "/run/smtp"),
        (Place(), "local"),
        # Whoever names a socket must not write lines of the log.
        (Place(path="/tmp/a\n#1 \udcff"), "/tmp/a\\x0a#1 \\udcff"),
    ],
)
def test_how_a_place_is_shown(place: Place, shown: str) -> None:
    """HOST:PORT, in brackets where the host has colons; a socket without a host by its path."""
    assert str(place) == shown
