"""The log: one record a reply, in both forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smtpproxy.log import JsonLog, TextLog
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import MailData
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Entry, Note, Transcript
from tests.dialogue import Conversation
from tests.observed import CLIENT, NOON, SERVER, a_session, an_entry
from tests.test_rewriting import MAIL

REFUSAL = ("RCPT", "RCPT TO:<b@example.net>", "550 5.1.1 No such user")


def json_of(entry: Entry, label: str = "run-1") -> dict[str, Any]:
    """Return the one JSON record of an exchange."""
    lines: list[bytes] = []
    JsonLog(lines.append).exchanged(a_session(label=label), entry)
    (line,) = b"".join(lines).splitlines(keepends=True)
    assert line.endswith(b"}\n")
    record: dict[str, Any] = json.loads(line)
    return record


def text_of(entry: Entry, number: int = 1) -> str:
    """Return the one line of text of an exchange."""
    lines: list[bytes] = []
    TextLog(lines.append).exchanged(a_session(number), entry)
    (line,) = b"".join(lines).decode().splitlines(keepends=True)
    assert line.endswith("\n")
    return line[:-1]


def test_json_record_of_a_reply() -> None:
    """A reply's object has all that the design promises, and what classifies it."""
    record = json_of(an_entry(*REFUSAL, after=0.25))
    promised = {
        "time": "2026-11-23T12:00:00.250Z",
        "session": "run-1",
        "client": CLIENT,
        "upstream": SERVER,
        "stage": "RCPT",
        "command": "RCPT TO:<b@example.net>",
        "by": "upstream",
        "code": 550,
        "enhanced": "5.1.1",
        "severity": "permanent",
        "meaning": "Requested action not taken: mailbox unavailable",
        "listed": True,
        "text": "No such user",
    }
    assert {key: record[key] for key in promised} == promised
    assert "rule" not in record
    assert record["ms"] == pytest.approx(62.5)


@pytest.mark.parametrize(
    ("after", "time"),
    [
        (0.0, "2026-11-23T12:00:00.000Z"),
        (0.5, "2026-11-23T12:00:00.500Z"),
        (59.875, "2026-11-23T12:00:59.875Z"),
        (12 * 3600.0, "2026-11-24T00:00:00.000Z"),
        (-1.0, "2026-11-23T11:59:59.000Z"),
    ],
)
def test_time_is_rfc_3339_in_utc_with_milliseconds(after: float, time: str) -> None:
    """The time is that at which the client heard the reply."""
    assert json_of(an_entry(*REFUSAL, after=after))["time"] == time
    assert text_of(an_entry(*REFUSAL, after=after)).split()[0] == time[11:23]


@pytest.mark.parametrize(
    ("stage", "sent", "heard", "severity", "listed"),
    [
        ("CONNECT", "", "220 mail.example.org ESMTP", "success", True),
        ("DATA", "DATA", "354 Go on", "intermediate", True),
        ("RCPT", "RCPT TO:<b@example.net>", "452 4.3.1 Full", "transient", True),
        ("END-OF-DATA", "", "552 5.3.4 Too big", "permanent", True),
        ("NOOP", "NOOP", "552 5.3.4 Too big", "permanent", False),
        ("NOOP", "NOOP", "999 What", "unknown", False),
    ],
)
def test_reply_is_classified_where_it_stands(
    stage: str, sent: str, heard: str, severity: str, listed: bool
) -> None:
    """RFC 5321 §4.2.1: the first digit says how it went; the registry, whether it is usual here."""
    record = json_of(an_entry(stage, sent, heard))
    assert (record["stage"], record["code"]) == (stage, int(heard[:3]))
    assert (record["severity"], record["listed"]) == (severity, listed)
    line = text_of(an_entry(stage, sent, heard))
    assert f" {heard[:3]} " in line
    assert f" {severity} " in line


def test_lines_of_a_reply_are_one_text() -> None:
    """JSON keeps every line, without codes; text shows the first, and how many follow."""
    heard = "550-5.7.1 Refused\r\n550-5.7.1 See https://example.org/\r\n550 5.7.1 Bye"
    entry = an_entry("RCPT", "RCPT TO:<b@example.net>", heard)
    assert json_of(entry)["text"] == "Refused\nSee https://example.org/\nBye"
    assert json_of(entry)["enhanced"] == "5.7.1"
    assert " Refused " in text_of(entry)
    assert "+2 lines" in text_of(entry)


