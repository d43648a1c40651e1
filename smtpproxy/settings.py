"""Every option: its name, its meaning, its default, and where its value came from.

Owns the order: command line, environment, configuration file, default. Does not act on any of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from smtpproxy import documents
from smtpproxy.documents import DocumentError, DocumentReader, nearest, read_documents, read_octets
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits

MODES = ("relay", "record", "replay", "once", "append", "diff")
LOG_FORMATS = ("text", "json")
TEXT, MANY, FLAG = "text", "many", "flag"


class Option(NamedTuple):
    """One option, as `--name`, as SMTPPROXY_NAME, and as a key of the configuration file."""

    name: str
    kind: str
    help: str
    default: str = ""

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        return f"SMTPPROXY_{self.name.upper().replace('-', '_')}"


OPTIONS: tuple[Option, ...] = (
    Option(
        "listen",
        MANY,
        "where clients connect, repeatable: a port (loopback), HOST:PORT, or a Twisted server "
        "endpoint string; with tls: before it, under TLS from the first octet on; port 0 takes a "
        "free one",
        "2525",
    ),
    Option(
        "upstream",
        TEXT,
        "the server to relay to: HOST[:PORT], smtp://HOST, a Twisted client endpoint string, or "
        "sink: for the built-in server that accepts everything",
    ),
    Option(
        "protocol",
        TEXT,
        "smtp or lmtp: what upstream speaks; LMTP has no standard port, so --upstream must name it",
        "smtp",
    ),
    Option(
        "upstream-proxy-protocol",
        TEXT,
        "v1 or v2: tell upstream the client's own address by a PROXY header",
    ),
    Option(
        "tls",
        TEXT,
        "how the legs relate: mirror (both or none; the default), terminate, originate (the "
        "default for smtps: and tls: upstreams), strip, or opaque (docs/tls.md)",
    ),
    Option(
        "upstream-ca",
        TEXT,
        "a PEM file of the authorities that an upstream under TLS is verified by, instead of the "
        "system's",
    ),
    Option(
        "upstream-login",
        TEXT,
        "a file, readable by its owner alone, of two lines, user: and password:, that the proxy "
        "logs in to upstream with; or they are in SMTPPROXY_UPSTREAM_USER and "
        "SMTPPROXY_UPSTREAM_PASSWORD",
    ),
    Option(
        "upstream-name",
        TEXT,
        "the name that upstream's certificate must be for, and that upstream is asked for; without "
        "it, the host in --upstream",
    ),
    Option(
        "upstream-insecure",
        FLAG,
        "take any certificate of upstream's: whoever is in between can read and change all",
    ),
    Option(
        "certificate",
        TEXT,
        "a PEM file of the certificate that clients are shown, with its chain; without it, one is "
        "made for the name that they ask for, by the authority of smtpproxy ca",
    ),
    Option(
        "key", TEXT, "a PEM file of the certificate's key, where it is not in the certificate's"
    ),
    Option("connect-timeout", TEXT, "seconds until upstream must have taken a connection", "30"),
    Option(
        "mode",
        TEXT,
        "relay, record, replay, once (replay if there is a cassette), append (upstream is asked "
        "for what the cassette lacks) or diff (what upstream says is compared with the cassette)",
        "relay",
    ),
    Option("cassette", TEXT, "the cassette to record to, or to replay"),
    Option(
        "on-recording-error",
        TEXT,
        "relay or refuse: what becomes of new sessions once something could not be recorded; "
        "refuse tells them 421",
        "relay",
    ),
    Option("rules", MANY, "a rule file, repeatable; read again on SIGHUP"),
    Option("rule", MANY, "one rule, repeatable, such as 'RCPT bob@example.net: 550'"),
    Option("seed", TEXT, "a whole number that decides every draw of the rules, as in their files"),
    Option(
        "rules-dry-run",
        FLAG,
        "ask the rules, count and log what would fire, and apply nothing",
    ),
    Option(
        "preset",
        MANY,
        "a rule file that is shipped, repeatable, such as greylisting; asked behind all other "
        "rules (smtpproxy presets lists them)",
    ),
    Option(
        "redact",
        TEXT,
        "a redaction file, or addresses: hide more than credentials in all that is kept or shown "
        "(docs/redaction.md)",
    ),
    Option("log", TEXT, "a file for the log, - for standard output, or none", "-"),
    Option("log-format", TEXT, "text or json", "text"),
    Option("log-rotate", TEXT, "begin a new log file after a size, such as 10 MB, or each day"),
    Option("log-keep", TEXT, "log files that were rotated by size, and are kept", "10"),
    Option("log-mail-data", FLAG, "have the messages themselves in the log, too"),
    Option(
        "reasons",
        MANY,
        "a file of rules for why servers refuse, repeatable, in the format of KumoMTA's bounce "
        "classifier; asked before the rules that ship",
    ),
    Option("stats", TEXT, "a file for the statistics, as JSON, at the end and on SIGUSR2"),
    Option(
        "report",
        TEXT,
        "a file for what every session did, as JSON, at the end and on SIGUSR2 (docs/testing.md)",
    ),
    Option("ready-file", TEXT, "a file to write HOST:PORT to, once listening"),
    Option("max-connections", TEXT, "clients at a time; one more is told 421", "10000"),
    Option("drain", TEXT, "seconds that open transactions get when told to stop", "5"),
    Option("repeat", FLAG, "let recorded transactions be replayed again and again"),
    Option(
        "match",
        TEXT,
        "what is compared in replay: verb,envelope,parameters (the default), or fewer, or with "
        ",message (the default in --mode diff); else what the cassette says by match:",
    ),
    Option(
        "ignore",
        MANY,
        "not to be compared in replay or diff, repeatable: a parameter or a header field, such as "
        "NOTIFY or X-*; sender or recipient for an address; none to begin without the usual ones",
    ),
    Option(
        "order",
        TEXT,
        "any (a connection is replayed whichever transactions fit; the default) or strict (it "
        "follows one recorded session, in the order of the file); else what the cassette says",
    ),
    Option(
        "pace",
        TEXT,
        "when replies come in replay: none (at once), recorded (as late as they were), or how many "
        "times as fast, such as x2",
        "none",
    ),
    Option(
        "on-miss",
        TEXT,
        "the reply to what a cassette does not have, such as '451 4.3.0 Not recorded'; without a "
        "text it names the miss",
    ),
    Option("allow-remote", FLAG, "listen on more than loopback (anyone who connects can relay)"),
    Option(
        "xclient", FLAG, "tell upstream the client's own address by XCLIENT, or end the session"
    ),
    Option(
        "on-anomaly",
        MANY,
        "relay or refuse what is odd in what a client sends, repeatable; or NAME=refuse for one "
        "anomaly, such as bare-lf (docs/anomalies.md names them)",
        "relay",
    ),
    Option("config", TEXT, "a YAML file with these options' names as keys"),
)

_LIMITS = {
    "max_command_line": "octets of the longest command",
    "max_auth_line": "octets of the longest AUTH, and of a line that continues it",
    "max_reply_line": "octets of the longest line of a reply",
    "max_reply_lines": "lines of the longest reply",
    "max_in_flight": "commands of one client that may wait for their replies",
    "max_held": "octets of one client that may wait for a reply, such as that to DATA",
    "idle_timeout": "seconds that a client may say nothing while nobody waits for upstream; "
    "0: for ever, as in all of these",
    "command_timeout": "seconds that a client may take for one command",
    "greeting_timeout": "seconds that upstream may take to greet",
    "reply_timeout": "seconds that upstream may take for a reply",
    "data_timeout": "seconds that upstream may take to answer DATA",
    "handshake_timeout": "seconds that a TLS handshake may take, on either side",
    "block_timeout": "seconds that upstream may take to read on",
    "end_of_data_timeout": "seconds that upstream may take to answer the end of mail data",
}
OPTIONS += tuple(
    Option(name.replace("_", "-"), TEXT, _LIMITS[name], f"{default:g}")
    for name, default in DEFAULT_LIMITS._asdict().items()
)
_BY_NAME = {option.name: option for option in OPTIONS}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


class SettingsError(ValueError):
    """An option can't be used. One line, with the nearest right word."""


