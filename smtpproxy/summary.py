"""The statistics for a person: tables, as plain text or coloured by severity.

Owns what is shown of a report, and how. Where it is shown is the caller's affair.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

from smtpproxy.classify import classify
from smtpproxy.figures import Codes, Figures, FiredRule, Report
from smtpproxy.visible import visible_text

#: This many recipient domains are shown, the busiest first.
_DOMAINS = 10
_LONGEST = 60  # a peer may send a name that is longer than any terminal is wide
_COLOURS = {"success": "green", "intermediate": "cyan", "transient": "yellow", "permanent": "red"}


class Column(NamedTuple):
    """The head of a column, and whether it holds numbers."""

    head: str
    number: bool = True


class Row(NamedTuple):
    """The cells of one line, and the severity that it is about, or ""."""

    cells: tuple[str, ...]
    severity: str = ""


class Table(NamedTuple):
    """What is shown aligned."""

    columns: tuple[Column, ...]
    rows: list[Row]


def plain(report: Report) -> str:
    """Return the report as text that lines up in any font of one width."""
    blocks = [_head(report), *(aligned(table) for table in _tables(report)), *_hidden(report)]
    return "\n\n".join("\n".join(lines) for lines in blocks)


def coloured(report: Report, width: int | None = None) -> str:
    """Return the report as text for a terminal, as wide as that is unless `width` is given."""
    # Most runs show nothing on a terminal, and rich takes its time to be imported.
    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), force_terminal=True, highlight=False, width=width)
    console.print(Text("\n".join(_head(report))))
    for table in _tables(report):
        console.print()
        console.print(rich_table(table))
    for lines in _hidden(report):
        console.print(Text("\n".join(lines)))
    return console.file.getvalue().rstrip("\n")  # type: ignore[attr-defined, no-any-return]


def rich_table(table: Table) -> Any:
    """Return a table as rich can print it, coloured by severity."""
    from rich.console import JustifyMethod
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in table.columns:
        justify: JustifyMethod = "right" if column.number else "left"
        shown.add_column(Text(column.head), justify=justify, overflow="fold")
    for row in table.rows:
        style = _COLOURS.get(row.severity, "magenta" if row.severity else "")
        shown.add_row(*map(Text, row.cells), style=style)
    return shown


def _head(report: Report) -> list[str]:
    ended = [f"{many:,} {how}" for how, many in report.ended.items()]
    if still := report.sessions - sum(report.ended.values()):
        ended.append(f"{still:,} open")
    told = f" ({', '.join(ended)})" if ended else ""
    lines = [
        f"{_many(report.sessions, 'session')}{told}",
        f"{_many(report.transactions, 'mail transaction')}, {_many(report.messages, 'message')}, "
        f"{_many(report.mail_data_octets, 'octet')} of mail data",
    ]
    recipients = report.recipients
    if recipients.accepted or recipients.refused:
        lines.append(
            f"recipients: {recipients.accepted:,} accepted, {recipients.refused:,} refused"
        )
    return lines


def _hidden(report: Report) -> list[list[str]]:
    more = len(report.domains) - _DOMAINS
    return [[f"and {_many(more, 'recipient domain')} more"]] if more > 0 else []


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _tables(report: Report) -> list[Table]:
    tables = (
        _matrix(report),
        _times(report),
        _counts("reason of refusals", report.reasons),
        _counts("anomaly", report.anomalies),
        rules_table(report.rules),
        _upstreams(report.upstreams),
        _domains(report),
    )
    return [table for table in tables if table.rows]


def _matrix(report: Report) -> Table:
    """Return a line a code, the stage at its first: as tables of reply codes are printed."""
    columns = Column("stage", False), Column("code"), Column("count"), Column("meaning", False)
    return Table(columns, [row for item in report.matrix.items() for row in _codes(*item)])


def _codes(stage: str, codes: Codes) -> Iterator[Row]:
    name = _name(stage)
    for code, count in codes.items():
        judged = classify(stage, code)
        meaning = judged.meaning or "(unknown)"
        yield Row((name, f"{code:03d}", f"{count:,}", meaning), judged.severity)
        name = ""


def _times(report: Report) -> Table:
    columns = ("replies", "p50 ms", "p95 ms", "p99 ms")
    rows = []
    for stage, one in report.reply_ms.items():
        percentiles = (f"{ms:,.9g}" for ms in (one.p50, one.p95, one.p99))
        rows.append(Row((_name(stage), f"{one.count:,}", *percentiles)))
    return Table((Column("stage", False), *map(Column, columns)), rows)


def _counts(head: str, counts: dict[str, int]) -> Table:
    rows = [Row((_name(name), f"{count:,}")) for name, count in counts.items()]
    return Table((Column(head, False), Column("count")), rows)


def rules_table(rules: Iterable[FiredRule]) -> Table:
    """Return a line a rule, in their order."""
    columns = (Column("rule", False), Column("stage", False), Column("fired"), Column("first at s"))
    rows = []
    for one in rules:
        first = "never" if one.first is None else f"{one.first:,.1f}"
        rows.append(Row((_name(one.rule), one.stage, f"{one.fired:,}", first)))
    return Table(columns, rows)


def _upstreams(upstreams: dict[str, Figures]) -> Table:
    """Return a line an upstream, where there is more than one."""
    columns = ("sessions", "messages", "RCPT accepted", "refused")
    rows = []
    for name, one in upstreams.items():
        rcpt = one.recipients
        rows.append(_numbers(name, (one.sessions, one.messages, rcpt.accepted, rcpt.refused)))
    shown = rows if len(rows) > 1 else []
    return Table((Column("upstream", False), *map(Column, columns)), shown)


def _domains(report: Report) -> Table:
    columns = ("RCPT accepted", "refused", "messages accepted", "refused")
    rows = []
    for domain, stages in list(report.domains.items())[:_DOMAINS]:
        rcpt = stages.get("RCPT", {})
        ends = [codes for stage, codes in stages.items() if stage != "RCPT"]
        rows.append(_numbers(domain, (*_accepted_refused([rcpt]), *_accepted_refused(ends))))
    return Table((Column("recipient domain", False), *map(Column, columns)), rows)


def _accepted_refused(many: list[Codes]) -> tuple[int, int]:
    """Return how many replies were 2xx, and how many 4xx or 5xx."""
    replies = [(code // 100, count) for codes in many for code, count in codes.items()]
    accepted = sum(count for digit, count in replies if digit == 2)
    return accepted, sum(count for digit, count in replies if digit in (4, 5))


def _numbers(name: str, numbers: Iterable[int]) -> Row:
    return Row((_name(name), *(f"{number:,}" for number in numbers)))


def _name(name: str) -> str:
    shown = visible_text(name)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def aligned(table: Table) -> list[str]:
    """Return a table's lines, in columns as wide as they need to be."""
    lines = [tuple(column.head for column in table.columns), *(row.cells for row in table.rows)]
    widths = [max(map(len, cells)) for cells in zip_longest(*lines, fillvalue="")]
    return ["  ".join(_cells(line, widths, table.columns)).rstrip() for line in lines]


def _cells(line: tuple[str, ...], widths: list[int], columns: tuple[Column, ...]) -> Iterator[str]:
    for cell, width, column in zip(line, widths, columns, strict=True):
        yield cell.rjust(width) if column.number else cell.ljust(width)
