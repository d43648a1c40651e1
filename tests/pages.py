"""Pages of the docs that are made of the code's own tables: `python -m tests.pages` writes them."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.smtp.anomalies import OF_CLIENT, OF_UPSTREAM
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
look-alikes once a form.

`--on-anomaly refuse` refuses what a client sends instead, `--on-anomaly NAME=refuse` one kind of
it; later words change earlier ones. A command gets `500 5.5.2` (`503 5.5.1` where it came too
early), and the session goes on. A message gets `554 5.6.0` when the client has sent its end;
upstream never sees that end, nor any octet of the look-alike, and both connections are closed.
Upstream's anomalies are always relayed.

## Of the client

| name | what it is |
|---|---|
{client}

## Of upstream

| name | what it is |
|---|---|
{upstream}

Once upstream disagrees about the end of mail data, no rule acts on that session any more: what
the rules know of it may be what a message's author made up.
"""


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
    )


PAGES = {"states.md": states, "anomalies.md": anomalies}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())