class Setting(NamedTuple):
    """A value and where it came from."""

    values: tuple[str, ...]
    origin: str


class Settings:
    """All options' values."""

    def __init__(self, found: Mapping[str, Setting]) -> None:
        self._found = dict(found)

    def text(self, name: str) -> str:
        """Return an option's value, or "" where it has none."""
        values = self._found[name].values
        return values[-1] if values else ""

    def many(self, name: str) -> tuple[str, ...]:
        """Return a repeatable option's values."""
        return self._found[name].values

    def flag(self, name: str) -> bool:
        """Is the option on?"""
        return self.text(name) == "true"

    def path(self, name: str) -> Path | None:
        """Return an option's value as a path, or None where it has none."""
        value = self.text(name)
        return Path(value) if value else None

    def seconds(self, name: str) -> float:
        """Return an option's value as seconds. Raises SettingsError."""
        value = self.text(name)
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < 1e7:
            raise SettingsError(f"--{name}: expected a number of seconds, got {value!r}")
        return seconds

    def count(self, name: str) -> int:
        """Return an option's value as a whole number from 1. Raises SettingsError."""
        value = self.text(name)
        if not (value.isascii() and value.isdigit() and 0 < len(value) < 10 and int(value)):
            raise SettingsError(f"--{name}: expected a number from 1, got {value!r}")
        return int(value)

    def limits(self) -> Limits:
        """Return how much a peer may send, and how long it may take. Raises SettingsError."""
        values = {}
        for name, default in DEFAULT_LIMITS._asdict().items():
            option = name.replace("_", "-")
            of_size = isinstance(default, int)
            values[name] = self.count(option) if of_size else self.seconds(option)
        return Limits(**values)  # type: ignore[arg-type]

    def choice(self, name: str, known: Iterable[str]) -> str:
        """Return an option's value, which is one of `known`. Raises SettingsError."""
        value, known = self.text(name), tuple(known)
        if value not in known:
            raise SettingsError(
                f"--{name}: unknown {name} {value!r}; expected {', '.join(known[:-1])} "
                f"or {known[-1]}{nearest(value, known)}"
            )
        return value

    def lines(self) -> list[tuple[str, str, str]]:
        """Return name, value and origin of every option."""
        return [
            (name, ", ".join(setting.values), setting.origin)
            for name, setting in self._found.items()
        ]


