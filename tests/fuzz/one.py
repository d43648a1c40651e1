"""Fuzzes one target: `python -m tests.fuzz.one TARGET [libFuzzer's options and corpora]`."""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Fuzz until something is found, or until libFuzzer's options say that it is enough."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["smtpproxy"]):
        from tests.fuzz.targets import TARGETS
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
