"""One trial: a sink, a subject in front of it, a warm-up, a measured load, then the count."""

import json
import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

from bench import encrypting
from bench.commands import Place
from bench.load import Load, send
from bench.processes import Process, Trouble, found, free_port, running
from bench.subjects import Subject

BACKLOG = "1024"


def measure(subject: Subject, load: Load, messages: int, folder: Path) -> float:
    """Run one subject once under one load; return its speed in the load's unit."""
    own = folder / load.name / subject.name
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    warm_up = load.warm_up(messages)
    with ExitStack() as stack:
        sink = start_sink(stack, own, load) if subject.upstream else 0
        cassette = folder / load.name / "record" / "cassette.yaml"
        place = Place(own, sink, free_port(), cassette)
        if subject.tls:
            place = encrypting.behind(stack, place)
        process = start(stack, subject, place)
        port = connectable(process, subject, place) if process else sink
        if subject.tls:
            port = encrypting.before(stack, place, port)
        send(load, warm_up, port)
        speed = load.speed(messages, send(load, messages, port))
        if process and subject.counts:
            check(process, place, warm_up + messages)
    return speed


def start_sink(stack: ExitStack, folder: Path, load: Load) -> int:
    """Start a sink of this trial's own; return its port."""
    if load.sink:
        ready = folder / "sink-ready"
        command = [sys.executable, "-m", "bench.varied", str(ready), load.sink]
        return stack.enter_context(running(load.sink, command, folder / "sink.txt")).announced(
            ready
        )
    user = ["-u", "root"] if os.geteuid() == 0 else []
    port = free_port()
    command = [found("smtp-sink"), *user, f"127.0.0.1:{port}", BACKLOG]
    return stack.enter_context(running("smtp-sink", command, folder / "sink.txt")).greeting(port)


def start(stack: ExitStack, subject: Subject, place: Place) -> Process | None:
    """Start the subject, if it is a process at all."""
    if not subject.command:
        return None
    said = place.folder / "said.txt"
    return stack.enter_context(running(subject.name, subject.command(place), said))


def connectable(process: Process, subject: Subject, place: Place) -> int:
    """The subject's port, once it takes connections."""
    if subject.announces:
        return process.announced(place.ready_file)
    return process.greeting(place.listen)


def check(process: Process, place: Place, messages: int) -> None:
    """End the proxy; its exit status and its own count of messages have to be right."""
    process.check_running()
    status = process.end()
    if status:
        raise Trouble(f"{process.name} ended with {status}: {process.last_words()}")
    seen = accepted(place.stats)
    if seen != messages:
        raise Trouble(
            f"MISCOUNT: {process.name} counted {seen} messages accepted, {messages} were sent"
        )


def accepted(stats: Path) -> int:
    """How often the end of mail data was answered with 250, by the proxy's own count."""
    try:
        matrix = json.loads(stats.read_text())["matrix"]
        return int(matrix.get("END-OF-DATA", {}).get("250", 0))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise Trouble(f"no count of messages in {stats.name}: {error!r}") from None
