"""The matrix in the documentation is the one that is tested."""

from pathlib import Path

import pytest

from tests.peers import tls_modes
from tests.peers.matrix import FAMILIES, page
from tests.peers.pairs import Family

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"


def test_the_page_has_the_matrix() -> None:
    """docs/peers.md has what `python -m tests.peers.matrix` prints."""
    assert page() in PAGE.read_text("utf-8")


def test_the_page_has_the_modes_of_tls() -> None:
    """docs/peers.md has what `python -m tests.peers.tls_modes` prints."""
    assert tls_modes.page() in PAGE.read_text("utf-8")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.protocol)
def test_who_does_not_meet_is_known(family: Family) -> None:
    """Every pair meets, save for those that stand apart with a reason, under names that exist."""
    clients = {client.name for client in family.clients}
    servers = {server.name for server in family.servers}
    assert {*family.apart} <= {(client, server) for client in clients for server in servers}
    assert len(family.pairs) == len(clients) * len(servers) - len(family.apart)
