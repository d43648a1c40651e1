"""Exchanges are written down many at a time: that shows in nothing but the time it takes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.cassette import tape
from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.store import CassetteFile
from smtpproxy.exchange import PROXY
from smtpproxy.smtp.facts import Chunk, MailData, Reply
from smtpproxy.transcript import Entry, Note
from tests.allocated import memory
from tests.cassette import synthetic
from tests.cassette.recording import RECORDED, UPSTREAM

CHUNK = synthetic.entry("BDAT", b"BDAT 2\r\n", b"250 2.0.0 Ok\r\n")
PLAIN = (synthetic.MAIL, synthetic.RCPT, synthetic.DATA, synthetic.EHLO, synthetic.END, CHUNK)
NO = Reply(550, b"550 5.7.1 No\r\n")
OTHERWISE: dict[str, object] = {
    "pipelined": True,
    "heard": NO,
    "said": None,
    "by": PROXY,
    "rule": "greylist",
    "odd": ("bare-lf",),
    "more": True,
}
_NOTE = Note("unsolicited-reply", "", b"421 4.4.2 Timeout\r\n", 0.0)
_STRAY = Note("stray-line", "", b"who are you?\r\n", 0.0)


def changed(entry: Entry, keys: set[str]) -> Entry:
    """Return an exchange that is not like most."""
    return msgspec.structs.replace(entry, **{key: OTHERWISE[key] for key in keys})


ENTRIES = st.builds(
    changed,
    st.sampled_from(PLAIN),
    st.one_of(st.just(set()), st.sets(st.sampled_from(sorted(OTHERWISE)), max_size=2)),
)
MAIL_DATA = st.builds(MailData, st.sampled_from([b"Hi.\r\n.\r\n", b"a" * 40_000]), st.booleans())
FACTS = st.one_of(MAIL_DATA, st.builds(Chunk, st.just(b"Hi"), st.booleans()))
EVENTS = st.lists(
    st.one_of(ENTRIES, ENTRIES, ENTRIES, FACTS, st.sampled_from([_NOTE, _STRAY])), max_size=24
)


def text(events: list[Entry | MailData | Chunk | Note], most_heard: int) -> str:
    """Return the cassette of a session, written down as often as `most_heard` octets came."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tape, "_MOST_HEARD", most_heard)
        file = CassetteFile(Path(folder) / "signup.yaml", UPSTREAM, RECORDED)
        recorder = Recorder(file, pytest.fail)
        session = synthetic.begin(recorder, 1)
        for event in events:
            if isinstance(event, Entry):
                recorder.exchanged(session, event)
            elif isinstance(event, Note):
                recorder.noted(session, event)
            else:
                recorder.mail_data(session, event)
        synthetic.end(recorder, session)
        written = file.partial.read_text()
        file.discard()
        return written


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_the_text_is_the_same(events: list[Entry | MailData | Chunk | Note]) -> None:
    """Each exchange looked at alone, a few together, and all together."""
    alone = text(events, 0)
    assert text(events, 1000) == alone
    assert text(events, 10**9) == alone


def test_ten_thousand_sessions_leave_nothing_in_memory(tmp_path: Path) -> None:
    """While one session after another is recorded, as much is in memory as at the beginning."""
    recorder = Recorder(CassetteFile(tmp_path / "signup.yaml", UPSTREAM, RECORDED), pytest.fail)

    def record(numbers: range) -> None:
        for number in numbers:
            session = synthetic.begin(recorder, number)
            synthetic.send(recorder, session, b"Hi.\r\n.\r\n")
            synthetic.end(recorder, session)

    record(range(100))
    assert memory(lambda: record(range(100, 10_000))) < 64 * 1024
    assert recorder.commands == 10_000 * 5


def test_a_session_holds_little_of_what_it_heard(tmp_path: Path) -> None:
    """However many messages a session has, only so much of them waits to be written down."""
    recorder = Recorder(CassetteFile(tmp_path / "signup.yaml", UPSTREAM, RECORDED), pytest.fail)
    session = synthetic.begin(recorder, 1)

    def act() -> None:
        for _ in range(1000):
            synthetic.send(recorder, session)

    assert memory(act, peak=True) < 512 * 1024
