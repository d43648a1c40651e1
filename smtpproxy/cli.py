"""The tools beside the plugin: `smtpproxy serve`, `run`, `show`, `lint`, `codes` and `config`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from smtpproxy import __version__
from smtpproxy.documents import nearest

HELP = f"""smtpproxy {__version__}: a recording and replaying SMTP proxy

  smtpproxy serve   relay, record or replay until told to stop
  smtpproxy run     the same around one command: free port, environment, exit status
  smtpproxy show    a cassette as a dialogue
  smtpproxy lint    cassettes and rule files: what is wrong, and where
  smtpproxy codes   the registry of reply codes
  smtpproxy config  the options in force, and where each came from

Each has a --help of its own. The same service runs as `twistd smtpproxy`.

Examples:
  smtpproxy serve --upstream mail.example.org
  smtpproxy run --upstream sink: --mode record --cassette signup.yaml -- pytest tests/test_signup.py
  smtpproxy show signup.yaml
"""


def _serve(words: list[str]) -> int:
    from smtpproxy.tools.serve import serve

    return serve(words)


def _run(words: list[str]) -> int:
    from smtpproxy.tools.run import run

    return run(words)


def _show(words: list[str]) -> int:
    from smtpproxy.tools.show import show

    return show(words)


def _lint(words: list[str]) -> int:
    from smtpproxy.tools.lint import lint

    return lint(words)


def _codes(words: list[str]) -> int:
    from smtpproxy.tools.codes import codes

    return codes(words)


def _config(words: list[str]) -> int:
    from smtpproxy.tools.serve import config

    return config(words)


# Each imports what it needs when it is called: most need no reactor.
COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "serve": _serve,
    "run": _run,
    "show": _show,
    "lint": _lint,
    "codes": _codes,
    "config": _config,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a tool and end with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words else "--help"
    if name in ("--help", "-h", "help"):
        print(HELP, end="")
        raise SystemExit(0)
    if name in ("--version", "version"):
        print(f"smtpproxy {__version__}")
        raise SystemExit(0)
    tool = COMMANDS.get(name)
    if tool is None:
        print(
            f"smtpproxy: unknown command {name!r}{nearest(name, COMMANDS)}; "
            "smtpproxy --help lists them",
            file=sys.stderr,
        )
        raise SystemExit(2)
    try:
        status = tool(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough: not an error, and nothing more to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:
        if os.environ.get("SMTPPROXY_DEBUG"):
            raise
        print(f"smtpproxy: internal error: {error!r}", file=sys.stderr)
        status = 2
    raise SystemExit(status)
