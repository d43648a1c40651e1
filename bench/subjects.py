"""The subjects: what is measured, under which loads, and beside what. The rows of the table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bench import commands
from bench.commands import Place
from bench.processes import found

NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One row of the table."""

    name: str
    title: str
    command: Callable[[Place], list[str]] | None
    """None: no process of its own, the load goes straight to the sink."""
    beside: str = "portforward"
    loads: tuple[str, ...] = ("new", "kept")
    goals: Mapping[str, float] = field(default_factory=dict)
    program: str = ""
    """What has to be installed for it, if anything."""
    announces: bool = True
    """Whether it writes a ready file; otherwise it is asked for a greeting."""
    counts: bool = False
    """Whether it leaves a matrix of stages and codes to check the messages by."""
    upstream: bool = True
    """Whether it needs a sink behind it."""
    tls: bool = False
    """Whether it is reached by TLS, and has an upstream that speaks TLS."""
    needs: tuple[str, ...] = ()
    """Subjects that have to run before it."""

    @property
    def installed(self) -> bool:
        """Whether it can be run here."""
        return not self.program or bool(found(self.program))


ALL = ("new", "kept", "large")

SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject(name="direct", title="direct, no proxy", command=None, loads=ALL),
        Subject(
            name="portforward",
            title="Twisted portforward",
            command=commands.module("bench.forwarder"),
            loads=ALL,
        ),
        Subject(
            name="haproxy",
            title="HAProxy, tcp",
            command=commands.haproxy,
            loads=ALL,
            program="haproxy",
            announces=False,
        ),
        Subject(
            name="mitmproxy",
            title="mitmproxy, reverse",
            command=commands.mitmproxy,
            loads=ALL,
            program="mitmdump",
            announces=False,
        ),
        Subject(
            name="relay",
            title="relay, classifying",
            command=commands.relay,
            loads=ALL,
            goals={"new": 1.2, "kept": 1.4, "large": 0.9},
            counts=True,
        ),
        Subject(
            name="json-log",
            title="relay, JSON log",
            command=commands.json_log,
            goals={"new": 1.1, "kept": 1.2},
            counts=True,
        ),
        Subject(
            name="record",
            title="record",
            command=commands.record,
            loads=ALL,
            goals={"new": 1.0, "kept": 1.0, "large": 0.7},
            counts=True,
        ),
        Subject(
            name="rules",
            title="relay, 20 rules",
            command=commands.rules,
            beside="relay",
            goals={"new": 0.9, "kept": 0.9},
            counts=True,
        ),
        Subject(
            name="tls-portforward",
            title="Twisted portforward, TLS passes through",
            command=commands.module("bench.forwarder"),
            beside="tls-portforward",
            loads=ALL,
            program="haproxy",
            tls=True,
        ),
        Subject(
            name="tls",
            title="relay, TLS on both legs",
            command=commands.tls,
            beside="tls-portforward",
            loads=ALL,
            program="haproxy",
            counts=True,
            tls=True,
        ),
        Subject(
            name="bare",
            title="relay, nobody observing",
            command=commands.bare,
            beside="bare",
            loads=("accepted", "refused"),
        ),
        Subject(
            name="explaining",
            title="relay, each reply explained",
            command=commands.module("bench.explaining"),
            beside="bare",
            loads=("accepted", "refused"),
            goals={"accepted": 0.95, "refused": 0.95},
        ),
        Subject(
            name="twisted-mail",
            title="twisted.mail.smtp",
            command=commands.module("bench.accepting"),
            beside="twisted-mail",
            upstream=False,
        ),
        Subject(
            name="replay",
            title="replay",
            command=commands.replay,
            beside="twisted-mail",
            goals={"new": 1.5, "kept": 2.0},
            counts=True,
            upstream=False,
            needs=("record",),
        ),
    )
}


def chosen(names: Iterable[str]) -> list[Subject]:
    """These subjects and those they are measured beside or need, in the table's order."""
    wanted, left = set[str](), list(names)
    while left:
        subject = SUBJECTS[left.pop()]
        if subject.name not in wanted:
            wanted.add(subject.name)
            left += [subject.beside, *subject.needs]
    return [subject for subject in SUBJECTS.values() if subject.name in wanted]
