"""How sessions and recordings end: what is kept of a session cut short, and when nothing is."""

import errno
from collections.abc import Iterable
from pathlib import Path

import pytest

from smtpproxy.cassette.comparing import compare
from smtpproxy.cassette.conduct import findings
from smtpproxy.cassette.matching import STRICT
from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.partial import extent_of, load_unfinished
from smtpproxy.cassette.rehearsal import Rehearsal
from smtpproxy.cassette.spool import LARGE, folder_of
from smtpproxy.cassette.store import CassetteFile, load_cassette, mail_data_on_the_wire
from smtpproxy.cassette.tree import Tree
from tests.cassette.recording import RECORDED, UPSTREAM, Recording, yaml

OLD = "smtpproxy-cassette: 1\n---\nsession: old\ndialogue: []\n"
TRANSACTION = """
S: 220 ready
C: HELO x
S: 250 hi
C: MAIL FROM:<a@example.org>
S: 250 Ok
C: RCPT TO:<b@example.net>
S: 250 Ok
C: DATA
S: 354 go
"""


def last(recording: Recording) -> str:
    """Return the end of the last session, from its last exchange on."""
    return "- " + recording.sessions().rpartition("\n- ")[2].partition("timing-ms:")[0]


def test_a_client_that_leaves_before_the_greeting(recording: Recording) -> None:
    """A port check that comes and goes must not make the cassette unreadable."""
    recording.begin().client_leaves()
    recording.dialogue("S: 220 ready\nC: QUIT\nS: 221 Bye")
    assert recording.cassette().sessions[-1].dialogue[-1].heard == b"221 Bye\r\n"
    assert recording.problems == []


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("192.0.2.7", 'client: "192.0.2.7"\n'),
        ("2001:db8::7", 'client: "2001:db8::7"\n'),
        ("fe80::1%lo", 'client: "fe80::1%lo"\n'),
        ("127.0.0.9", ""),
        ("::1", ""),
        ("", ""),  # of a unix socket
    ],
)
def test_a_client_from_elsewhere(recording: Recording, host: str, line: str) -> None:
    """Its address stands behind the dialogue; that of this machine would only be noise."""
    conversation = recording.begin(host=host)
    conversation.play("S: 220 ready\nC: QUIT\nS: 221 Bye")
    conversation.client_leaves()
    assert last(recording).partition("ended: quit\n")[2] == line
    assert load_cassette(recording.path).sessions[0].client == (host if line else "")


TAKING_LEAVE = "S: 220 ready\nC: HELO x\nS: 250 hi\nC: QUIT\nS: 221 Bye"


def unfinished(recording: Recording) -> list[tuple[str, str]]:
    """Return label and end of each session that is there before the recording ends."""
    with recording.file.partial.open("rb") as file:
        if not extent_of(file).sessions:
            return []
    found = load_unfinished(recording.file.partial, lambda words: None)
    return [(session.label, session.ended) for session in found.sessions]


def test_a_session_is_there_once_its_quit_is_answered(recording: Recording) -> None:
    """Also while its connections stay open: a proxy that is killed then has lost nothing of it."""
    conversation = recording.begin()
    conversation.play(TAKING_LEAVE.removesuffix("\nS: 221 Bye"))
    assert unfinished(recording) == []
    conversation.play("S: 221 Bye")
    assert unfinished(recording) == [("1", "quit")]
    conversation.client_leaves()
    assert [session.label for session in recording.cassette().sessions] == ["1"]


def test_what_follows_a_leave_is_no_session_to_replay(recording: Recording) -> None:
    """Nor to be compared, played or blamed: a server closes behind its 221."""
    conversation = recording.begin()
    conversation.play(TAKING_LEAVE)
    conversation.play("S: 250 again\nC: MAIL FROM:<a@example.org>\nS: 250 ok")
    conversation.client_leaves()
    cassette = recording.cassette()
    alone = Cassette(cassette.source, sessions=cassette.sessions[:1])
    assert len(cassette.sessions) == 2
    assert len(Tree(cassette, order=STRICT).starts) == 1
    assert list(compare(cassette, alone)) == []
    assert list(findings(cassette.sessions[1])) == []
    assert Rehearsal(cassette.sessions[1], lambda kept: b"").empty