def settle(
    given: Mapping[str, tuple[str, ...]],
    environment: Mapping[str, str],
    defaults: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings in force, from what the command line gave and everything else.

    `defaults` override the options' own. Raises SettingsError or DocumentError.
    """
    from_environment = {
        option.name: tuple(environment[option.variable].splitlines() or [""])
        if option.kind == MANY
        else (environment[option.variable],)
        for option in OPTIONS
        if option.variable in environment
    }
    config = (given.get("config") or from_environment.get("config") or ("",))[-1]
    from_file = _read_config(Path(config)) if config else {}
    found: dict[str, Setting] = {}
    for option in OPTIONS:
        name = option.name
        default = (defaults or {}).get(name, option.default)
        for origin, values in (
            ("command line", given.get(name)),
            (option.variable, from_environment.get(name)),
            (config, from_file.get(name)),
            ("default", (default,) if default else ()),
        ):
            if values is not None:
                found[name] = Setting(_checked(option, values, origin), origin)
                break
    return Settings(found)


def _checked(option: Option, values: tuple[str, ...], origin: str) -> tuple[str, ...]:
    if option.kind != FLAG or not values:
        return values
    value = values[-1].lower()
    if value not in _TRUE + _FALSE:
        raise SettingsError(f"{origin}: {option.name} is true or false, got {values[-1]!r}")
    return ("true",) if value in _TRUE else ()


def _read_config(path: Path) -> dict[str, tuple[str, ...]]:
    reader = DocumentReader(str(path))
    found = list(read_documents(read_octets(path), str(path)))
    if len(found) != 1 or not isinstance(found[0], documents.Mapping):
        raise DocumentError(str(path), 1, "expected options, such as upstream: mail.example.org")
    reader.check_keys(found[0], _BY_NAME)
    values: dict[str, tuple[str, ...]] = {}
    for name, node in found[0].entries.items():
        if isinstance(node, documents.Sequence) and _BY_NAME[name].kind == MANY:
            values[name] = tuple(reader.text(item) for item in node.items)
        else:
            values[name] = (reader.text(node),)
    return values
