"""A cassette's text without what must not be kept: only what must change is written anew.

Owns the walk through the text: comments, notes and every form stay as they were written, but for
what is hidden in them. What is hidden is decided as it is while recording.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from smtpproxy.cassette.model import STRAY, UNSOLICITED, Kept, Recorded, RecordedSession
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.scalars import write_line, write_message, write_word
from smtpproxy.documents import DocumentError, Place, places_in
from smtpproxy.exchange import Exchange
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatemail import PrivateMail
from smtpproxy.private.privatesession import PrivateRedactor, private_host
from smtpproxy.smtp.facts import Chunk, Command, Continuation, Reply
from smtpproxy.smtp.maildata import stuff, unstuff
from smtpproxy.smtp.server import final_code

COMMANDS, REPLIES, MESSAGES, REMARKS, OTHERS = (
    *("commands", "replies", "messages", "notes and comments"),
    "other texts",
)
#: Returns the message file that stands in the place of one, hidden by what it is given.
FileCleaner = Callable[[Kept, PrivateMail], Kept]

_COMMENT = re.compile(r"(?<=#)[^\n]+")
#: What a certificate tells of its owner.
_OF_CERTIFICATE = ("subject", "sha256")


class Cleaner:
    """Cleans one cassette; `changes` counts what was changed, by its kind."""

    def __init__(self, text: str, source: str, privacy: Privacy, clean_file: FileCleaner) -> None:
        """Raises DocumentError where the text is no cassette."""
        self._text = text
        self._source = source
        self._privacy = privacy
        self._clean_file = clean_file
        self._cassette = read_cassette(text.encode(), source)
        self._edits: list[tuple[int, int, str]] = []
        self._expected: list[Recorded] = []
        self.changes: Counter[str] = Counter()

    def cleaned(self) -> str:
        """Return the new text. Raises DocumentError where it would not say what it must."""
        header, *documents = places_in(self._text)
        self._texts(header, ("upstream",), OTHERS)
        self._remarks(header)
        for place, session in zip(documents, self._cassette.sessions, strict=True):
            self._session(place, session)
        self._comments([one for place in (header, *documents) for one in place.scalars()])
        pieces: list[str] = []
        at = 0
        for start, end, new in sorted(self._edits):
            pieces += self._text[at:start], new
            at = end
        text = "".join(pieces) + self._text[at:]
        self._check(text)
        return text

    def _check(self, text: str) -> None:
        """Make sure that the new text says what was meant, whatever its YAML looks like."""
        sessions = read_cassette(text.encode(), self._source).sessions
        said = [one for session in sessions for one in session.dialogue]
        if list(map(_told, said)) != list(map(_told, self._expected)):
            raise DocumentError(self._source, 0, "is written in a way that can't be kept up")

    def _session(self, place: Place, session: RecordedSession) -> None:
        redactor = PrivateRedactor(self._privacy)
        dialogue = _Dialogue(self, redactor)
        exchanges = iter(session.dialogue)
        for item in place.entries["dialogue"].items:
            commands = item.entries.get("C")
            listed = commands is not None and commands.text is None and not commands.entries
            for at in range(len(commands.items)) if commands is not None and listed else (None,):
                dialogue.take(item, at, next(exchanges))
            self._remarks(item)
        self._remarks(place)
        self._label(place.entries["session"])
        if (client := place.entries.get("client")) is not None:
            self.word(client, lambda text: private_host(self._privacy, text), OTHERS)
        if (tls := place.entries.get("tls")) is not None and self._privacy.addresses is not None:
            for leg in tls.entries.values():
                self._texts(leg, ("sni", "failed"), OTHERS)
                for key in _OF_CERTIFICATE:
                    if key in leg.entries:
                        self.word(leg.entries[key], lambda _: "", OTHERS)

    def _label(self, place: Place) -> None:
        # A label is made up: what looks like a host in it is none.
        if "@" in (place.text or ""):
            self.word(place, self._privacy.words, OTHERS)

    def _texts(self, place: Place, keys: tuple[str, ...], kind: str) -> None:
        for key in keys:
            if key in place.entries:
                self.word(place.entries[key], self._privacy.words, kind)

    def _remarks(self, place: Place) -> None:
        """Look at what is the user's own."""
        for key, value in place.entries.items():
            if key == "note" or key.startswith("x-"):
                for one in value.scalars():
                    self.word(one, self._privacy.words, REMARKS)

    def _comments(self, scalars: list[Place]) -> None:
        """Look at what stands between the scalars: nothing but comments tells anything there."""
        bounds = sorted((one.start, one.end) for one in scalars)
        gaps = [(0, 0), *bounds, (len(self._text), len(self._text))]
        for (_, start), (end, _) in pairwise(gaps):
            for found in _COMMENT.finditer(self._text, start, end):
                if (shown := self._privacy.words(found[0])) != found[0]:
                    self.edit(found.start(), found.end(), shown, REMARKS)

    def word(self, place: Place, change: Callable[[str], str], kind: str) -> None:
        """Change a text."""
        text = place.text or ""
        if (shown := change(text)) != text:
            self.replace(place, write_word(shown), kind)

    def octets(self, place: Place, write: Callable[[bytes, str], str], new: bytes) -> None:
        """Write octets in the place of others, in a form that can stand there."""
        written = write(new, " " * max(0, place.column))
        if written.startswith("|") and not self._text[place.start : place.end].endswith("\n"):
            written = write_word(new.decode().replace("\r\n", "\n"))
        self.replace(place, written, "")

    def replace(self, place: Place, written: str, kind: str) -> None:
        """Write something else in a place."""
        ends = self._text[place.start : place.end].endswith("\n")
        self.edit(place.start, place.end, written + "\n" * ends, kind)

    def edit(self, start: int, end: int, new: str, kind: str) -> None:
        """Take note of a change."""
        self._edits.append((start, end, new))
        if kind:
            self.changes[kind] += 1

    def expect(self, one: Recorded) -> None:
        """Take note of what an exchange is to be."""
        self._expected.append(one)

    def file(self, kept: Kept, mail: PrivateMail) -> Kept:
        """Return the message file that takes the place of one."""
        return self._clean_file(kept, mail)


