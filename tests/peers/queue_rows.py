"""What a Postfix does under which rule: the table that is tested, and that docs/peers.md shows.

A new row is one entry in one of the modules below; `python -m tests.peers.queue_rows` prints all.
"""

from __future__ import annotations

from collections import Counter

from tests.peers.queue_fates import Row
from tests.peers.queue_rows_connections import CONNECTIONS, ENCRYPTION, EXTENSIONS, SILENCE
from tests.peers.queue_rows_presets import PRESETS
from tests.peers.queue_rows_replies import APART, BURSTS, BY_LMTP, MALFORMED, REFUSALS

MOST_NAMED = 4  # recipients of a row, in the page

ROWS = (
    *PRESETS,
    *REFUSALS,
    *APART,
    *MALFORMED,
    *CONNECTIONS,
    *SILENCE,
    *EXTENSIONS,
    *ENCRYPTION,
    *BY_LMTP,
    *BURSTS,
)


def page() -> str:
    """The table as docs/peers.md has it, in Markdown."""
    head = (("", "rule", "the queue shows", "the mail"), ("---",) * 4)
    lines = [f"| {' | '.join(cells)} |" for cells in (*head, *map(_cells, ROWS))]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    rules = "<br>".join(f"`{line.strip()}`" for line in row.rules.splitlines())
    fates = row.fates
    reasons = dict.fromkeys(fate.queue for _, fate in fates if fate.queue)
    endings = [fate.words for _, fate in fates]
    told = [f"{recipient}: {fate.words}" for recipient, fate in fates]
    if len(fates) > MOST_NAMED:
        told = [f"{count}: {words}" for words, count in Counter(endings).items()]
    return (
        row.name,
        rules,
        "<br>".join(f"`{reason}`" for reason in reasons),
        "<br>".join(told) if len({*endings}) > 1 else endings[0],
    )


if __name__ == "__main__":
    print(page(), end="")
