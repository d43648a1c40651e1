"""Fuzzes one target: `python -m tests.fuzz.one TARGET [libFuzzer's options and corpora]`."""

from __future__ import annotations

import shlex
import sys

import atheris


def main() -> None:
    """Fuzz until something is found, or until libFuzzer's options say that it is enough."""
    name = sys.argv.pop(1)
    # To merge corpora libFuzzer runs itself, by its first argument, in a shell.
    sys.argv[0] = f"{shlex.quote(sys.executable)} -m tests.fuzz.one {name}"
    with atheris.instrument_imports(include=["smtpproxy"]):
        from tests.fuzz.targets import TARGETS
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
