"""The tools beside the plugin: `smtpproxy serve`, `run`, `show`, `lint` and the others."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword

from smtpproxy import __version__
from smtpproxy.documents import nearest

HELP = f"""smtpproxy {__version__}: a recording and replaying SMTP proxy

  smtpproxy serve         relay, record or replay until told to stop
  smtpproxy run           the same around one command: free port, environment, exit status
  smtpproxy show          a cassette as a dialogue
  smtpproxy lint          cassettes, rule and redaction files: what is wrong, and where
  smtpproxy diff          what has changed from one cassette to another
  smtpproxy check         what a real server says otherwise than a cassette, without delivering
  smtpproxy export        the messages of a cassette as mail files or mbox, its sessions as JSON
  smtpproxy import        a cassette of a transcript: swaks, smtplib, tshark, or pasted from an RFC
  smtpproxy merge         several cassettes in one
  smtpproxy prune         a cassette without what replay did not use
  smtpproxy derive        rule files for each reply of a cassette that may go wrong
  smtpproxy recover       a recording that did not end, made a cassette
  smtpproxy redact        an old cassette without what must not be kept
  smtpproxy presets       the rule files that are shipped, and how each one reads
  smtpproxy try           a recorded dialogue as its client would have heard it under rules
  smtpproxy explain-rules each rule as a sentence
  smtpproxy codes         the registry of reply codes
  smtpproxy explain       what a reply means, or each reply of a log
  smtpproxy ca            the authority that signs certificates for clients, and how to trust it
  smtpproxy config        the options in force, and where each came from

Each has a --help of its own. The same service runs as `twistd smtpproxy`.

Examples:
  smtpproxy serve --upstream mail.example.org
  smtpproxy run --upstream sink: --mode record --cassette signup.yaml -- pytest tests/test_signup.py
  smtpproxy show signup.yaml
  smtpproxy explain '550 5.7.26 Unauthenticated email' --at END-OF-DATA
"""


#: Each tool and its module in tools/, imported when it is called: most need no reactor.
COMMANDS = {
    "serve": "serve",
    "run": "run",
    "show": "show",
    "lint": "lint",
    "diff": "diff",
    "check": "check",
    "export": "export",
    "import": "importing",
    "merge": "merge",
    "prune": "prune",
    "derive": "derive",
    "recover": "recover",
    "redact": "redact",
    "presets": "presets",
    "try": "trying",
    "explain-rules": "explainrules",
    "codes": "codes",
    "explain": "explain",
    "ca": "ca",
    "config": "serve",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a tool and end with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what the terminal can't show
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words else "--help"
    if name in ("--help", "-h", "help"):
        print(HELP, end="")
        raise SystemExit(0)
    if name in ("--version", "version"):
        print(f"smtpproxy {__version__}")
        raise SystemExit(0)
    if name not in COMMANDS:
        print(
            f"smtpproxy: unknown command {name!r}{nearest(name, COMMANDS)}; "
            "smtpproxy --help lists them",
            file=sys.stderr,
        )
        raise SystemExit(2)
    try:
        function = f"{name}_" if iskeyword(name) else name.replace("-", "_")
        tool = getattr(import_module(f"smtpproxy.tools.{COMMANDS[name]}"), function)
        status = int(tool(words))
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
