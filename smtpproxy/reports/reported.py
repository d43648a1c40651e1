"""What `--report` writes: the words, and what each means.

The JSON Schema in `docs/` is made of them. Gathers nothing: that is `report`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from smtpproxy.log.records import TlsRecord

#: The version of the JSON. A key more is no new version; another meaning is.
VERSION = 1

#: How a mail transaction came out.
ACCEPTED, REFUSED, ABANDONED, UNFINISHED = "accepted", "refused", "abandoned", "unfinished"


def _told(description: str) -> Meta:
    return Meta(description=description)


class ReportedReply(Struct, omit_defaults=True):
    """A reply, or that there was none."""

    code: Annotated[int | None, _told("the reply code that the client heard; null: none")]
    by: Annotated[str, _told("who answered: upstream, rule or proxy; a cassette is an upstream")]
    text: Annotated[str, _told("its text; lines apart by LF, without codes")] = ""
    enhanced: Annotated[str, _told("its enhanced status code")] = ""
    rule: Annotated[str, _told("the rule that answered, or delayed the answer")] = ""


class ReportedRecipient(Struct):
    """A forward-path, and what became of it."""

    address: Annotated[str, _told("without angle brackets and source route")]
    reply: Annotated[
        ReportedReply,
        _told("the final one: to its RCPT, or, where that was 2xx, to the message, if it came"),
    ]
    stage: Annotated[str, _told("what that answered: RCPT, END-OF-DATA, BDAT or DATA")]


class ReportedMessage(Struct):
    """The mail data of a transaction."""

    octets: Annotated[int, _told("its size as its receiver understands it: dot-stuffing undone")]
    headers: Annotated[
        list[tuple[str, str]],
        _told("name and value of each header field, unfolded and fit to be shown, in order"),
    ]
    cut: Annotated[bool, _told("there is more header section than is kept: 64 KiB")]


class Attempt(Struct, frozen=True):
    """Which mail transaction of which session, from 1."""

    session: str
    transaction: int


class ReportedTransaction(Struct, omit_defaults=True, kw_only=True):
    """One mail transaction, from its MAIL on."""

    number: Annotated[int, _told("within its session, from 1")]
    reverse_path: Annotated[str, _told("the sender; empty for a bounce")]
    mail: Annotated[ReportedReply, _told("the reply to MAIL")]
    outcome: Annotated[
        str,
        _told(
            "accepted (some recipient has it), refused, abandoned (by RSET or another MAIL) or "
            "unfinished (the session ended in it)"
        ),
    ] = UNFINISHED
    recipients: list[ReportedRecipient]
    more_recipients: Annotated[int, _told("recipients beyond those that are kept")] = 0
    message: ReportedMessage | UnsetType = UNSET
    reply: Annotated[
        ReportedReply | UnsetType,
        _told("the final one: to MAIL or DATA, where they were refused, or to the message"),
    ] = UNSET
    retry_of: Annotated[
        Attempt | UnsetType,
        _told(
            "the same reverse-path, recipients and Message-ID were tried there, and had a 4xx or "
            "no answer"
        ),
    ] = UNSET


class ReportedMiss(Struct, omit_defaults=True, kw_only=True):
    """Something that a client sent and the cassette does not have."""

    number: Annotated[int, _told("from 1, in the order in which clients heard of them")]
    session: Annotated[str, _told("the session's label")]
    verdict: Annotated[str, _told("different, already used or missing")]
    stage: Annotated[str, _told("what was missed, as written in rule files")]
    sent: Annotated[str, _told("by the client, redacted and fit to be shown")]
    closest: Annotated[str, _told("what the cassette has that is nearest")] = ""
    source: Annotated[str, _told("the cassette's file")] = ""
    line: Annotated[int, _told("of the closest, in the file")] = 0
    tls: Annotated[
        str, _told("recording or connection: which was under TLS, where the other was not")
    ] = ""
    compared: Annotated[list[ReportedField], _told("field by field, with the closest")] = []
    expected: Annotated[list[str], _told("what would have fitted here, some of it")] = []
    paste: Annotated[str, _told("what makes it match, as YAML")] = ""
    paste_at: Annotated[str, _told("where that belongs in the cassette")] = ""


class ReportedField(Struct):
    """One part of a command beside what was recorded."""

    name: Annotated[str, _told("such as verb, local part, domain, mechanism, or a parameter")]
    sent: Annotated[str, _told("by the client; empty: it was not there")]
    recorded: Annotated[str, _told("in the cassette; empty: it was not there")]
    outcome: Annotated[str, _told("fits, differs or ignored")]


class ReportedPlace(Struct):
    """A recorded transaction, by its first exchange."""

    source: Annotated[str, _told("the cassette's file")]
    session: Annotated[str, _told("the recorded session's label")]
    line: Annotated[int, _told("of the transaction's first exchange")]
    stage: Annotated[str, _told("of that exchange")]
    sent: Annotated[str, _told("by that exchange's client, fit to be shown")]


class ReportedRule(Struct):
    """How often a rule had its way."""

    rule: Annotated[str, _told("its name")]
    stage: Annotated[str, _told("where it stands")]
    fired: Annotated[int, _told("how often; 0: it never did")]
    first: Annotated[float | None, _told("when first, in seconds since the run began")]


class ReportedSession(Struct, omit_defaults=True, kw_only=True):
    """What one session did."""

    session: Annotated[str, _told("unique, also across restarts; as in the log")]
    client: Annotated[str, _told("HOST:PORT of the client, or the path of its socket")]
    upstream: Annotated[str, _told("the endpoint of the upstream server")]
    started: Annotated[str, _told("RFC 3339, UTC, milliseconds")]
    ended: Annotated[str | None, _told("RFC 3339, UTC, milliseconds; null: it goes on")] = None
    how: Annotated[str, _told("how it ended, as in the log; empty: it goes on")] = ""
    tls: Annotated[dict[str, TlsRecord], _told("by leg: client, upstream")] = {}
    tls_failed: Annotated[dict[str, str], _told("by leg: why there is no TLS")] = {}
    transactions: list[ReportedTransaction]
    more_transactions: Annotated[int, _told("mail transactions beyond those that are kept")] = 0
    rules: Annotated[dict[str, int], _told("by name: how many replies each rule answered")] = {}
    misses: Annotated[list[int], _told("the numbers of its misses")] = []


class Totals(Struct):
    """What was counted of all sessions, also of those that are not kept."""

    sessions: int = 0
    transactions: int = 0
    messages: Annotated[int, _told("mail transactions that were accepted")] = 0
    recipients_accepted: Annotated[int, _told("whose message was taken")] = 0
    recipients_refused: Annotated[int, _told("by 4xx or 5xx, at RCPT or with the message")] = 0
    retries: int = 0
    misses: int = 0


class RunReport(Struct, kw_only=True, tag_field="version", tag=VERSION):
    """Everything that `--report` tells of one run; first comes the version."""

    mode: Annotated[str, _told("relay, record, replay, …")]
    upstream: Annotated[str, _told("an endpoint, or cassette:FILE")]
    started: Annotated[str, _told("RFC 3339, UTC, milliseconds")]
    written: Annotated[str, _told("RFC 3339, UTC, milliseconds")]
    totals: Totals
    sessions: Annotated[list[ReportedSession], _told("in the order in which they began")]
    not_kept: Annotated[int, _told("older sessions that were counted, and are not listed")] = 0
    rules: Annotated[dict[str, int], _told("by name: how many replies each rule answered")] = {}
    fired: Annotated[
        list[ReportedRule], _told("every rule, in their order, those that never fired, too")
    ] = []
    misses: Annotated[
        list[ReportedMiss], _told("the first 1,000 of them; totals has how many there were")
    ] = []
    used: Annotated[list[ReportedPlace], _told("recorded transactions that were replayed")] = []
    unused: Annotated[list[ReportedPlace], _told("and those that nobody asked for")] = []


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    (whole,), kinds = msgspec.json.schema_components((RunReport,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"The report of smtpproxy, version {VERSION}",
        **whole,
        "$defs": kinds,
    }
