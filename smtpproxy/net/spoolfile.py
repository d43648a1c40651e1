"""Where messages are kept that rules decide about at their end: a file without a name."""

from __future__ import annotations

import tempfile

from smtpproxy.spooling import Spool


def spool_on_disk() -> Spool:
    """Return a spool whose larger messages go to a temporary file, which is gone with it."""
    return Spool(lambda: tempfile.TemporaryFile(prefix="smtpproxy-"))
