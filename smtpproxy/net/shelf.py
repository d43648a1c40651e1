"""What a run does with its cassette: replay it, record it, let it grow, or compare with it.

Owns the choice of observers and upstreams for that, and what is said of it at the end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smtpproxy.auth.redaction import Redactor
from smtpproxy.cassette.advice import explained
from smtpproxy.cassette.appending import Appender, next_label
from smtpproxy.cassette.comparing import SEVERITIES, compare
from smtpproxy.cassette.matching import ANY, COMPARED, Matching
from smtpproxy.cassette.matchwords import MatchError, matching_of, read_order
from smtpproxy.cassette.misses import MISSING, Miss, MissReply, MissReplyError, read_miss_reply
from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.pace import PaceError, read_pace
from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.store import (
    CassetteFile,
    load_cassette,
    load_recorded,
    mail_data_on_the_wire,
)
from smtpproxy.console import counted, on_terminal, say
from smtpproxy.net.local import AppendingUpstream, LocalUpstream
from smtpproxy.net.reporting import Reporting
from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import Upstream
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatesession import PrivateRedactor
from smtpproxy.replay import Player
from smtpproxy.settings import Settings, SettingsError
from smtpproxy.transcript import Note, Observer, Session

_MOST_EXPLAINED = 20  # misses: a run that went wrong has many of them


class Shelf:
    """One run's cassette. Raises SettingsError, DocumentError or OSError for what can't be used."""

    def __init__(
        self,
        path: Path,
        settings: Settings,
        service: ProxyService,
        observers: list[Observer],
        clock: Any,
        privacy: Privacy | None,
        plain: bool,
        reporting: Reporting | None,
    ) -> None:
        """`plain`: nobody asks the cassette for TLS."""
        self.path = path
        self._settings = settings
        self._service = service
        self._observers = observers
        self._clock = clock
        self._privacy = privacy
        self._plain = plain
        self._reporting = reporting
        self.recorder: Recorder | None = None
        self.command_failed = False  # the command that this run is about

    def replay(self) -> Callable[[str], Upstream]:
        """Return what makes the upstream of a session that has a label."""
        player = self._player(load_recorded(self.path, lambda told: say(f"smtpproxy: {told}")))

        def report_unused() -> None:
            if unused := player.tree.unused_count():
                many = "transaction was" if unused == 1 else "transactions were"
                say(f"smtpproxy: {unused} recorded {many} not replayed ({self.path})")

        self._service.reporting.append(report_unused)
        name = f"cassette:{self.path}"
        clock = self._clock if self._times() else None
        return lambda label: LocalUpstream(name, lambda: player.connection(label), clock)

    def append(self, upstream: Upstream) -> Callable[[str], Upstream]:
        """Return what makes the upstream of a session: the cassette, and this where it ends."""
        file = self._file(upstream.name, grows=True)
        try:
            # Not before it is ours: another run may have added to it a moment ago.
            cassette = load_cassette(self.path) if self.path.exists() else Cassette(str(self.path))
            player = self._player(cassette)
        except BaseException:
            file.discard()
            raise
        first = next_label(cassette.sessions)

        def astray(session: Session, why: str) -> None:
            told = f"could not go on upstream: {why}"
            player.miss(Miss(0, MISSING, "CONNECT", told, "", session=session.label))

        self._keep(Appender(file, self._service.found, self._lost(), first, astray))
        return lambda label: AppendingUpstream(
            upstream.name, lambda: player.connection(label), upstream
        )

    def record(self, upstream: str) -> None:
        """Record what every session says."""
        recorder = Recorder(self._file(upstream), self._service.found, self._lost())
        self._keep(recorder)

        def report() -> None:
            if not recorder.commands:
                say(f"smtpproxy: no command was recorded; {self.path} is not written")

        self._service.reporting.append(report)

    def differ(self, upstream: str) -> None:
        """Compare at the end what upstream has said with what the cassette has."""
        old = load_cassette(self.path)
        matching = self._matching(old, usual=COMPARED)
        # Whatever keeps the run from its end takes the folder away, too.
        folder = tempfile.TemporaryDirectory(prefix="smtpproxy-", ignore_cleanup_errors=True)
        fresh = Path(folder.name) / self.path.name
        name = self._privacy.words(upstream) if self._privacy else upstream
        recorder = Recorder(CassetteFile(fresh, name, self._now()), self._service.found)
        self._keep(recorder)

        def report() -> None:
            with folder:
                if recorder.broken:
                    return  # which was said; what is missing is no change of upstream's
                new = load_cassette(fresh) if fresh.exists() else Cassette(str(fresh))
                changes = list(compare(old, new, matching))
            for change in changes:
                where = f" ({self.path.name}:{change.old_line})" if change.old_line else ""
                told = f"{change.old or 'nothing'} -> {change.new or 'nothing'}{where}"
                say(f"smtpproxy: {change.severity:<5} {change.stage or change.what}: {told}")
            counts = ", ".join(
                f"{many} of {severity}"
                for severity in SEVERITIES
                if (many := sum(change.severity == severity for change in changes))
            )
            if changes:
                told = counted(len(changes), "difference")
                self._service.found(f"{told} from {self.path}: {counts}")

        self._service.reporting.append(report)

    def _now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock.seconds()))

    def _file(self, upstream: str, grows: bool = False) -> CassetteFile:
        if self.path.is_dir():
            raise SettingsError(f"--cassette {self.path} is a folder")
        name = self._privacy.words(upstream) if self._privacy else upstream
        file = CassetteFile(self.path, name, self._now(), grows)
        if file.earlier is not None:
            say(f"smtpproxy: an unfinished recording was there; it is kept as {file.earlier}")
        return file

    def _lost(self) -> Callable[[Session, str], None]:
        others = tuple(self._observers)

        def lost(session: Session, why: str) -> None:
            note = Note("recording-failed", why, b"", self._clock.seconds())
            for observer in others:
                observer.noted(session, note)

        return lost

    def _keep(self, recorder: Recorder) -> None:
        self.recorder = recorder
        # First, so that the log tells of what was lost before it tells how the session ended.
        self._observers.insert(0, recorder)

        def finish() -> None:
            recorder.finish(replace=not self.command_failed)

        self._service.finishing.append(finish)

    def _player(self, cassette: Cassette) -> Player:
        player = Player(
            cassette,
            self._missed,
            self._settings.flag("repeat"),
            plain=self._plain,
            matching=self._matching(cassette),
            octets_of=lambda kept: mail_data_on_the_wire(kept, self.path),
            told=self._miss_reply(),
            redactor=self._redactor,
            order=self._order(cassette),
            times=self._times(),
        )
        if self._reporting is not None:
            self._reporting.source = player
        return player

    def _missed(self, miss: Miss) -> None:
        """Tell of a miss at once; of many, no more than that they are there."""
        told = explained(miss, on_terminal()) if miss.number <= _MOST_EXPLAINED else ""
        self._service.found(f"{miss}\n{told}" if told else str(miss))
        if self._reporting is not None:
            self._reporting.missed(miss)

    def _matching(self, cassette: Cassette, usual: tuple[str, ...] = COMPARED[:-1]) -> Matching:
        """Return what is compared: by the options, else as the cassette has it, or the usual."""
        match = self._settings.text("match")
        words = [word.strip() for word in match.split(",")] if match else cassette.match
        try:
            ignored = (*cassette.ignore, *self._settings.many("ignore"))
            return matching_of(words, ignored, usual)
        except MatchError as error:
            raise SettingsError(f"--{error}") from None

    def _order(self, cassette: Cassette) -> str:
        """Return in which order to replay: by the option, else as the cassette has it."""
        word = self._settings.text("order")
        try:
            return read_order([word] if word else []) or cassette.order or ANY
        except MatchError as error:
            raise SettingsError(f"--{error}") from None

    def _times(self) -> float:
        """Return how many times as fast as recorded replies come."""
        try:
            return read_pace(self._settings.text("pace"))
        except PaceError as error:
            raise SettingsError(f"--pace: {error}") from None

    def _miss_reply(self) -> MissReply | None:
        text = self._settings.text("on-miss")
        try:
            return read_miss_reply(text) if text else None
        except MissReplyError as error:
            raise SettingsError(f"--on-miss: {error}") from None

    def _redactor(self) -> Redactor:
        return Redactor() if self._privacy is None else PrivateRedactor(self._privacy)
