"""What the statistics say at one moment, as `--stats` writes it.

Owns the names and the version of what is written; `docs/operating.md` describes them. Counts
nothing.
"""

from __future__ import annotations

from msgspec import Struct

#: The version of the JSON; a key that is new does not change it.
VERSION = 1

#: By reply code.
Codes = dict[int, int]


class Times(Struct):
    """How long upstream took for its replies: percentiles, in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float


class Recipients(Struct):
    """RCPTs, by whether the client heard 2xx, or 4xx or 5xx."""

    accepted: int
    refused: int


class Figures(Struct, kw_only=True):
    """What was counted of some sessions."""

    sessions: int
    ended: dict[str, int]  # how
    transactions: int  # mail transactions begun
    messages: int  # taken
    recipients: Recipients
    mail_data_octets: int
    reply_ms: dict[str, Times]  # by stage
    matrix: dict[str, Codes]  # by stage: the replies that clients heard
    reasons: dict[str, int]  # of refusals
    anomalies: dict[str, int]


class FiredRule(Struct):
    """How often a rule had its way."""

    rule: str  # its name
    stage: str
    fired: int
    first: float | None  # when, in seconds since the run began; None: it never did


class Report(Figures, kw_only=True, tag_field="version", tag=VERSION):
    """Everything, then the same by recipient domain and by upstream; first comes the version."""

    domains: dict[str, dict[str, Codes]]  # by domain, then stage; the busiest first
    upstreams: dict[str, Figures]
    rules: list[FiredRule] = []  # in their order, those that never fired, too
