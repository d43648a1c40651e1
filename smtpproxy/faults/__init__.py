"""The catalogue of faults: one a file, each named here by its key in a rule."""

from __future__ import annotations

from typing import Final

from smtpproxy.faults.base import Fault, FaultError, Telling, Value
from smtpproxy.faults.delay import Delay
from smtpproxy.faults.drop import Drop
from smtpproxy.faults.keywords import Keywords
from smtpproxy.faults.reply import SayReply
from smtpproxy.faults.tls import SpoiltTls

FAULTS: Final[dict[str, type[Fault]]] = {
    "reply": SayReply,
    "client": Drop,
    "delay": Delay,
    "tls": SpoiltTls,
    "keywords": Keywords,
}

__all__ = [
    "FAULTS",
    "Delay",
    "Drop",
    "Fault",
    "FaultError",
    "Keywords",
    "SayReply",
    "SpoiltTls",
    "Telling",
    "Value",
]
