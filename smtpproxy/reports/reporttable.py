"""The report for a person: a line a mail transaction, as plain text or coloured by severity.

Owns what is shown of it. Where it is shown is the caller's affair.
"""

from __future__ import annotations

import io

from smtpproxy.reports.expectations import decoded
from smtpproxy.reports.outcomes import header
from smtpproxy.reports.reported import (
    ACCEPTED,
    Attempt,
    ReportedReply,
    ReportedSession,
    ReportedTransaction,
    RunReport,
)
from smtpproxy.summary import Column, Row, Table, aligned, rich_table

#: Mail transactions that are shown.
_MOST = 20
_LONGEST = 40
_COLUMNS = (
    Column("session"),
    *(Column(head, number=False) for head in ("from", "to", "subject", "reply", "outcome")),
)
_SEVERITIES = {2: "success", 3: "intermediate", 4: "transient", 5: "permanent"}


def plain(report: RunReport) -> str:
    """Return the report as text that lines up in any font of one width."""
    table = _table(report)
    return "\n".join([*(aligned(table) if table.rows else []), *_last(report)])


def coloured(report: RunReport, width: int | None = None) -> str:
    """Return the report as text for a terminal, as wide as that is unless `width` is given."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), force_terminal=True, highlight=False, width=width)
    table = _table(report)
    if table.rows:
        console.print(rich_table(table))
    console.print(Text("\n".join(_last(report))))
    return console.file.getvalue().rstrip("\n")  # type: ignore[attr-defined, no-any-return]


def _table(report: RunReport) -> Table:
    rows: list[Row] = []
    for session in report.sessions:
        for done in session.transactions:
            if len(rows) == _MOST:
                return Table(_COLUMNS, rows)
            rows.append(_row(session, done))
    return Table(_COLUMNS, rows)


def _row(session: ReportedSession, done: ReportedTransaction) -> Row:
    reply = _deciding(done)
    code = reply.code if reply is not None and reply.code is not None else 0
    words = " ".join(
        filter(None, [f"{code:03d}" if code else "none", reply.enhanced if reply else ""])
    )
    retry = ", again" if isinstance(done.retry_of, Attempt) else ""
    cells = (
        session.session.rpartition("-")[2],
        f"<{done.reverse_path}>",
        _recipients(done),
        decoded(header(done, "subject")),
        words,
        f"{done.outcome}{retry}",
    )
    severity = _SEVERITIES.get(code // 100, "unknown") if done.outcome != ACCEPTED else "success"
    return Row(tuple(map(_cut, cells)), severity)


def _deciding(done: ReportedTransaction) -> ReportedReply | None:
    """Return the reply that decided on the transaction, as far as one did."""
    if isinstance(done.reply, ReportedReply):
        return done.reply
    refusals = [one.reply for one in done.recipients if (one.reply.code or 0) >= 400]
    return refusals[0] if refusals else None


def _recipients(done: ReportedTransaction) -> str:
    addresses = [one.address for one in done.recipients]
    many = len(addresses) + done.more_recipients
    return f"{addresses[0]} and {many - 1} more" if many > 1 else "".join(addresses)


def _last(report: RunReport) -> list[str]:
    totals = report.totals
    shown = sum(len(session.transactions) for session in report.sessions)
    lines = [f"and {shown - _MOST:,} mail transactions more"] if shown > _MOST else []
    counts = (
        (totals.sessions, "session", "sessions"),
        (totals.transactions, "mail transaction", "mail transactions"),
        (totals.messages, "message taken", "messages taken"),
        (totals.retries, "retry", "retries"),
        (totals.misses, "miss", "misses"),
    )
    told = [
        f"{many:,} {one if many == 1 else more}"
        for many, one, more in counts
        if many or one not in ("retry", "miss")
    ]
    lines.append(", ".join(told))
    if report.not_kept:
        one = report.not_kept == 1
        older = "session was counted, and is" if one else "sessions were counted, and are"
        lines.append(f"{report.not_kept:,} older {older} not kept")
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
