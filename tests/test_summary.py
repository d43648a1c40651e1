"""The statistics are shown as tables, which line up, and on a terminal are coloured."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from smtpproxy.figures import Codes, Figures, FiredRule, Recipients, Report, Times
from smtpproxy.statistics import Statistics
from smtpproxy.summary import coloured, plain

_STYLE = re.compile("\x1b\\[[0-9;]*m")
REPORT = Report(
    sessions=3,
    ended={"quit": 1, "client-drop": 1},
    transactions=2,
    messages=1,
    recipients=Recipients(2, 1234),
    mail_data_octets=12345,
    reply_ms={"RCPT": Times(1236, 0.8, 12.3, 1200.0)},
    matrix={
        "RCPT": {250: 2, 550: 1234},
        "DATA": {354: 1, 451: 1},
        "NOOP": {42: 1},
    },
    reasons={"InvalidRecipient": 1234},
    anomalies={"bare-cr": 7},
    domains={"example.net": {"RCPT": {250: 1, 450: 2, 550: 3}, "END-OF-DATA": {250: 4, 554: 5}}},
    upstreams={},
    rules=[FiredRule("greylist", "RCPT", 1234, 12.34), FiredRule("drop", "CONNECT", 0, None)],
)


def wide(report: Report) -> str:
    """Return what a terminal shows that is wide enough, without its colours."""
    return _STYLE.sub("", coloured(report, 200))


def with_domains(domains: dict[str, dict[str, Codes]]) -> Report:
    """Return a report of nothing but domains."""
    report = Statistics().report()
    report.domains = domains
    return report


both = pytest.mark.parametrize("shown", [plain, wide])
Shown = Callable[[Report], str]


def test_plain_text_lines_up() -> None:
    """A stage stands at the first of its codes; names are on the left, numbers on the right."""
    assert (
        plain(REPORT)
        == """\
3 sessions (1 quit, 1 client-drop, 1 open)
2 mail transactions, 1 message, 12,345 octets of mail data
recipients: 2 accepted, 1,234 refused

stage  code  count  meaning
RCPT    250      2  Requested mail action okay, completed
        550  1,234  Requested action not taken: mailbox unavailable
DATA    354      1  Start mail input; end with <CRLF>.<CRLF>
        451      1  Requested action aborted: local error in processing
NOOP    042      1  (unknown)

stage  replies  p50 ms  p95 ms  p99 ms
RCPT     1,236     0.8    12.3   1,200

reason of refusals  count
InvalidRecipient    1,234

anomaly  count
bare-cr      7

rule      stage    fired  first at s
greylist  RCPT     1,234        12.3
drop      CONNECT      0       never

recipient domain  RCPT accepted  refused  messages accepted  refused
example.net                   1        5                  4        5"""
    )


@both
def test_nothing_has_no_tables(shown: Shown) -> None:
    """Before the first session there is no table, nor anything of recipients."""
    nothing = "0 sessions\n0 mail transactions, 0 messages, 0 octets of mail data"
    assert shown(Statistics().report()) == nothing


def test_a_terminal_shows_the_same() -> None:
    """Every word of the plain text is there, in its order."""
    assert wide(REPORT).split() == plain(REPORT).split()


@pytest.mark.parametrize(
    ("code", "colour"), [(250, "32"), (354, "36"), (451, "33"), (550, "31"), (42, "35")]
)
def test_a_terminal_shows_severity_by_colour(
    code: int, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success is green, intermediate cyan, transient yellow, permanent red, unknown magenta."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    lines = coloured(REPORT, 200).splitlines()
    assert [line for line in lines if f"\x1b[{colour}m {code:03d}" in line]


def test_a_narrow_terminal_loses_nothing() -> None:
    """What is too wide is folded."""
    report = with_domains({"a-rather-long-domain.example": {"RCPT": {250: 1}}})
    lines = _STYLE.sub("", coloured(report, 40)).splitlines()
    assert max(map(len, lines)) <= 40
    assert "a-rather-long-domain.example" in "".join(line.split(" ")[0] for line in lines)


@both
def test_the_ten_busiest_domains_are_shown(shown: Shown) -> None:
    """All are in the JSON; here it is said how many more there are."""
    domains = {f"d{number}.example": {"RCPT": {250: 1}} for number in range(12)}
    text = shown(with_domains(domains))
    assert re.findall(r"d\d+\.example", text) == [f"d{number}.example" for number in range(10)]
    assert text.endswith("and 2 recipient domains more")


@both
def test_upstreams_are_shown_where_there_are_several(shown: Shown) -> None:
    """Of a single one everything has been said."""
    one = Figures(
        sessions=5,
        ended={},
        transactions=9,
        messages=6,
        recipients=Recipients(7, 8),
        mail_data_octets=0,
        reply_ms={},
        matrix={},
        reasons={},
        anomalies={},
    )
    report = Statistics().report()
    report.upstreams = {"tcp:a.example:25": one}
    assert "a.example" not in shown(report)
    report.upstreams = {"tcp:a.example:25": one, "tcp:b.example:25": one}
    last = shown(report).splitlines()[-1]
    assert last.split() == ["tcp:b.example:25", "5", "6", "7", "8"]


@both
def test_what_peers_sent_is_text(shown: Shown) -> None:
    """Names are no markup, steer no terminal, and are cut where they are longer than a line."""
    names = ["[red]x[/]", "a\x1b[2Jb.example", "x" * 2000]
    text = shown(with_domains({name: {"RCPT": {550: 1}} for name in names}))
    first, second, third = (line.split()[0] for line in text.splitlines()[-3:])
    assert (first, second) == ("[red]x[/]", "a\\x1b[2Jb.example")
    assert third == "x" * 59 + "…"
