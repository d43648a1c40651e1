"""The records of the JSON log.

Owns their fields, and what each means: the JSON Schema in `docs/` is made of them.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

#: The version of a record. A field more is no new version; another meaning is.
SCHEMA_VERSION = 1


def _told(description: str) -> Meta:
    return Meta(description=description)


class ReplyRecord(msgspec.Struct, omit_defaults=True):
    """What the JSON log says of a reply; what does not apply is left out."""

    v: Annotated[int, _told("the version of this record")]
    time: Annotated[str, _told("when the client heard it: RFC 3339, UTC, milliseconds")]
    session: Annotated[str, _told("unique, also across restarts")]
    client: Annotated[str, _told("HOST:PORT of the client, or the path of its socket")]
    upstream: Annotated[str, _told("the endpoint of the upstream server")]
    stage: Annotated[str, _told("what was answered, as written in rule files")]
    command: Annotated[str, _told("what the client sent, redacted and fit to be shown")]
    by: Annotated[str, _told("who answered: upstream, rule or proxy")]
    ms: Annotated[float, _told("milliseconds from the command to the reply")]
    code: Annotated[int | None, _told("the reply code that the client heard; null: none")]
    enhanced: Annotated[str | UnsetType, _told("its enhanced status code")] = UNSET
    text: Annotated[str | UnsetType, _told("its text; lines apart by LF, without codes")] = UNSET
    severity: Annotated[
        str | UnsetType,
        _told("by the first digit: success, intermediate, transient, permanent, unknown"),
    ] = UNSET
    meaning: Annotated[str | UnsetType, _told("the registry's words for the code here")] = UNSET
    known: Annotated[bool | UnsetType, _told("is the code in the registry")] = UNSET
    listed: Annotated[bool | UnsetType, _told("is the code listed for this stage")] = UNSET
    place: Annotated[
        str | UnsetType, _told("how the code stands here: listed, allowed anywhere, unlisted")
    ] = UNSET
    status: Annotated[
        str | UnsetType, _told("the registry's words for the enhanced status code")
    ] = UNSET
    reason: Annotated[
        str | UnsetType, _told("of a refusal: why, by the name of a KumoMTA bounce class")
    ] = UNSET
    reason_rule: Annotated[str | UnsetType, _told("the pattern that decided on the reason")] = UNSET
    retryable: Annotated[
        bool | UnsetType, _told("of a refusal: may the same message be taken later")
    ] = UNSET
    rule: Annotated[str | UnsetType, _told("the rule that answered, or delayed the answer")] = UNSET
    firing: Annotated[
        int | UnsetType, _told("the how-manieth firing of that rule in the run, from 1")
    ] = UNSET
    upstream_code: Annotated[
        int | UnsetType, _told("what upstream said, where the client heard something else")
    ] = UNSET
    upstream_text: Annotated[str | UnsetType, _told("its text")] = UNSET
    sender: Annotated[str | UnsetType, _told("the reverse-path of the open transaction")] = UNSET
    recipients: Annotated[
        list[str] | UnsetType, _told("the forward-paths that were accepted, at DATA and after")
    ] = UNSET
    recipient: Annotated[
        str | UnsetType, _told("whose of several replies to one message this is")
    ] = UNSET
    queue_id: Annotated[str | UnsetType, _told("upstream's own name for the message")] = UNSET
    anomalies: Annotated[
        tuple[str, ...] | UnsetType, _told("the names of what was odd; docs/anomalies.md")
    ] = UNSET


class TlsRecord(msgspec.Struct, omit_defaults=True):
    """What the JSON log says of a leg's TLS; what there is nothing to tell of is left out."""

    version: Annotated[str, _told("as OpenSSL calls it, such as TLSv1.3")]
    cipher: Annotated[str | UnsetType, _told("the cipher suite's name")] = UNSET
    sni: Annotated[str | UnsetType, _told("the server name that was asked for (RFC 6066)")] = UNSET
    alpn: Annotated[str | UnsetType, _told("the protocol that was agreed on (RFC 7301)")] = UNSET
    subject: Annotated[str | UnsetType, _told("of the peer's certificate (RFC 4514)")] = UNSET
    fingerprint: Annotated[
        str | UnsetType, _told("SHA-256 of the peer's certificate, in hexadecimal digits")
    ] = UNSET


class FactRecord(msgspec.Struct, omit_defaults=True):
    """What the JSON log says of anything else; `ended` is the last of a session."""

    v: Annotated[int, _told("the version of this record")]
    time: Annotated[str, _told("when it happened: RFC 3339, UTC, milliseconds")]
    session: Annotated[str, _told("unique, also across restarts")]
    fact: Annotated[str, _told("its name, such as ended, stray-line, timeout, mail-data")]
    detail: Annotated[str, _told("more about it, or the empty string")]
    octets: Annotated[str | UnsetType, _told("what was sent, fit to be shown")] = UNSET
    tls: Annotated[TlsRecord | UnsetType, _told("of the leg that `detail` names")] = UNSET


Record: TypeAlias = ReplyRecord | FactRecord


def schema() -> dict[str, Any]:
    """Return the JSON Schema of one line of the log."""
    either, kinds = msgspec.json.schema_components(
        (ReplyRecord, FactRecord), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of the JSON log of smtpproxy, version {SCHEMA_VERSION}",
        "anyOf": list(either),
        "$defs": kinds,
    }
