"""Whatever passed over the wire, a cassette that is written and read holds the same octets."""

from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.cassette.model import (
    END_OF_DATA,
    STRAY,
    UNSOLICITED,
    Kept,
    Recorded,
    RecordedSession,
    RecordedTls,
    stray,
    unsolicited,
)
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.write import (
    may_join,
    write_group,
    write_header,
    write_session_end,
    write_session_start,
)
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.server import final_code

ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\r\n"])
WIRE = st.binary(max_size=12) | st.text(max_size=8).map(lambda text: text.encode())
LINES = st.builds(lambda body, end: body.replace(b"\n", b"") + end, WIRE, ENDS)
COMMANDS = LINES | st.sampled_from(
    [
        b"AUTH LOGIN\r\n",
        b"RCPT TO:<b@example.net>\r\n",
        b"DATA\r\n",
        b"QUIT\r\n",
        b"BDAT 4 LAST\r\n",
        b"[redacted]\r\n",
    ]
)
REPLIES = st.one_of(
    st.builds(lambda code, text: b"%d " % code + text, st.integers(200, 599), LINES),
    st.builds(lambda one, two: b"250-" + one + b"250 " + two, LINES, LINES),
    st.just(b"334 VXNlcm5hbWU6\r\n"),
    LINES,
)
WORDS = st.text(max_size=8)  # names that users give
MESSAGES = st.binary(max_size=40) | st.text(max_size=30).map(lambda text: text.encode())
FILES = st.builds(
    lambda digest, size, wire: Kept(b"", wire, f"{digest:064x}.eml", size),
    st.integers(0, 2**256 - 1),
    st.integers(0, 10**15),
    st.booleans(),
)
KEPT = st.builds(lambda octets, wire: Kept(octets, wire), MESSAGES, st.booleans()) | FILES
CHUNKS = KEPT.map(lambda kept: kept._replace(wire=False))
MANY = settings(max_examples=100, deadline=None)


@st.composite
def answered(draw: st.DrawFn, one: Recorded) -> Recorded:
    """Give an exchange what upstream said, and what the client heard where that differs."""
    many = draw(st.sampled_from([0, 1, 1, 1, 3]))
    said = tuple(draw(REPLIES) for _ in range(many))
    changed = draw(st.booleans())
    return one._replace(
        said=said,
        changed=changed,
        saw=draw(st.none() | REPLIES) if changed else None,
        rule=draw(WORDS) if changed else "",
        by=draw(st.sampled_from(["", "proxy"])) if changed else "",
        pipelined=draw(st.booleans()) if one.sent else False,
    )


@st.composite
def dialogues(draw: st.DrawFn) -> list[Recorded]:
    """Return a dialogue: a greeting, and anything before and after it."""
    dialogue = [stray(line) for line in draw(st.lists(LINES, max_size=1))]
    dialogue.append(draw(answered(Recorded("CONNECT"))))
    for kind in draw(st.lists(st.sampled_from("CCCCMBSU"), max_size=6)):
        if kind == "M":
            dialogue.append(draw(answered(Recorded(END_OF_DATA, kept=draw(KEPT)))))
        elif kind == "B":
            chunk = draw(CHUNKS)
            dialogue.append(draw(answered(Recorded("BDAT", b"BDAT 4\r\n", chunk))))
        elif kind == "S":
            dialogue.append(stray(draw(LINES)))
        elif kind == "U":
            dialogue.append(unsolicited(draw(REPLIES)))
        else:
            dialogue.append(draw(answered(Recorded("", draw(COMMANDS)))))
    return staged(dialogue)


def staged(dialogue: list[Recorded]) -> list[Recorded]:
    """Give each command its stage: its verb, or AUTH where it answers a 334 (RFC 4954 §4)."""
    found: list[Recorded] = []
    continues = False
    for one in dialogue:
        if one.sent:
            one = one._replace(stage="AUTH" if continues else parse_command(one.sent).verb)
        if one.stage not in (STRAY, UNSOLICITED):
            continues = one.stage == "AUTH" and final_code(one.heard or b"") == 334
        found.append(one)
    return found


