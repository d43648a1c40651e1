"""A crowd of clients in a process of its own: they connect, are greeted, and say nothing.

As a program it is given port and number, and writes what the crowd and one client more have heard
as JSON. The crowd goes when standard input ends.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
from collections import Counter

HOST = "127.0.0.1"
SECONDS = 30.0


def greeted(port: int) -> tuple[socket.socket, str]:
    """Connect; return the connection, and the reply code that it was greeted with."""
    client = socket.create_connection((HOST, port), SECONDS)
    with client.makefile("rb") as replies:
        return client, replies.readline()[:3].decode()


def main(port: int, number: int) -> None:
    """Be the crowd."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = [greeted(port) for _ in range(number)]
    _, one_more = greeted(port)
    heard = Counter(code for _, code in crowd)
    print(json.dumps({"crowd": heard, "one more": one_more}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
