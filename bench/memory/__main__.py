"""python -m bench.memory: what each hostile case costs in memory, a connection. Linux only."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

import twisted
from bench.__main__ import names, positive
from bench.machine import processor
from bench.memory import table
from bench.memory.cases import CASES
from bench.memory.measure import BOUND, Figure, measure
from bench.processes import Trouble


def main() -> int:
    """Try the cases; 0 if all are within the bound, 1 if one is not, 2 if none can be tried."""
    options = parse()
    if sys.platform != "linux":
        print("bench: another's memory is read in /proc, which only Linux has", file=sys.stderr)
        return 2
    figures, troubles = tried(options)
    show(figures, options)
    over = [name for name, figure in figures.items() if figure.each > BOUND]
    loud = Console(stderr=True, style="bold red", highlight=False, markup=False, soft_wrap=True)
    for name in over:
        loud.print(f"FAILED: {name}: more than {BOUND // 1024:,} KiB a connection")
    for name, trouble in troubles.items():
        loud.print(f"FAILED: {name}: {trouble}")
    return 1 if over or troubles else 0


def parse() -> argparse.Namespace:
    """The options, with every name checked."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    add = parser.add_argument
    add("--connections", type=positive, default=50, help="hostile connections at once (50)")
    possible = [name for name, case in CASES.items() if case.possible]
    add("--only", type=chosen, default=possible, help="cases, with commas")
    add("--list", action="store_true", help="name the cases, and try none")
    add("--markdown", action="store_true", help="print a Markdown table for the documentation")
    options = parser.parse_args()
    if options.list:
        for name, case in CASES.items():
            print(f"{name:<24} {case.title}")
        sys.exit(0)
    return options


def chosen(text: str) -> list[str]:
    """The cases that are named."""
    return names(list(CASES))(text)


def tried(options: argparse.Namespace) -> tuple[dict[str, Figure], dict[str, str]]:
    """Try one case after the other, each in a folder that is gone afterwards."""
    figures: dict[str, Figure] = {}
    troubles: dict[str, str] = {}
    with Console(stderr=True).status("memory") as line:
        for name in options.only:
            line.update(f"memory: {CASES[name].title}")
            with tempfile.TemporaryDirectory(prefix="smtpproxy-memory-") as folder:
                try:
                    figures[name] = measure(CASES[name], options.connections, Path(folder))
                except Trouble as trouble:
                    troubles[name] = str(trouble)
    return figures, troubles


def show(figures: dict[str, Figure], options: argparse.Namespace) -> None:
    """Print the table and the conditions."""
    line = (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, Twisted {twisted.__version__}; "
        f"{time.strftime('%Y-%m-%d')}"
    )
    if options.markdown:
        print(f"{table.markdown(figures, CASES)}\n\n{line}")
    else:
        out = Console()
        out.print(table.terminal(figures, CASES))
        out.print(line, style="dim", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
