"""Node's smtp-server, speaking SMTP or LMTP: its run, and the messages that it has kept.

The program is ours (node/serve.js), around the package that `.ci/run` installs.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.mailserver import Delivered, MailServer
from tests.peers.processes import HOST, free_port, open_folder, running
from tests.peers.programs import need_node

SERVE = Path(__file__).parent / "node" / "serve.js"


@dataclass(frozen=True)
class NodeServer(MailServer):
    """A running smtp-server, and the folder of its messages."""

    kept: Path

    def delivered(self) -> list[Delivered]:
        """Every message whose envelope, which comes last, has been written."""
        return [_read(path) for path in sorted(self.kept.glob("*.json"))]


def _read(path: Path) -> Delivered:
    envelope = json.loads(path.read_text("utf-8"))
    octets = path.with_suffix(".eml").read_bytes()
    return Delivered(envelope["sender"], tuple(envelope["recipients"]), octets)


@contextlib.contextmanager
def run_node_server(lmtp: bool = False) -> Iterator[NodeServer]:
    """Run smtp-server in a process of its own."""
    node = need_node("smtp-server")
    with open_folder() as folder:
        kept, port = folder / "kept", free_port()
        kept.mkdir()
        options = {"host": HOST, "port": port, "folder": str(kept), "lmtp": lmtp}
        with running([*node, str(SERVE), json.dumps(options)], port, folder / "output"):
            yield NodeServer(HOST, port, kept)
