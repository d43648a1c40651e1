"""Listening: a Twisted factory on a free loopback port, announced in a ready file. No SMTP here."""

from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.protocol import Factory

reactor: Any = installed


def listen(factory: Factory[Any], ready_file: str) -> None:
    """Serve until SIGTERM; the ready file appears whole, with one line HOST:PORT."""
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    ready = Path(ready_file)
    half = ready.with_suffix(".half")
    half.write_text(f"127.0.0.1:{port.getHost().port}\n")
    half.replace(ready)
    reactor.run()
