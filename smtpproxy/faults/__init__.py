"""The catalogue of faults: one a file, each named here by its key in a rule."""

from __future__ import annotations

from typing import Final

from smtpproxy.faults.bandwidth import Bandwidth
from smtpproxy.faults.base import Fault, FaultError, Telling, Value
from smtpproxy.faults.coalesce import Coalesce
from smtpproxy.faults.corrupt import Corrupt
from smtpproxy.faults.cut import Cut
from smtpproxy.faults.delay import Delay
from smtpproxy.faults.dribble import Dribble
from smtpproxy.faults.drop import Drop
from smtpproxy.faults.duplicate import Duplicate
from smtpproxy.faults.edit import Edit
from smtpproxy.faults.header import Header
from smtpproxy.faults.idle import Idle
from smtpproxy.faults.keywords import Keywords
from smtpproxy.faults.latency import Latency
from smtpproxy.faults.malformed import Malformed
from smtpproxy.faults.mid_data import MidData
from smtpproxy.faults.raw import Raw
from smtpproxy.faults.refuse import RefuseConnections
from smtpproxy.faults.replies import Replies
from smtpproxy.faults.reply import SayReply
from smtpproxy.faults.rewrite import Rewrite
from smtpproxy.faults.tls import SpoiltTls
from smtpproxy.faults.truncate import Truncate

FAULTS: Final[dict[str, type[Fault]]] = {
    "reply": SayReply,
    "bandwidth": Bandwidth,
    "client": Drop,
    "coalesce": Coalesce,
    "corrupt": Corrupt,
    "cut": Cut,
    "delay": Delay,
    "dribble": Dribble,
    "duplicate": Duplicate,
    "edit": Edit,
    "header": Header,
    "idle": Idle,
    "keywords": Keywords,
    "latency": Latency,
    "malformed": Malformed,
    "mid-data": MidData,
    "raw": Raw,
    "refuse": RefuseConnections,
    "replies": Replies,
    "rewrite": Rewrite,
    "tls": SpoiltTls,
    "truncate": Truncate,
}

__all__ = [
    "FAULTS",
    "Bandwidth",
    "Coalesce",
    "Corrupt",
    "Cut",
    "Delay",
    "Dribble",
    "Drop",
    "Duplicate",
    "Edit",
    "Fault",
    "FaultError",
    "Header",
    "Idle",
    "Keywords",
    "Latency",
    "Malformed",
    "MidData",
    "Raw",
    "RefuseConnections",
    "Replies",
    "Rewrite",
    "SayReply",
    "SpoiltTls",
    "Telling",
    "Truncate",
    "Value",
]
