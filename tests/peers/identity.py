"""Who the TLS servers of the tests are: a certificate for their names, and whoever signed it.

Two of these know nothing of each other, so that a client that trusts one authority proves to
whom it spoke.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smtpproxy.net.authority import Authority
from tests.certificates import certificate_pem, key_pem
from tests.peers.processes import open_folder

NAME = "mail.example.org"


@dataclass(frozen=True)
class Identity:
    """The files of a server: the authority's certificate, its own, and its key."""

    authority: Path
    certificate: Path
    key: Path


@contextlib.contextmanager
def open_identity() -> Iterator[Identity]:
    """An identity for NAME and for this machine's own names, as long as the block lasts.

    The key is readable by everybody, for a server may have given up its rights by then.
    """
    with open_folder() as folder:
        authority = Authority.open(folder)
        certificate, key = authority.issue([NAME])
        (folder / "server.pem").write_bytes(certificate_pem(certificate))
        (folder / "server-key.pem").write_bytes(key_pem(key))
        yield Identity(authority.path, folder / "server.pem", folder / "server-key.pem")