def test_rule_is_named_with_what_upstream_said() -> None:
    """Where a rule changed a reply, both forms name it and tell what was changed."""
    entry = an_entry(*REFUSAL, by="rule", rule="no bob", said="250 2.1.5 Ok")
    record = json_of(entry)
    assert (record["by"], record["rule"]) == ("rule", "no bob")
    assert (record["upstream_code"], record["upstream_text"]) == (250, "Ok")
    assert "no bob" in text_of(entry)
    assert "250" in text_of(entry)


def test_firing_is_numbered() -> None:
    """Beside the rule stands which of its firings it was; the proxy's own answers have none."""
    entry = an_entry(*REFUSAL, by="rule", rule="no bob", said="250 2.1.5 Ok")
    assert "firing" not in json_of(entry)
    entry.firing = 3
    assert json_of(entry)["firing"] == 3
    assert "[rule no bob #3; upstream said 250]" in text_of(entry)


def test_unanswered_command_is_told() -> None:
    """An exchange without a reply is in the log, and says that it has none."""
    entry = an_entry("NOOP", "NOOP", None)
    assert json_of(entry)["code"] is None
    assert "no answer" in text_of(entry)


def test_line_of_text_reads_from_left_to_right() -> None:
    """Time, session, command, code, enhanced code, severity, text and meaning."""
    line = text_of(an_entry(*REFUSAL, after=0.25), number=17)
    parts = [
        *("12:00:00.250", "#17", "RCPT TO:<b@example.net>", "550", "5.1.1", "permanent"),
        *("No such user", "Requested action not taken: mailbox unavailable"),
    ]
    places = [line.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_text_that_is_the_meaning_is_not_said_twice() -> None:
    """The registry's own words need no explanation."""
    words = "Requested action not taken: mailbox unavailable"
    line = text_of(an_entry("RCPT", "RCPT TO:<b@example.net>", f"550 5.1.1 {words}"))
    assert line.count(words) == 1


@pytest.mark.parametrize(
    "words", ["Too big", "Requested mail action aborted: exceeded storage allocation"]
)
def test_unlisted_code_is_flagged_in_text(words: str) -> None:
    """A code that is not listed for its stage catches the eye, whatever the server's words."""
    assert "not listed" in text_of(an_entry("NOOP", "NOOP", f"552 5.2.2 {words}"))
    assert "not listed" not in text_of(an_entry("MAIL", "MAIL FROM:<>", f"552 5.2.2 {words}"))


def test_columns_are_aligned() -> None:
    """Codes stand beneath one another, also those of the greeting and of the end of mail data."""
    exchanges = (REFUSAL, ("CONNECT", "", "220 Hi"), ("END-OF-DATA", "", "250 2.0.0 Ok"))
    lines = [text_of(an_entry(*exchange)) for exchange in exchanges]
    assert (
        len(
            {
                line.index(f" {heard[:4]}")
                for line, (*_, heard) in zip(lines, exchanges, strict=True)
            }
        )
        == 1
    )
    assert "CONNECT" in lines[1]
    assert "END-OF-DATA" in lines[2]


def test_sessions_are_told_apart() -> None:
    """JSON has the label, which is unique across restarts; text has the number in this run."""
    assert json_of(an_entry(*REFUSAL), label="20261123T120000-2")["session"] == "20261123T120000-2"
    assert text_of(an_entry(*REFUSAL), number=2).split()[1] == "#2"


def test_beginning_notes_and_end() -> None:
    """What is not an exchange is logged, too: who came, what was odd, and how it ended."""
    for log, form in ((JsonLog, "json"), (TextLog, "text")):
        lines: list[bytes] = []
        session = a_session(3, "run-3")
        session.ended = NOON + 2.0
        watcher = log(lines.append)
        watcher.began(session)
        watcher.noted(session, Note("stray-line", "upstream", b"hello?\r\n", NOON + 1.0))
        watcher.ended(session, "client-drop")
        *_, note, end = b"".join(lines).decode().splitlines()
        if form == "json":
            assert json.loads(note).items() >= {
                ("time", "2026-11-23T12:00:01.000Z"),
                ("session", "run-3"),
                ("fact", "stray-line"),
                ("detail", "upstream"),
            }
            assert json.loads(end).items() >= {
                ("time", "2026-11-23T12:00:02.000Z"),
                ("session", "run-3"),
                ("fact", "ended"),
                ("detail", "client-drop"),
            }
        else:
            assert CLIENT in lines[0].decode()
            assert SERVER in lines[0].decode()
            assert note.split() == ["12:00:01.000", "#3", "*", "stray-line", "upstream", "hello?"]
            assert end.startswith("12:00:02.000 #3 ")
            assert "client-drop" in end


ENCRYPTED = TlsFacts(
    "TLSv1.3",
    "TLS_AES_256_GCM_SHA384",
    "mail.example.org",
    "smtp",
    "CN=mail.example.org",
    "ab" * 32,
)


def both_forms(note: Note) -> tuple[dict[str, Any], str]:
    """Return the JSON record and the line of text of a fact."""
    lines: list[bytes] = []
    for log in (JsonLog(lines.append), TextLog(lines.append)):
        log.noted(a_session(), note)
    record: dict[str, Any] = json.loads(lines[0])
    return record, lines[1].decode().rstrip("\n")


def test_tls_is_told_with_its_facts() -> None:
    """Whose leg is encrypted, and how, is in both forms; the fingerprint is for programs."""
    record, line = both_forms(Note("tls", "upstream", b"", NOON, ENCRYPTED))
    assert (record["fact"], record["detail"]) == ("tls", "upstream")
    assert record["tls"] == {
        "version": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "sni": "mail.example.org",
        "alpn": "smtp",
        "subject": "CN=mail.example.org",
        "fingerprint": "ab" * 32,
    }
    assert line == (
        "12:00:00.000 #1 * tls upstream TLSv1.3 TLS_AES_256_GCM_SHA384 "
        "sni=mail.example.org alpn=smtp CN=mail.example.org"
    )


def test_of_tls_nothing_empty_is_told() -> None:
    """A client that asked for no name and showed no certificate: no word says so."""
    facts = TlsFacts("TLSv1.2", "AES256-SHA", "", "", "", "")
    record, line = both_forms(Note("tls", "client", b"", NOON, facts))
    assert record["tls"] == {"version": "TLSv1.2", "cipher": "AES256-SHA"}
    assert line == "12:00:00.000 #1 * tls client TLSv1.2 AES256-SHA"


def test_mail_data_is_never_logged() -> None:
    """Neither form says a word of a message."""
    for log in (JsonLog, TextLog):
        lines: list[bytes] = []
        log(lines.append).mail_data(a_session(), MailData(b"Subject: private\r\n.\r\n", last=True))
        assert lines == []


def transcribed(script: str, *rules: str) -> list[dict[str, Any]]:
    """Play a script, and return the JSON log of it."""
    talk = Conversation(*rules)
    talk.play(script)
    lines: list[bytes] = []
    transcript = Transcript(a_session(), [JsonLog(lines.append)], lambda: NOON)
    for exchange in talk.witness.exchanges:
        transcript.exchanged(exchange)
    return [json.loads(line) for line in lines]


def test_rule_is_named_only_where_it_changed_a_reply() -> None:
    """A success that gave way to upstream's refusal changed nothing."""
    script = MAIL + "C: RCPT TO:<c@example.net>\n> RCPT TO:<c@example.net>\n"
    refused = script + "U: 550 5.1.1 No\nS: 550 5.1.1 No\n"
    changed = (
        script + "U: 250 2.1.5 Ok\nS: 251 2.1.5 User not local; will forward to <c@example.net>\n"
    )
    rule = "RCPT c@example.net: 251"
    assert transcribed(changed, rule)[-1]["rule"] == "RCPT c@example.net"
    assert "rule" not in transcribed(refused, rule)[-1]


def test_envelope_so_far_goes_with_each_reply() -> None:
    """Records of one message can be found by its sender and recipients."""
    session = a_session()
    for line in ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"):
        command = parse_command(line.encode() + b"\r\n")
        session.state.observe(command.verb, command, 250)
    lines: list[bytes] = []
    JsonLog(lines.append).exchanged(session, an_entry("DATA", "DATA", "354 Go"))
    record = json.loads(lines[0])
    assert (record["sender"], record["recipients"]) == ("a@example.org", ["b@example.net"])
