"""The observer that keeps sessions as a cassette.

Owns nothing of the format: it gathers a session's exchanges and hands them on. What can't be
written is lost and said; the relay goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from itertools import chain, zip_longest

from smtpproxy.cassette.encrypted import tls_of
from smtpproxy.cassette.model import Kept, Recorded, stray, unsolicited
from smtpproxy.cassette.spool import keep_whole
from smtpproxy.cassette.store import CassetteFile
from smtpproxy.cassette.tape import Tape
from smtpproxy.cassette.write import write_session_start
from smtpproxy.exchange import PROXY
from smtpproxy.smtp.anomalies import ANOMALIES
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.transcript import Entry, Note, Session

#: Clients whose addresses need no look: most are on this machine, or have none.
_HERE = frozenset({"", "127.0.0.1", "::1"})


class Recorder:
    """Keeps every session; `failed` is told of each problem, in words.

    `lost` is told of each session of which something is lost, and why. `broken`: there is one.
    """

    def __init__(
        self,
        file: CassetteFile,
        failed: Callable[[str], None],
        lost: Callable[[Session, str], None] = lambda session, why: None,
    ) -> None:
        self._file = file
        self._failed = failed
        self._lost = lost
        self._tapes: dict[int, Tape] = {}
        self._written: dict[int, str] = {}  # labels of sessions that ended by QUIT, and go on
        self.broken = False
        self.commands = 0

    def began(self, session: Session) -> None:
        """Begin to keep a session."""
        self._tapes[session.number] = Tape()

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Keep an exchange."""
        tape = self._tapes.get(session.number) or self._behind(session)
        if tape is None:
            return  # of this session something was lost: it will not be in the cassette
        if entry.sent:
            tape.commands += 1
        if entry.odd:
            tape.anomalies.update(dict.fromkeys(entry.odd))
        if tape.hear(entry):
            self._write_down(session, tape)
        if entry.stage == "QUIT":
            self._take_leave(session, entry)

    def _write_down(self, session: Session, tape: Tape) -> bool:
        """Write down what was only heard so far; False where something is lost of it."""
        try:
            entries = tape.take_heard()
            for entry, following in zip_longest(entries, entries[1:]):
                if entry.heard is not None:
                    tape.time(round(entry.seconds * 1000))
                if following is not None and not following.pipelined and tape.add_plain(entry):
                    continue
                if entry.more:
                    tape.parts.append(entry)
                elif tape.parts:
                    tape.parts.append(entry)
                    tape.answered(_recorded(tape.take_parts()))
                else:
                    tape.answered(_recorded_alone(entry))
        except OSError as error:
            self._lose(error, session)
            return False
        return True

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Keep mail data, or a chunk."""
        tape = self._tapes.get(session.number) or self._behind(session)
        if tape is None:
            return
        stuffed, octets = isinstance(fact, MailData), fact.octets
        try:
            if tape.spool is None:
                if fact.last and len(octets) <= tape.room:
                    self._complete(tape, keep_whole(octets, stuffed))
                    return
                if not self._write_down(session, tape):
                    return
                # What was answered is out of the way: now there is all the room that can be.
                tape.spool = self._file.spool(stuffed, tape.room)
            tape.spool.add(octets)
            if fact.last:
                kept = tape.spool.finish()
                tape.spool = None
                self._complete(tape, kept)
        except OSError as error:
            self._lose(error, session)

    def _complete(self, tape: Tape, kept: Kept) -> None:
        tape.keep(kept)
        if tape.backlog:
            tape.settle()

    def noted(self, session: Session, note: Note) -> None:
        """Keep what belongs to the dialogue."""
        tape = self._tapes.get(session.number) or self._behind(session)
        if tape is None:
            return
        if note.fact in ANOMALIES:
            tape.anomalies[note.fact] = None
        if told := tls_of(note):
            tape.tls.update([told])
        make = {"unsolicited-reply": unsolicited, "stray-line": stray}.get(note.fact)
        if make is None or not self._write_down(session, tape):
            return
        try:
            if not tape.note(make(note.octets)):
                self._lack(session, tape)
        except OSError as error:
            self._lose(error, session)

    def _lack(self, session: Session, tape: Tape) -> None:
        """Say once a session that not all of it is kept."""
        if not tape.lacking:
            tape.lacking = True
            self._failed(
                f"session {session.number}: the cassette lacks some of what upstream said that "
                "answers nothing: it was too much to keep until the chunk was complete"
            )

    def _take_leave(self, session: Session, entry: Entry) -> None:
        """Write the session out if that was good-bye (RFC 5321 §3.8), said by upstream.

        The connections may stay open, and the proxy be killed.
        """
        heard = entry.heard
        if heard is None or heard.code not in (221, 421) or entry.said is None:
            return
        number = session.number
        tape = self._tapes.get(number)
        if tape is None or number in self._written or not self._write_down(session, tape):
            return
        if tape.complete and (label := self._write_out(session, "quit")):
            self._written[number] = label

    def _behind(self, session: Session) -> Tape | None:
        """Return the tape of what follows a session that is written already, if it is one.

        A server closes behind its 221: what is said then is no part of the session, and is kept
        as a session of its own.
        """
        if session.number not in self._written:
            return None
        tape = self._tapes[session.number] = Tape()
        return tape

    def ended(self, session: Session, how: str) -> None:
        """Write the session out. One in which nothing was said leaves no trace."""
        number = session.number
        if number in self._tapes:
            self._write_out(session, how)
        if number in self._written:
            del self._written[number]

    def _write_out(self, session: Session, how: str) -> str:
        """Write down what is known of a session; return its label, or "" where nothing is."""
        tape = self._tapes.pop(session.number, None)
        if tape is None:
            return ""
        if tape.spool is not None:
            tape.spool.discard()
        self.commands += tape.commands
        if not self._write_down(session, tape):
            return ""
        if tape.parts:
            tape.backlog.append(_recorded(tape.take_parts()))
        try:
            tape.settle(at_end=True)
            if not tape.exchanges:
                return ""
            tape.flush()
            behind = self._written.get(session.number, "")
            label = f"{behind} behind quit" if behind else self._label(session)
            head = write_session_start(label, behind).encode()
            tail = tape.ending(how, session.opaque, _foreign(session.client_host))
            self._file.add(chain([head], tape.text.pieces(), tail))
        except OSError as error:
            self._lose(error, session)
            return ""
        return label

    def _label(self, session: Session) -> str:
        return str(session.number)

    def finish(self, replace: bool = True) -> None:
        """Put the cassette in its place, unless nothing was recorded or something was lost.

        Without `replace` a cassette that is there stays as it is.
        """
        try:
            if self.broken:
                self._leave("the recording is incomplete; it lies in")
            elif self.commands and not replace and self._file.path.exists():
                stays = f"the command failed: {self._file.path} stays as it was"
                self._leave(f"{stays}, and this recording lies in")
            elif self.commands:
                self._file.finish()
            else:
                self._file.discard()
        except OSError as error:
            self._lose(error)
            self._leave("what was recorded lies in")

    def _leave(self, words: str) -> None:
        """Let the recording lie beside the cassette, and say so."""
        try:
            self._file.leave()
        except OSError as error:
            self._lose(error)
        if self._file.partial.exists():
            self._failed(f"{words} {self._file.partial}")

    def _lose(self, error: OSError, session: Session | None = None) -> None:
        """Say once that something is lost, and keep no more of the session that it is lost of."""
        why = error.strerror or str(error)
        if not self.broken:
            self._failed(f"recording to {self._file.path} failed: {why}")
        self.broken = True
        if session is None:
            return
        self._lost(session, why)
        self._written.pop(session.number, None)
        tape = self._tapes.pop(session.number, None)
        if tape is not None:
            self.commands += tape.commands
            if tape.spool is not None:
                tape.spool.discard()


def _foreign(host: str) -> str:
    """Return a client's address, or "" where that says nothing: it was on this machine."""
    if host in _HERE:
        return ""
    return "" if ip_address(host.partition("%")[0]).is_loopback else host


def _recorded_alone(entry: Entry) -> Recorded:
    """Return what is kept of an exchange with one reply, as most have."""
    heard, said = entry.heard, entry.said
    changed = heard is not said
    return Recorded(
        entry.stage,
        entry.sent,
        None,
        () if said is None else (said.wire,),
        heard.wire if changed and heard is not None else None,
        changed,
        entry.rule,
        PROXY if entry.by == PROXY else "",
        entry.pipelined,
    )


def _recorded(parts: list[Entry]) -> Recorded:
    """Return what is kept of all replies to one message."""
    first = parts[0]
    changed = any(entry.heard is not entry.said for entry in parts)
    heard = [entry.heard.wire for entry in parts if entry.heard is not None]
    return Recorded(
        first.stage,
        first.sent,
        None,
        tuple(entry.said.wire for entry in parts if entry.said is not None),
        b"".join(heard) if changed and heard else None,
        changed,
        next((entry.rule for entry in parts if entry.rule), ""),
        first.by if first.by == PROXY else "",
        first.pipelined,
    )
