"""What a live exchange is nearest to, and how they differ, field by field.

Owns the measure of nearness: the fewest fields that differ; among equals what nobody has used yet,
then what is spelled most alike, then what was recorded first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from smtpproxy.cassette.fingerprint import NO_MESSAGE, Fingerprint
from smtpproxy.cassette.matching import ARGUMENT_IGNORED, WHOSE, Matching
from smtpproxy.cassette.model import END_OF_DATA
from smtpproxy.cassette.points import Branch
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import is_last_chunk
from smtpproxy.smtp.path import parse_path
from smtpproxy.visible import visible, visible_text

FITS, DIFFERS, IGNORED = "fits", "differs", "ignored"
#: Recorded exchanges that are looked at, and characters that are compared for spelling.
_MOST, _LONGEST = 1000, 200


class Compared(NamedTuple):
    """One field of a live exchange beside the recorded one; "" is a field that is not there."""

    name: str
    sent: str
    recorded: str
    outcome: str


class _Field(NamedTuple):
    value: str
    counts: bool = True
    folds: bool = False  # case does not count


def compare(
    stage: str,
    sent: bytes,
    recorded: bytes,
    matching: Matching,
    message: Fingerprint = NO_MESSAGE,
    recorded_message: Fingerprint = NO_MESSAGE,
) -> tuple[Compared, ...]:
    """Return what two exchanges of one stage have in common, and what not."""
    mine = _fields(stage, sent, matching, message)
    theirs = _fields(stage, recorded, matching, recorded_message)
    found = []
    for name in dict.fromkeys([*mine, *theirs]):
        one, other = mine.get(name), theirs.get(name)
        found.append(Compared(name, _value(one), _value(other), _outcome(one, other)))
    known = any(one.outcome == DIFFERS for one in found)
    if not known and message.digest != recorded_message.digest:
        found.append(Compared("message", "in another order", "", DIFFERS))
    return tuple(found)


def nearest_to(
    stage: str,
    sent: bytes,
    branches: Iterable[Branch],
    matching: Matching,
    message: Fingerprint = NO_MESSAGE,
) -> Branch | None:
    """Return the nearest recorded exchange of these, which are all of one stage, or None."""
    near = [(_differing(stage, sent, one, matching, message), one) for one in _some(branches)]
    least = min((key for key, _ in near), default=None)
    ties = [one for key, one in near if key == least]
    if len(ties) < 2:
        return ties[0] if ties else None
    spelled = difflib.SequenceMatcher(autojunk=False)
    spelled.set_seq2(visible(sent[:_LONGEST]))

    def likeness(one: Branch) -> float:
        spelled.set_seq1(visible(one.example.sent[:_LONGEST]))
        return spelled.ratio()

    return max(ties[:100], key=lambda one: (likeness(one), -one.example.line))


def _some(branches: Iterable[Branch]) -> Sequence[Branch]:
    return list(islice(branches, _MOST))


def _differing(
    stage: str, sent: bytes, one: Branch, matching: Matching, message: Fingerprint
) -> tuple[int, bool]:
    fields = compare(stage, sent, one.example.sent, matching, message, one.message)
    return sum(field.outcome == DIFFERS for field in fields), not one.free


def _value(field: _Field | None) -> str:
    return field.value if field is not None else ""


def _outcome(one: _Field | None, other: _Field | None) -> str:
    if not all(field.counts for field in (one, other) if field is not None):
        return IGNORED
    if one is None or other is None:
        return DIFFERS
    if one.folds:
        return FITS if one.value.casefold() == other.value.casefold() else DIFFERS
    return FITS if one.value == other.value else DIFFERS


def _fields(stage: str, sent: bytes, matching: Matching, message: Fingerprint) -> dict[str, _Field]:
    """Return what an exchange is made of, by name."""
    fields = {"verb": _Field(stage if stage != END_OF_DATA else "end of mail data")}
    if stage in WHOSE:
        fields |= _path_fields(stage, sent, matching)
    elif stage == "AUTH":
        fields |= _auth_fields(sent)
    elif stage == "BDAT":
        words = sent.split()
        fields["octets"] = _Field(visible(words[1]) if len(words) > 1 else "", counts=False)
        fields["LAST"] = _Field("yes" if is_last_chunk(sent) else "no")
    elif argument := visible(b" ".join(sent.split()[1:])):
        fields["argument"] = _Field(argument, counts=stage not in ARGUMENT_IGNORED)
    for name, value in message.parts:
        fields[name] = _Field(value)
    return fields


def _path_fields(stage: str, sent: bytes, matching: Matching) -> dict[str, _Field]:
    path = parse_path(parse_command(sent).argument)
    if path is None:
        return {"line": _Field(visible(sent.strip()))}
    counts = matching.compares_path(stage)
    local, at, domain = path.address.rpartition("@")
    if not at:
        local, domain = domain, ""
    # What has no domain, such as <postmaster>, is compared as domains are.
    fields = {"local part": _Field(visible_text(local), counts, folds=not at)}
    if at:
        fields["domain"] = _Field(visible_text(domain), counts, folds=True)
    for keyword, value in path.parameters:
        fields[visible_text(keyword)] = _Field(
            visible_text(value) or "given", matching.compares_parameter(keyword), folds=True
        )
    return fields


def _auth_fields(sent: bytes) -> dict[str, _Field]:
    words = sent.split()
    if words[:1] == [] or words[0].upper() != b"AUTH":
        return {"continuation": _Field("cancelled" if words == [b"*"] else "credentials")}
    mechanism = visible(words[1]).upper() if len(words) > 1 else ""
    response = "given" if len(words) > 2 else "none"
    return {"mechanism": _Field(mechanism), "initial response": _Field(response)}
