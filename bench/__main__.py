"""python -m bench: the command line, and the one place where everything is put together."""

import argparse
import difflib
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench import machine, rounds, table
from bench.load import LOADS, Load
from bench.processes import found
from bench.subjects import SUBJECTS, Subject, chosen

MISSING = "bench: {programs} not found: part of Postfix (Debian and Ubuntu: apt install postfix)"


def main() -> int:
    """Run what was chosen; 0 if all went well, 1 if a row failed, 2 if it could not start."""
    options = parse()
    missing = [name for name in ("smtp-source", "smtp-sink") if not found(name)]
    if missing:
        print(MISSING.format(programs=" and ".join(missing)), file=sys.stderr)
        return 2
    if busy := machine.busy():
        print(busy, file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        figures = measured(options)
    except KeyboardInterrupt:
        print("bench: stopped", file=sys.stderr)
        return 130
    show(figures, options)
    return 1 if figures.troubles else 0


def parse() -> argparse.Namespace:
    """The options, with every name checked."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=positive, default=5, help="rounds, each subject once in each (5)")
    add("--messages", type=positive, default=3000, help="4 KiB messages a trial (3000)")
    add("--large-messages", type=positive, default=20, help="10 MB messages a trial (20)")
    add("--only", type=names(SUBJECTS), help=f"rows, with commas: {', '.join(SUBJECTS)}")
    add("--loads", type=names(LOADS), default=list(LOADS), help=f"columns: {', '.join(LOADS)}")
    add("--markdown", action="store_true", help="print a Markdown table for a README")
    return parser.parse_args()


def positive(text: str) -> int:
    """A number of 1 or more."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return number


def names(
    known: Sequence[str] | dict[str, Subject] | dict[str, Load],
) -> Callable[[str], list[str]]:
    """A reader of known names with commas between them, in their own order."""

    def read(text: str) -> list[str]:
        given = [name.strip() for name in text.split(",")]
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1, 0) or [""]
                raise argparse.ArgumentTypeError(f"unknown {name!r}; did you mean {near[0]!r}?")
        return [name for name in known if name in given]

    return read


def subjects(options: argparse.Namespace) -> list[Subject]:
    """The rows: all, or those asked for with what they need."""
    return chosen(options.only or SUBJECTS)


def measured(options: argparse.Namespace) -> rounds.Figures:
    """Run every load, in a folder that is gone afterwards."""
    figures = rounds.Figures()
    said = Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="smtpproxy-bench-") as folder,
        said.status("bench") as line,
    ):
        for load in (LOADS[name] for name in options.loads):
            messages = options.large_messages if load.name == "large" else options.messages
            able = [one for one in subjects(options) if one.installed and load.name in one.loads]
            part = rounds.run(load, able, messages, options.rounds, Path(folder), line.update)
            figures.speeds |= part.speeds
            figures.troubles |= part.troubles
    return figures


def show(figures: rounds.Figures, options: argparse.Namespace) -> None:
    """Print the table, the conditions, and what went wrong."""
    loads = [LOADS[name] for name in options.loads]
    line = machine.conditions(options.messages, options.large_messages, options.rounds)
    if options.markdown:
        print(f"{table.markdown(figures, loads, subjects(options))}\n\n{line}")
    else:
        out = Console()
        out.print(table.terminal(figures, loads, subjects(options)))
        out.print(line, style="dim", highlight=False)
    loud = Console(stderr=True, style="bold red", highlight=False, markup=False, soft_wrap=True)
    for (load, name), trouble in figures.troubles.items():
        loud.print(f"FAILED: {name}, {load}: {trouble}")


if __name__ == "__main__":
    sys.exit(main())
