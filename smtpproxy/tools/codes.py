"""`smtpproxy codes [CODE | WORDS] [--command VERB]`: the registry of reply codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from smtpproxy.classify import classify
from smtpproxy.codes import ANYWHERE, CODES, STAGES, meaning, stage_name, stages_of, wording
from smtpproxy.console import COLOURS, FOUND, UNABLE, say
from smtpproxy.documents import nearest
from smtpproxy.enhanced import DETAILS, Detail
from smtpproxy.options import OneLineOptions

_ENHANCED = re.compile(r"[245X]\.([0-9]{1,3})\.([0-9]{1,3})", re.I)


class CodesOptions(OneLineOptions):
    """Which codes."""

    synopsis = "Usage: smtpproxy codes [CODE | WORDS] [options]"
    examples = (
        "  smtpproxy codes\n  smtpproxy codes 452\n  smtpproxy codes --command RCPT\n"
        "  smtpproxy codes mailbox full\n  smtpproxy codes 5.7.26\n"
    )
    longdesc = "CODE is a reply code or an enhanced status code; WORDS are looked for in meanings."
    optParameters = (("command", "c", None, "only codes listed for this command or stage"),)
    optFlags = (("json", None, "everything as JSON"),)

    def parseArgs(self, *words: str) -> None:
        """Take the code, or the words."""
        self.words = words


def codes(words: list[str]) -> int:
    """Print the codes that were asked for."""
    options = CodesOptions()
    options.parseOptions(words)
    stage = stage_name(options["command"]) if options["command"] else ""
    if stage is None:
        near = nearest(options["command"], STAGES)
        say(f"smtpproxy: unknown command {options['command']!r}{near}")
        return UNABLE
    known = {str(code): code for code in CODES}
    word = options.words[0] if len(options.words) == 1 else ""
    if word.isdigit() and word not in known:
        say(f"smtpproxy: unknown reply code {word!r}{nearest(word, known)}")
        return UNABLE
    if _ENHANCED.fullmatch(word) and stage:
        say("smtpproxy: enhanced status codes are not listed by command; leave --command out")
        return UNABLE
    found, details = _found(options.words, stage, known), _details(options.words, stage)
    if _ENHANCED.fullmatch(word) and not details:
        say(f"smtpproxy: {word} is not in the registry of enhanced status codes")
        return UNABLE
    if not (found or details):
        where = f" listed for {stage}" if stage else ""
        say(f"smtpproxy: no code{where} fits {' '.join(options.words)!r}")
        return FOUND
    if options["json"]:
        print(_as_json(found, details, stage))
    else:
        _print(found, details, stage)
    return 0


def _found(words: Sequence[str], stage: str, known: dict[str, int]) -> list[int]:
    """Return the reply codes that fit all words, and are listed for the stage."""
    listed = [code for code in CODES if not stage or code in STAGES[stage]]
    if len(words) == 1 and words[0] in known:
        return [code for code in listed if code == known[words[0]]]
    return [code for code in listed if _fits(words, _meanings(code, stage))]


def _meanings(code: int, stage: str) -> str:
    """Return all that a code means, at its stages or at one."""
    stages = [stage] if stage else ["", *stages_of(code)]
    return " / ".join(dict.fromkeys(meaning(one, code) for one in stages))


def _details(words: Sequence[str], stage: str) -> dict[tuple[int, int], Detail]:
    """Return the enhanced status codes that were asked for: none, unless words or one were."""
    if stage or not words:
        return {}
    if len(words) == 1 and (one := _ENHANCED.fullmatch(words[0])):
        key = int(one[1]), int(one[2])
        return {key: DETAILS[key]} if key in DETAILS else {}
    return {key: detail for key, detail in DETAILS.items() if _fits(words, detail.meaning)}


def _fits(words: Sequence[str], text: str) -> bool:
    return all(word.casefold() in text.casefold() for word in words)


def _print(found: list[int], details: dict[tuple[int, int], Detail], stage: str) -> None:
    console = Console(highlight=False)
    if len(found) == 1 and not details:
        _print_one(console, found[0], stage)
    elif found:
        console.print(_table_of_codes(found, stage))
    if details:
        table = Table("enhanced", "meaning", "source", box=box.SIMPLE_HEAD)
        for (subject, detail), told in details.items():
            table.add_row(f"X.{subject}.{detail}", *map(Text, told))
        console.print(table)


def _table_of_codes(found: list[int], stage: str) -> Table:
    listed = () if stage else ("listed for",)
    table = Table("code", "severity", "meaning", *listed, "source", box=box.SIMPLE_HEAD)
    for code in found:
        severity = classify(stage, code).severity
        where = () if stage else (_listed(code),)
        cells = (str(code), severity, meaning(stage, code), *where, CODES[code].source)
        table.add_row(*(Text(cell, style=COLOURS[severity]) for cell in cells))
    return table


def _print_one(console: Console, code: int, stage: str) -> None:
    """Print all that there is about one code, a line an answer."""
    judged = classify(stage, code)
    head = f"{code} {judged.severity}, {judged.subject}: {meaning(stage, code)}"
    console.print(Text(head, style=f"bold {COLOURS[judged.severity]}"), soft_wrap=True)
    lines = [("source", CODES[code].source), ("listed for", " ".join(stages_of(code)) or "-")]
    lines += [("anywhere", "it may answer anything")] * judged.anywhere
    for one in stages_of(code):
        words = meaning(one, code)
        if not stage and words != CODES[code].meaning:
            lines.append((f"at {one}", words))
    for name, told in lines:
        console.print(Text.assemble((f"  {name:<14} ", "dim"), told), soft_wrap=True)


def _listed(code: int) -> str:
    stages = stages_of(code)
    nearly_all = code in ANYWHERE and len(stages) > len(STAGES) // 2
    return "anywhere" if nearly_all else " ".join(stages)


def _as_json(found: list[int], details: dict[tuple[int, int], Detail], stage: str) -> str:
    told: dict[str, Any] = {
        "codes": [record(code) for code in found],
        "enhanced": [
            {"code": f"X.{subject}.{detail}", **one._asdict()}
            for (subject, detail), one in details.items()
        ],
    }
    return msgspec.json.format(msgspec.json.encode(told)).decode()


def record(code: int) -> dict[str, Any]:
    """Return all that the registry has of a reply code, as plain values for JSON."""
    judged = classify("", code)
    return {
        "code": code,
        "severity": judged.severity,
        "subject": judged.subject,
        "meaning": CODES[code].meaning,
        "source": CODES[code].source,
        "anywhere": code in ANYWHERE,
        "stages": {
            stage: {"meaning": meaning(stage, code), "enhanced": wording(stage, code).enhanced}
            for stage in stages_of(code)
        },
    }