class _Dialogue:
    """Goes through one session's exchanges, in the order in which they came."""

    def __init__(self, cleaner: Cleaner, redactor: PrivateRedactor) -> None:
        self._cleaner = cleaner
        self._redactor = redactor
        self._continues = False  # the next line of the client's answers a 334

    def take(self, item: Place, at: int | None, one: Recorded) -> None:
        """Clean an exchange, which is the one `at` this place in its item's lists."""
        cleaner, redactor = self._cleaner, self._redactor
        if one.stage in (STRAY, UNSOLICITED):
            fact = "stray-line" if one.stage == STRAY else "unsolicited-reply"
            shown = redactor.noted(fact, redactor.from_server(one.said[0])) if one.said else b""
            said: tuple[bytes, ...] = (shown,) if one.said else ()
            place = item.entries.get("stray") or item.entries.get("S")
            self._lines(place, None, one.said, said, REPLIES)
            cleaner.expect(one._replace(said=said))
            return
        exchange = _exchange(one, self._continues)
        if one.sent:
            redactor.foresee(exchange)
        kept = self._kept(item, one)
        sent = redactor.sent(exchange)
        self._lines(item.entries.get("C"), at, (one.sent,) if one.sent else (), (sent,), COMMANDS)
        said = tuple(self._said(exchange, wire) for wire in one.said)
        self._lines(item.entries.get("S"), at, one.said, said, REPLIES)
        saw = None if one.saw is None else self._said(exchange, one.saw)
        if one.saw is not None and saw is not None:
            self._lines(item.entries.get("client-saw"), at, (one.saw,), (saw,), REPLIES)
        rule = item.entries.get("rule")
        if rule is not None and one.rule:
            place = rule if at is None else rule.items[at]
            cleaner.word(place, redactor.privacy.words, OTHERS)
        self._continues = one.stage == "AUTH" and (one.heard or b"").startswith(b"334")
        shown_rule = redactor.privacy.words(one.rule)
        cleaner.expect(one._replace(sent=sent, kept=kept, said=said, saw=saw, rule=shown_rule))

    def _said(self, exchange: Exchange, wire: bytes) -> bytes:
        shown = self._redactor.said(exchange, Reply(final_code(wire), wire))
        return shown.wire if shown is not None else wire

    def _lines(
        self,
        place: Place | None,
        at: int | None,
        old: tuple[bytes, ...],
        new: tuple[bytes, ...],
        kind: str,
    ) -> None:
        """Write lines where others were: one of a column, all of a list, or the only one."""
        if place is None:
            return
        places = _places(place, at)
        for where, before, after in zip(places, old, new, strict=False):
            if before != after:
                self._cleaner.octets(where, write_line, after)
                self._cleaner.changes[kind] += 1

    def _kept(self, item: Place, one: Recorded) -> Kept | None:
        kept = one.kept
        if kept is None:
            return None
        key = next(key for key in ("message", "wire", "chunk") if key in item.entries)
        shown = self._shown(kept, key == "chunk")
        place = item.entries[key]
        if shown == kept:
            return kept
        if kept.file:
            self._cleaner.replace(place.entries["file"], write_word(shown.file), MESSAGES)
            if "octets" in place.entries:
                self._cleaner.replace(place.entries["octets"], str(shown.size), "")
            else:
                shown = shown._replace(size=0)
        else:
            self._cleaner.octets(place, write_message, shown.octets)
            self._cleaner.changes[MESSAGES] += 1
        return shown

    def _shown(self, kept: Kept, chunk: bool) -> Kept:
        redactor = self._redactor
        if not redactor.privacy.of_mail:
            return kept
        mail = redactor.mail() if chunk else PrivateMail(redactor.privacy, redactor.lines.words)
        if kept.file:
            return self._cleaner.file(kept, mail)
        if chunk:
            return kept._replace(octets=redactor.mail_data(Chunk(kept.octets, True)).octets)
        if kept.wire:
            return kept._replace(octets=mail.feed(kept.octets, last=True))
        return kept._replace(octets=unstuff(mail.feed(stuff(kept.octets), last=True)))


def _exchange(one: Recorded, continues: bool) -> Exchange:
    heard = one.heard
    command = Continuation(one.sent) if continues else Command(one.stage, one.sent)
    return Exchange(
        one.stage,
        command if one.sent else None,
        0.0,
        heard=None if heard is None else Reply(final_code(heard), heard),
    )


def _places(place: Place, at: int | None) -> Iterator[Place]:
    """Yield the places of lines; a null is none."""
    if at is not None:
        yield place.items[at]
    elif place.items:
        yield from (item for item in place.items if item.text not in ("", "~", "null"))
    else:
        yield place


def _told(one: Recorded) -> tuple[object, ...]:
    """Return what an exchange says, wherever it stands."""
    return (one.sent, one.kept, one.said, one.saw, one.changed, one.rule, one.by, one.pipelined)