@pytest.mark.parametrize("reply", ["250 still here", "500 5.5.1 What?"])
def test_a_quit_that_is_no_leave_ends_nothing(recording: Recording, reply: str) -> None:
    """A server that does not say 221 goes on, and so does the session."""
    conversation = recording.begin()
    conversation.play(TAKING_LEAVE.replace("221 Bye", reply))
    assert unfinished(recording) == []
    conversation.play("C: NOOP\nS: 250 ok")
    conversation.client_leaves()
    (session,) = recording.cassette().sessions
    assert [one.stage for one in session.dialogue] == ["CONNECT", "HELO", "QUIT", "NOOP"]


def test_what_follows_a_leave_is_kept_apart(recording: Recording) -> None:
    """It is no part of the session, which stands there once; nothing of it is lost."""
    conversation = recording.begin()
    conversation.play(TAKING_LEAVE)
    conversation.play("C: NOOP\nS: 250 ok\nC: QUIT\nS: 221 Bye\nC: QUIT\nS: 221 Bye")
    assert unfinished(recording) == [("1", "quit")]
    conversation.client_leaves()
    first, behind = recording.cassette().sessions
    assert [one.stage for one in first.dialogue] == ["CONNECT", "HELO", "QUIT"]
    assert (behind.label, behind.behind, behind.ended) == ("1 behind quit", "1", "quit")
    assert [one.sent for one in behind.dialogue] == [b"NOOP\r\n", b"QUIT\r\n", b"QUIT\r\n"]


def test_a_leave_by_rule_is_written_at_the_end(recording: Recording) -> None:
    """Upstream did not say it, and may say more."""
    conversation = recording.begin("QUIT: 221")
    conversation.play(TAKING_LEAVE)
    conversation.client_leaves()
    (session,) = recording.cassette().sessions
    assert session.ended == "quit"


def test_a_client_that_drops_within_mail_data(recording: Recording) -> None:
    """What is no complete message is not kept, neither in the cassette nor beside it."""
    conversation = recording.begin()
    conversation.play(TRANSACTION)
    conversation.client(b"a" * (LARGE + 1))
    conversation.client_leaves()
    assert last(recording) == '- C: "DATA"\n  S: "354 go"\nended: client-drop\n'
    assert list(folder_of(recording.path).glob("*")) == []


def test_a_client_that_drops_before_the_answer(recording: Recording) -> None:
    """A message that got no answer stands there without one."""
    conversation = recording.begin()
    conversation.play(TRANSACTION + "C: Hi.\nC: .")
    conversation.client_leaves()
    assert last(recording) == "- message: |\n    Hi.\nended: client-drop\n"
    answered = ["CONNECT", "HELO", "MAIL", "RCPT", "DATA"]
    assert load_cassette(recording.path).sessions[0].timing_ms == [0 for _ in answered]


def test_a_client_that_resets(recording: Recording) -> None:
    """A connection that broke is told from one that was closed."""
    conversation = recording.begin()
    conversation.play(TRANSACTION)
    conversation.client_leaves(clean=False)
    assert last(recording) == '- C: "DATA"\n  S: "354 go"\nended: client-reset\n'


def test_an_upstream_that_drops(recording: Recording) -> None:
    """Upstream left a command unanswered: so it stands."""
    conversation = recording.begin()
    conversation.play("S: 220 ready\nC: EHLO app.example.org")
    conversation.upstream_leaves()
    assert last(recording) == '- C: "EHLO app.example.org"\nended: upstream-drop\n'


def test_an_upstream_that_is_not_there(recording: Recording) -> None:
    """The proxy's own 421 is never recorded as upstream's."""
    conversation = recording.begin()
    conversation.relay.upstream_failed("connection refused")
    conversation.client_leaves()
    recording.dialogue("S: 220 ready\nC: QUIT\nS: 221 Bye")
    refused = recording.cassette().sessions[0]
    assert (refused.dialogue[0].said, refused.dialogue[0].by) == ((), "proxy")
    assert (refused.dialogue[0].heard or b"").startswith(b"421 ")
    assert refused.ended == "upstream-unreachable"


def test_a_rule_that_refuses_the_connection(recording: Recording) -> None:
    """Where upstream was not even asked to greet, the greeting is what the client saw."""
    recording.dialogue("C: QUIT\nS: 221 Bye", 'CONNECT: "554 5.3.2 Closed"')
    first = recording.sessions().partition("dialogue:\n")[2].partition("- C:")[0]
    assert first == '- client-saw: "554 5.3.2 Closed"\n  rule: CONNECT\n'


