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
    bind 127.0.0.1:{listen}{bind}
    server sink 127.0.0.1:{sink}{server}
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

    @property
    def authority(self) -> Path:
        """Who has signed `identity`."""
        return self.folder / "authority" / "ca.pem"

    @property
    def identity(self) -> Path:
        """The certificate of everything that speaks TLS as a server, and its key."""
        return self.folder / "identity.pem"

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


def haproxy(place: Place, name: str = "haproxy", bind: str = "", server: str = "") -> list[str]:
    text = HAPROXY.format(listen=place.listen, sink=place.sink, bind=bind, server=server)
    return [found("haproxy"), "-db", "-f", place.keep(f"{name}.cfg", text)]


def decrypting(place: Place) -> list[str]:
    return haproxy(place, "decrypting", bind=f" ssl crt {place.identity}")


def encrypting(place: Place) -> list[str]:
    verify = f" ssl verify required ca-file {place.authority} sni str(localhost)"
    return haproxy(place, "encrypting", server=f"{verify} no-ssl-reuse")


def mitmproxy(place: Place) -> list[str]:
    return [
        *(found("mitmdump"), "--quiet", "--set", f"confdir={place.folder}"),
        *("--mode", f"reverse:tcp://127.0.0.1:{place.sink}"),
        *("--listen-host", "127.0.0.1", "--listen-port", str(place.listen)),
    ]


def smtpproxy(
    place: Place, *options: str, log: str = "none", listen: str = "127.0.0.1:0"
) -> list[str]:
    return [
        *(sys.executable, "-m", "smtpproxy", "serve", "--listen", listen),
        *("--ready-file", str(place.ready_file), "--stats", str(place.stats), "--log", log),
        *options,
    ]


def relay(place: Place, *options: str, log: str = "none") -> list[str]:
    return smtpproxy(place, "--upstream", f"127.0.0.1:{place.sink}", *options, log=log)


def tls(place: Place) -> list[str]:
    return smtpproxy(place, *secure_legs(place), listen="tls:127.0.0.1:0")


def secure_legs(place: Place) -> tuple[str, ...]:
    """Options of the proxy: what clients are shown, and an upstream that it verifies."""
    return (
        *("--certificate", str(place.identity), "--upstream-ca", str(place.authority)),
        *("--upstream", f"tls:127.0.0.1:{place.sink}", "--upstream-name", "localhost"),
    )


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