# A server name, a protocol or a subject is whatever a peer has made of it.
NAMES = st.text(max_size=12) | st.sampled_from(["", "a: b", "{x}", "a, b", "x}", "CN=a\x1b[31m"])
ENCRYPTED = st.one_of(
    st.tuples(*([NAMES] * 6)).map(lambda texts: RecordedTls(*texts)),
    NAMES.filter(bool).map(lambda words: RecordedTls(failed=words)),
)

SESSIONS = st.lists(
    st.builds(
        lambda client, label, dialogue, ended, opaque, timing, tls: RecordedSession(
            label, dialogue, ended, opaque, timing, client=client, tls=tls
        ),
        st.sampled_from(["", "192.0.2.7", "2001:db8::7"]),
        st.integers(0, 10**6).map(str) | WORDS,
        dialogues(),
        st.text(min_size=1, max_size=8),  # how it ended
        st.sampled_from(["", "STARTTLS"]),
        st.lists(st.integers(0, 10**12), max_size=4),
        st.dictionaries(st.sampled_from(["client", "upstream"]), ENCRYPTED),
    ),
    max_size=3,
    unique_by=lambda session: session.label,
)


def groups(dialogue: list[Recorded]) -> list[list[Recorded]]:
    """Return a dialogue as it is written: commands that were sent in one go stand together."""
    found: list[list[Recorded]] = []
    for one in dialogue:
        if found and one.pipelined and may_join(one) and may_join(found[-1][-1]):
            found[-1].append(one)
        else:
            found.append([one])
    return found


def written(sessions: list[RecordedSession], upstream: str = "") -> bytes:
    """Return the text of a cassette."""
    parts = [write_header(upstream, "2026-11-23T12:00:00Z")]
    for session in sessions:
        parts.append(write_session_start(session.label))
        parts += map(write_group, groups(session.dialogue))
        parts.append(
            write_session_end(
                session.ended,
                session.opaque,
                session.timing_ms,
                empty=not session.dialogue,
                anomalies=session.anomalies,
                client=session.client,
                tls=session.tls,
            )
        )
    return "".join(parts).encode()


def without_lines(session: RecordedSession) -> RecordedSession:
    """Return a session as it was before it stood in a file."""
    session.line = 0
    session.dialogue = [one._replace(line=0) for one in session.dialogue]
    return session


@MANY
@given(SESSIONS)
def test_sessions_survive(sessions: list[RecordedSession]) -> None:
    """Any sessions, written and read, are equal."""
    cassette = read_cassette(written(sessions), "signup.yaml")
    assert [without_lines(session) for session in cassette.sessions] == sessions


@MANY
@given(SESSIONS)
def test_writing_what_was_read_changes_nothing(sessions: list[RecordedSession]) -> None:
    """A cassette that is read and written is the same text: no diff without a reason."""
    text = written(sessions)
    assert written(read_cassette(text, "signup.yaml").sessions) == text


@MANY
@given(WORDS)
def test_the_header_survives(upstream: str) -> None:
    """Wherever the upstream was, the header gives it back."""
    cassette = read_cassette(written([], upstream), "signup.yaml")
    assert (cassette.upstream, cassette.recorded) == (upstream, "2026-11-23T12:00:00Z")


@MANY
@given(dialogues())
def test_each_exchange_says_where_it_stands(dialogue: list[Recorded]) -> None:
    """The line of an exchange, which reports of misses name, is one in which it is written."""
    text = written([RecordedSession("1", dialogue, ended="quit")]).decode()
    lines = text.split("\n")
    for one in read_cassette(text.encode(), "signup.yaml").sessions[0].dialogue:
        if one.stage not in (STRAY, UNSOLICITED):
            assert lines[one.line - 1].lstrip().startswith("- ")