def test_a_rule_that_loses_the_acknowledgement(recording: Recording) -> None:
    """Upstream accepted the message and the client heard nothing: `~`."""
    conversation = recording.begin("END-OF-DATA: {upstream: deliver, client: drop}")
    conversation.play(TRANSACTION + "C: Hi.\nC: .\nS: 250 2.0.0 Ok: queued")
    conversation.client_leaves()
    found = last(recording).partition("ended:")[0]
    assert found == yaml(
        """
        - message: |
            Hi.
          S: "250 2.0.0 Ok: queued"
          client-saw: ~
          rule: END-OF-DATA
        """
    )


def test_a_large_message_lies_beside_the_cassette(recording: Recording) -> None:
    """Over 64 KiB, the cassette names a file that holds the message, dot-stuffing undone."""
    message = b"Subject: large\r\n\r\n" + b".0123456789abc\r\n" * (LARGE // 16)
    conversation = recording.begin()
    conversation.play(TRANSACTION)
    sent = message.replace(b"\r\n.", b"\r\n..")
    for at in range(0, len(sent), 1460):
        conversation.client(sent[at : at + 1460])
    conversation.client(b".\r\n")
    conversation.play("S: 250 Ok")
    conversation.client_leaves()
    kept = recording.cassette().sessions[0].dialogue[-1].kept
    assert kept is not None
    assert (folder_of(recording.path) / kept.file).read_bytes() == message
    assert mail_data_on_the_wire(kept, recording.path) == sent


@pytest.mark.parametrize("text", ["", "S: 220 ready"])
def test_an_empty_run_leaves_the_old_cassette(recording: Recording, text: str) -> None:
    """Nobody came, or nobody said anything: the old cassette is not lost to that."""
    recording.path.write_text(OLD)
    if text:
        recording.dialogue(text)
    recording.recorder.finish()
    assert recording.path.read_text() == OLD
    assert recording.problems == []
    assert not recording.file.partial.exists()


class FullDisk(CassetteFile):
    """A cassette on a disk that is full."""

    def add(self, session: Iterable[bytes]) -> None:
        """Fail as the operating system does."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failed_run_leaves_the_old_cassette(tmp_path: Path) -> None:
    """What can't be written is said, once, and the old cassette is not lost to that."""
    recording = Recording(tmp_path, FullDisk(tmp_path / "signup.yaml", UPSTREAM, RECORDED))
    recording.path.write_text(OLD)
    for _ in range(2):
        conversation = recording.dialogue("S: 220 ready\nC: QUIT\nS: 221 Bye")
        assert conversation.heard == b"220 ready\r\n221 Bye\r\n"
    recording.recorder.finish()
    assert recording.path.read_text() == OLD
    lost, left = recording.problems
    assert "signup.yaml failed: No space left on device" in lost
    assert "signup.yaml.partial" in left
    assert recording.file.partial.exists()


def test_mail_data_that_cannot_be_kept_does_not_stop_the_relay(recording: Recording) -> None:
    """Where the folder for large messages can't be made, mail passes and the recording fails."""
    folder_of(recording.path).write_text("in the way")
    recording.path.write_text(OLD)
    conversation = recording.begin()
    conversation.play(TRANSACTION)
    for _ in range(3):
        conversation.client(b"a" * LARGE)
    conversation.client(b"\r\n.\r\n")
    conversation.play("S: 250 Ok")
    conversation.client_leaves()
    recording.recorder.finish()
    assert conversation.asked.endswith(b"a" * 3 * LARGE + b"\r\n.\r\n")
    assert conversation.heard.endswith(b"250 Ok\r\n")
    assert recording.path.read_text() == OLD
    assert any("failed" in problem for problem in recording.problems)


def test_a_session_of_which_something_is_lost_costs_nothing_more(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a long session can't be written down, no more of it is kept; others are recorded."""

    def full() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    lost, other = recording.begin(), recording.begin()
    other.play("S: 220 ready")
    lost.play("S: 220 ready")
    reply = b"250 " + b"x" * 4000 + b"\r\n"
    for _ in range(LARGE // 1000):
        lost.client(b"NOOP\r\n")
        lost.upstream(reply)
    other.play("C: QUIT\nS: 221 Bye")
    for conversation in (lost, other):
        conversation.client_leaves()
    recording.recorder.finish()
    assert [problem for problem in recording.problems if "Too many open files" in problem]
    assert len(recording.problems) == 2
    kept = recording.file.partial.read_text()
    assert "session: 2" in kept
    assert "session: 1" not in kept
