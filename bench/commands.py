"""The commands: how each subject is started, and the files it is given. Nothing is started here."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.processes import found

HAPROXY = """\
global
    nbthread 1
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen smtp
    bind 127.0.0.1:{listen}
    server sink 127.0.0.1:{sink}
"""


@dataclass(frozen=True)
class Place:
    """Where one trial happens."""

    folder: Path
    sink: int
    listen: int
    """A free port, for subjects that can't take one themselves."""
    cassette: Path
    """What `record` writes and `replay` reads, in the same run."""

    @property
    def ready_file(self) -> Path:
        return self.folder / "ready"

    @property
    def stats(self) -> Path:
        return self.folder / "stats.json"

    def keep(self, name: str, text: str) -> str:
        """Write a file into this trial's folder; return its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)


def module(name: str) -> Callable[[Place], list[str]]:
    """A module of the bench, told its ready file and where upstream is."""
    return lambda place: [sys.executable, "-m", name, str(place.ready_file), str(place.sink)]


def bare(place: Place) -> list[str]:
    return [*module("bench.explaining")(place), "bare"]


def haproxy(place: Place) -> list[str]:
    text = HAPROXY.format(listen=place.listen, sink=place.sink)
    return [found("haproxy"), "-db", "-f", place.keep("haproxy.cfg", text)]


def mitmproxy(place: Place) -> list[str]:
    return [
        *(found("mitmdump"), "--quiet", "--set", f"confdir={place.folder}"),
        *("--mode", f"reverse:tcp://127.0.0.1:{place.sink}"),
        *("--listen-host", "127.0.0.1", "--listen-port", str(place.listen)),
    ]


def smtpproxy(place: Place, *options: str, log: str = "none") -> list[str]:
    return [
        *(sys.executable, "-m", "smtpproxy", "serve", "--listen", "127.0.0.1:0"),
        *("--ready-file", str(place.ready_file), "--stats", str(place.stats), "--log", log),
        *options,
    ]


def relay(place: Place, *options: str, log: str = "none") -> list[str]:
    return smtpproxy(place, "--upstream", f"127.0.0.1:{place.sink}", *options, log=log)


def json_log(place: Place) -> list[str]:
    return relay(place, "--log-format", "json", log=str(place.folder / "log.jsonl"))


def record(place: Place) -> list[str]:
    return relay(place, "--mode", "record", "--cassette", str(place.cassette))


def rules(place: Place) -> list[str]:
    lines = [f"- RCPT nobody{n}@example.invalid: 550\n" for n in range(1, 21)]
    text = "smtpproxy-rules: 1\nrules:\n" + "".join(lines)
    return relay(place, "--rules", place.keep("rules.yaml", text))


def replay(place: Place) -> list[str]:
    return smtpproxy(place, "--mode", "replay", "--cassette", str(place.cassette))
