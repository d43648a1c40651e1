"""Reads the table of reply codes, `smtp-reply-codes.txt`, and compares its words with others."""

import re
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One row of the part by command."""

    command: str  # as the table writes it
    stage: str  # as rules name it: VERFY is VRFY, and DATA is two stages
    code: int
    words: str

    def __str__(self) -> str:
        return f"{self.stage} {self.code}"


class Table(NamedTuple):
    """Both parts of the table: words by code, and the rows by command."""

    codes: dict[int, str]
    rows: list[Row]


def read_table(text: str) -> Table:
    """Read the table from its text."""
    by_code, by_command = text.split("Reply codes grouped by command")
    codes = {int(code): words for code, words in re.findall(r"^(\d{3})\t(.+)$", by_code, re.M)}
    rows: list[Row] = []
    command = ""
    over = False  # the answers to DATA itself are over: those to the end of mail data follow
    for line in by_command.splitlines():
        word, *cells = [cell.strip() for cell in line.split("\t")]
        if word:
            command, over = word, False
        if len(cells) == 2 and cells[0].isdigit():
            stage = "END-OF-DATA" if over else {"VERFY": "VRFY"}.get(command, command)
            rows.append(Row(command, stage, int(cells[0]), cells[1]))
            over = over or (stage, cells[0]) == ("DATA", "421")
    return Table(codes, rows)


TABLE = read_table(Path(__file__).with_name("smtp-reply-codes.txt").read_text("utf-8"))


def plain(words: str) -> str:
    """Return words without what may differ: case, spelling, references, who it is that speaks."""
    words = re.sub(r"[\[(,]?\s*(?:see )?rfc ?\d+[\])]?", "", words.lower())
    for theirs, ours in (
        ("recognised", "recognized"),
        ("success response", "success reply"),
        ("smtp authentication", "authentication"),
        ("unsuccessful/bad", "unsuccessful: bad"),
        ("username", "user name"),
        ("(", ""),
    ):
        words = words.replace(theirs, ours)
    return re.sub(r"^(?:<domain>|domain) ", "", words).strip()
