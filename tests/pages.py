"""Pages of the docs that are made of the code's own tables: `python -m tests.pages` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from smtpproxy.cassette.schema import schema as schema_of_cassettes
from smtpproxy.classify import SEVERITIES
from smtpproxy.codes import ANYWHERE, CODES, STAGES, meaning, stages_of, wording
from smtpproxy.enhanced import DETAILS, SUBJECTS
from smtpproxy.log.records import schema
from smtpproxy.reports import reported
from smtpproxy.rules.schema import schema as schema_of_rules
from smtpproxy.smtp.anomalies import OF_CLIENT, OF_SESSION, OF_UPSTREAM
from smtpproxy.smtp.state import TRANSITIONS

DOCS = Path(__file__).parent.parent / "docs"

_STATES = """# The phases of a session

Where a session's client stands, as the proxy follows it for rules, log and tests. Framing never
depends on it: where mail data begins and ends depends on a verb and its reply alone, so that mail
data follows a 354 also where no recipient was accepted. Generated from `TRANSITIONS` in
`smtpproxy/smtp/state.py`; an arrow is a stage and the first digit of the reply that the client
heard. Stages that lead to the same phase from everywhere are in the table below the picture.

```mermaid
stateDiagram-v2
    [*] --> connected
{arrows}
    over --> [*]
```

| from any phase, at | answered | leads to |
|---|---|---|
{rows}
"""

_ANOMALIES = """# Anomalies

What is odd is relayed as it is, and told by these names: in the log at the reply that it belongs
to (JSON: `anomalies`), or as a fact of its own where it is in mail data; in the cassette as the
session's `anomalies:`; counted in the statistics. Within one message each is told once,
look-alikes once a form, and 64 forms of a name at most.

`--on-anomaly refuse` refuses what a client sends instead, `--on-anomaly NAME=refuse` one kind of
it; later words change earlier ones. A command gets `500 5.5.2` (`503 5.5.1` where it came too
early), and the session goes on. A message gets `554 5.6.0` when the client has sent its end;
upstream never sees that end, nor any octet of the look-alike, and both connections are closed.
Upstream's anomalies are always relayed, and so is what a session does not allow its client.

## Of the client

| name | what it is |
|---|---|
{client}

## Of the session

What stands here is held against the client alone where it could know: not where the command was
sent before the reply to the one before it was there (RFC 2920 §3.1).

| name | what it is |
|---|---|
{session}

## Of upstream

| name | what it is |
|---|---|
{upstream}

Once upstream disagrees about the end of mail data, no rule acts on that session any more: what
the rules know of it may be what a message's author made up.
"""


_CODES = """# Reply codes

The registry of the proxy, generated from `CODES` and `STAGES` in `smtpproxy/codes.py` and from
`DETAILS` in `smtpproxy/enhanced.py`. `smtpproxy codes` has the same at the prompt; `smtpproxy
explain` says what a reply means by it. `- RCPT: 452` in a rule file sends a code in these words.

## By code

{codes}

The first digit is the severity: 2 success, 3 intermediate, 4 transient, 5 permanent. The second is
the subject: 0 syntax, 1 information, 2 connections, 5 mail system.

## By command

What a server may answer, and the enhanced status code that is sent with it where a rule says no
more than the code. {anywhere} may answer anything. DATA is two stages: the answer to DATA, and the
answer to the end of mail data.

{stages}

## Enhanced status codes

Class, subject, detail: 5.1.1 is a permanent failure (2 is success, 4 a persistent transient
failure) of addressing.

{details}
"""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def reply_codes() -> str:
    """Return the page of reply codes."""
    codes = _table(
        ("code", "severity", "meaning", "listed for", "source"),
        (
            (
                *(str(code), SEVERITIES[code // 100], _escaped(told.meaning)),
                *(", ".join(stages_of(code)), told.source),
            )
            for code, told in CODES.items()
        ),
    )
    stages = _table(
        ("at", "code", "enhanced", "meaning"),
        (
            (stage if not at else "", str(code), wording(stage, code).enhanced, _escaped(words))
            for stage, listed in STAGES.items()
            for at, code in enumerate(sorted(listed))
            for words in [meaning(stage, code)]
        ),
    )
    details = _table(
        ("code", "subject", "meaning", "source"),
        (
            (f"X.{subject}.{detail}", SUBJECTS[subject], told.meaning, told.source)
            for (subject, detail), told in DETAILS.items()
        ),
    )
    anywhere = ", ".join(map(str, sorted(ANYWHERE)))
    return _CODES.format(codes=codes, stages=stages, details=details, anywhere=anywhere)


def _escaped(words: str) -> str:
    return words.replace("<", "\\<")


def log_schema() -> str:
    """Return the JSON Schema of the JSON log."""
    return json.dumps(schema(), indent=2) + "\n"


def cassette_schema() -> str:
    """Return the JSON Schema of cassettes."""
    return json.dumps(schema_of_cassettes(), indent=2, ensure_ascii=False) + "\n"


def report_schema() -> str:
    """Return the JSON Schema of the report."""
    return json.dumps(reported.schema(), indent=2) + "\n"


def rules_schema() -> str:
    """Return the JSON Schema of rule files."""
    return json.dumps(schema_of_rules(), indent=2, ensure_ascii=False) + "\n"


def states() -> str:
    """Return the page of phases, with the diagram of the table of transitions."""
    arrows = [
        f"    {phase} --> {to}: {stage} {digit}xx"
        for (phase, stage, digit), to in TRANSITIONS.items()
        if phase is not None
    ]
    path = ("EHLO", "MAIL", "DATA", "END-OF-DATA", "QUIT", "STARTTLS")
    begins = {"EHLO": "greeted", "MAIL": "idle", "DATA": "rcpt", "END-OF-DATA": "data"}
    arrows += [
        f"    {begins.get(stage, 'idle')} --> {to}: {stage} {digit}xx"
        for (phase, stage, digit), to in TRANSITIONS.items()
        if phase is None and stage in path
    ]
    rows = [
        f"| {stage} | {digit}xx | {to} |"
        for (phase, stage, digit), to in TRANSITIONS.items()
        if phase is None
    ]
    return _STATES.format(arrows="\n".join(arrows), rows="\n".join(rows))


def anomalies() -> str:
    """Return the page of anomalies."""
    return _ANOMALIES.format(
        client="\n".join(f"| `{name}` | {told} |" for name, told in OF_CLIENT.items()),
        upstream="\n".join(f"| `{name}` | {told} |" for name, told in OF_UPSTREAM.items()),
        session="\n".join(f"| `{name}` | {told} |" for name, told in OF_SESSION.items()),
    )


PAGES = {
    "states.md": states,
    "anomalies.md": anomalies,
    "reply-codes.md": reply_codes,
    "log-schema.json": log_schema,
    "cassette-schema.json": cassette_schema,
    "report-schema.json": report_schema,
    "rules-schema.json": rules_schema,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
