"""HAProxy before the proxy: it passes octets on, and says in a PROXY header whose they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.peers.processes import HOST, free_port, open_folder, running
from tests.peers.programs import need

CONFIGURATION = """
global
    maxconn 100
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen smtp
    bind {host}:{port}
    server proxy {host}:{behind} {header}
"""


@contextlib.contextmanager
def run_haproxy(behind: int, header: str) -> Iterator[int]:
    """Run HAProxy before a port, and yield its own; `header` is send-proxy or send-proxy-v2."""
    program = need("haproxy")
    with open_folder() as folder:
        port = free_port()
        file = folder / "haproxy.cfg"
        file.write_text(CONFIGURATION.format(host=HOST, port=port, behind=behind, header=header))
        with running([program, "-db", "-f", str(file)], port, folder / "haproxy.log"):
            yield port
