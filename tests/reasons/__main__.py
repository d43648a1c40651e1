"""python -m tests.reasons: how far the rules that ship agree with the labelled replies.

Prints figures, and no wordings: those of the held-out set are not to be looked at.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.reasons.agreement import Agreement, agreement
from tests.reasons.labelled import HELD_OUT, TUNING


def main() -> None:
    """Print how many agree, and what is taken for what."""
    sets = {
        "tuning": agreement(TUNING),
        "held out": agreement(HELD_OUT),
        "both": agreement([*TUNING, *HELD_OUT]),
    }
    console = Console()
    console.print(figures(sets))
    del sets["both"]
    for name, found in sets.items():
        console.print(confusions(name, found))


def figures(sets: dict[str, Agreement]) -> Table:
    """Return the shares, a set a row."""
    table = Table("set", "replies", "reason", "retryable", title="agreement")
    for name, found in sets.items():
        table.add_row(
            name, str(len(found.verdicts)), f"{found.reason:.1%}", f"{found.retryable:.1%}"
        )
    return table


def confusions(name: str, found: Agreement) -> Table:
    """Return how often what was taken for what."""
    table = Table("labelled", "given", "times", title=name)
    for (labelled, given), times in found.confused.most_common():
        table.add_row(labelled, given, str(times))
    for (labelled, given_try), times in found.misjudged.most_common():
        table.add_row(labelled, f"retryable: {str(given_try).lower()}", str(times))
    return table


if __name__ == "__main__":
    main()
