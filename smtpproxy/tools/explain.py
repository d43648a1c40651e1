"""`smtpproxy explain REPLY`: what a reply means; or each reply of a log on standard input."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from smtpproxy import classify
from smtpproxy.classify import Explanation
from smtpproxy.codes import CODES, STAGES, stage_name, stages_of
from smtpproxy.console import COLOURS, FOUND, GOOD, UNABLE, say
from smtpproxy.documents import nearest
from smtpproxy.options import OneLineOptions
from smtpproxy.pasted import Pasted, replies_in
from smtpproxy.reasons import Reasons, ReasonsError, load_reasons, one_line
from smtpproxy.visible import visible_text


class ExplainOptions(OneLineOptions):
    """Which reply, and where it was said."""

    synopsis = "Usage: smtpproxy explain [REPLY] [options]"
    examples = (
        "  smtpproxy explain '550 5.7.26 Unauthenticated email is not accepted' --at END-OF-DATA\n"
        "  smtpproxy explain < /var/log/mail.log\n"
    )
    longdesc = (
        "Without REPLY, every line of standard input is looked at: bare replies, and the logs of "
        "Postfix, Exim and this proxy."
    )
    optParameters = (("at", "a", None, "the command or stage that it answers, such as RCPT"),)
    optFlags = (("json", None, "one JSON object a reply"),)

    def __init__(self) -> None:
        super().__init__()
        self.reasons: list[Path] = []

    def opt_reasons(self, file: str) -> None:
        """a file of rules in the format of KumoMTA's bounce classifier, repeatable"""
        self.reasons.append(Path(file))

    def parseArgs(self, *words: str) -> None:
        """Take the reply, quoted or not."""
        self.reply = " ".join(words)


def explain(words: list[str]) -> int:
    """Explain."""
    options = ExplainOptions()
    options.parseOptions(words)
    stage = ""
    if options["at"]:
        stage = stage_name(options["at"]) or ""
        if not stage:
            say(f"smtpproxy: unknown stage {options['at']!r}{nearest(options['at'], STAGES)}")
            return UNABLE
    try:
        reasons = load_reasons(options.reasons)
    except ReasonsError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    lines: Iterable[str] = options.reply.replace("\\n", "\n").splitlines()
    if not options.reply:
        # Logs hold what peers said, in any encoding; a closed standard input holds nothing.
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")
        lines = sys.stdin or ()
    found = (one._replace(stage=stage or one.stage) for one in replies_in(lines))
    if options["json"]:
        many = _as_json(found, reasons)
    elif options.reply:
        many = _as_blocks(found, reasons)
    else:
        many = _as_table(found, reasons)
    if not many:
        say("smtpproxy: no reply was found; expected a code and a text, such as 550 5.1.1 Unknown")
    return GOOD if many else FOUND


def _as_json(found: Iterable[Pasted], reasons: Reasons) -> int:
    many = 0
    for many, one in enumerate(found, start=1):  # noqa: B007 - how many there were
        told = classify.explain(one.reply, one.stage, reasons)
        print(msgspec.json.encode(record(one, told)).decode())
    return many


def record(one: Pasted, told: Explanation) -> dict[str, Any]:
    """Return an explanation as plain values for JSON."""
    standing, status, reason = told.standing, told.status, told.reason
    return {
        "line": one.line,
        "stage": one.stage or None,
        "code": told.code,
        "severity": standing.severity,
        "subject": standing.subject,
        "known": standing.known,
        "meaning": standing.meaning,
        "enhanced": status
        and {
            "code": status.code,
            "class": status.class_,
            "subject": status.subject,
            "detail": status.detail,
            "known": status.known,
            "contradicts": told.contradicts,
        },
        "place": standing.place if one.stage else None,
        "reason": reason and reason.name,
        "rule": reason and reason.rule,
        "retryable": told.retryable,
        "text": visible_text(one_line(one.reply)),
    }


def _as_blocks(found: Iterable[Pasted], reasons: Reasons) -> int:
    console = Console(highlight=False, soft_wrap=True)
    many = 0
    for many, one in enumerate(found, start=1):
        told = classify.explain(one.reply, one.stage, reasons)
        if many > 1:
            console.print()
        where = f" at {one.stage}" if one.stage else ""
        style = f"bold {COLOURS.get(told.standing.severity, 'magenta')}"
        console.print(Text(visible_text(one_line(one.reply)) + where, style=style))
        for name, answer in _answers(one, told):
            console.print(Text.assemble((f"  {name:<9} ", "dim"), answer))
    return many


def _answers(one: Pasted, told: Explanation) -> Sequence[tuple[str, str]]:
    """Return the answers, each with its name."""
    standing = told.standing
    source = f" ({CODES[told.code].source})" if told.code in CODES else ""
    meaning = standing.meaning or "not in the registry"
    answers = [
        ("code", f"{told.code} {standing.severity}, {standing.subject}: {meaning}{source}"),
        ("enhanced", _enhanced(told)),
        ("place", _place(one, told)),
    ]
    if told.reason is not None:
        rule = f", by the rule {told.reason.rule}" if told.reason.rule else ": no rule knows it"
        answers.append(("reason", told.reason.name + rule))
        answers.append(("retry", _retry(told)))
    return answers


def _enhanced(told: Explanation) -> str:
    status = told.status
    if status is None:
        return "none"
    detail = f"{status.detail} ({status.source})" if status.known else "not in the registry"
    contradicts = "; contradicts the code" if told.contradicts else ""
    return f"{status.code} {status.class_}, {status.subject}: {detail}{contradicts}"


def _place(one: Pasted, told: Explanation) -> str:
    if one.stage:
        return f"{told.standing.place} at {one.stage}"
    stages = stages_of(told.code)
    return f"listed for {', '.join(stages)}" if stages else "listed for no stage"


def _retry(told: Explanation) -> str:
    if told.retryable:
        return "yes: the same message may be taken later"
    return "no: it will be refused again unless something changes"


#: The width of each column but the last.
_COLUMNS = {"line": 6, "at": 11, "code": 12, "severity": 12, "place": 16, "reason": 20, "retry": 5}


def _as_table(found: Iterable[Pasted], reasons: Reasons) -> int:
    """Print a line a reply, as it comes: a log may be long, or still grow."""
    console = Console(highlight=False, soft_wrap=True)
    many = 0
    for one in found:
        if not many:
            console.print(Text(_row(*_COLUMNS, "text"), style="bold"))
        many += 1
        told = classify.explain(one.reply, one.stage, reasons)
        standing, status = told.standing, told.status
        code = f"{told.code} {status.code}" if status else str(told.code)
        row = _row(
            *(str(one.line), one.stage, code + " !" * told.contradicts, standing.severity),
            standing.place if one.stage else "",
            told.reason.name if told.reason else "",
            {True: "yes", False: "no", None: ""}[told.retryable],
            visible_text(one_line(one.reply)).removeprefix(code).strip(),
        )
        console.print(Text(row, style=COLOURS.get(standing.severity, "magenta")))
    return many


def _row(*cells: str) -> str:
    *columns, text = cells
    widths = _COLUMNS.values()
    return " ".join((*(f"{c:<{w}}" for c, w in zip(columns, widths, strict=True)), text))
