"""The log shows what hostile peers sent, and no terminal obeys it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.log import JsonLog, TextLog
from smtpproxy.smtp.client import parse_command
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Note
from tests.observed import NOON, a_session, an_entry

# Controls of C0 and C1, and every mark that hides or reorders text (UAX #9).
OBEYED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
NASTY = {
    "colour": b"\x1b[31mred\x1b[0m",
    "title": b"\x1b]0;owned\x07",
    "C1": "\u009b31mred".encode(),
    "delete": b"\x7f\x08\x08\x08",
    "bare CR": b"ok\rfake",
    "NUL": b"a\0b",
    "NEL": "a\u0085b".encode(),
    "separator": "a\u2028b".encode(),
    "override": "\u202egpj.exe".encode(),
    "isolate": "\u2066a\u2069".encode(),
    "zero width": "\u200ba\ufeff".encode(),
    "not UTF-8": b"\xff\xfe",
}
every_trick = pytest.mark.parametrize("octets", NASTY.values(), ids=NASTY.keys())


def written(sent: bytes, heard: bytes, rule: str = "") -> list[str]:
    """Return what both forms write of an exchange, after MAIL and RCPT that held `sent` as well."""
    lines: list[bytes] = []
    session = a_session()
    for argument in (b"MAIL FROM:<", b"RCPT TO:<"):
        command = parse_command(argument + sent + b"@example.org>\r\n")
        session.state.observe(command.verb, command, 250)
    for log in (JsonLog(lines.append), TextLog(lines.append)):
        log.exchanged(session, an_entry("NOOP", b"NOOP " + sent, b"250 " + heard, rule=rule))
        log.noted(session, Note("stray-line", "upstream", heard + b"\r\n", NOON))
    return [line.decode("utf-8") for line in lines]


@every_trick
def test_tricks_are_shown_and_not_obeyed(octets: bytes) -> None:
    """No control, escape or bidi mark reaches the log in any place where a peer can put one."""
    for line in written(octets, octets):
        assert line.endswith("\n")
        assert line.count("\n") == 1
        assert not OBEYED.search(line), ascii(line)


@every_trick
def test_tricks_can_be_seen(octets: bytes) -> None:
    """What was hidden is shown as an escape, in the command and in the reply."""
    reply, *_ = written(octets, octets)
    record = json.loads(reply)
    assert re.search(r"\\[xu][0-9a-f]{2,4}", record["command"])
    assert re.search(r"\\[xu][0-9a-f]{2,4}", record["text"])


def test_bare_cr_hides_nothing() -> None:
    """RFC 5321 §2.3.8: a CR alone ends no line, and what follows it is part of the text."""
    reply, *_ = written(b"", b"Ok\rfake")
    assert json.loads(reply)["text"] == r"Ok\x0dfake"


def test_plain_text_is_not_changed() -> None:
    """Letters of any script are shown as they are."""
    for line in written("grüße".encode(), "日本 ok".encode()):
        assert "日本 ok" in line


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_every_record_is_one_line(sent: bytes, heard: bytes) -> None:
    """Whatever octets came, a record is one line, and JSON can be read."""
    sent, heard = sent.replace(b"\n", b""), heard.replace(b"\n", b"")
    lines = written(sent, heard)
    assert [line.count("\n") for line in lines] == [1] * 4
    assert json.loads(lines[0])["code"] == 250
    assert json.loads(lines[1])["fact"] == "stray-line"
    assert not any("\x1b" in line for line in lines)


def encrypted(*texts: str) -> list[str]:
    """Return what both forms write of TLS whose name, protocol, subject and failure are these."""
    sni, alpn, subject, failure = texts
    facts = TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256", sni, alpn, subject, "ab" * 32)
    lines: list[bytes] = []
    for log in (JsonLog(lines.append), TextLog(lines.append)):
        log.noted(a_session(), Note("tls", "upstream", b"", NOON, facts))
        log.noted(a_session(), Note("tls-failed", f"upstream: {failure}", b"", NOON))
    return [line.decode("utf-8") for line in lines]


@every_trick
def test_names_in_tls_are_shown_and_not_obeyed(octets: bytes) -> None:
    """Who sends a server name or a certificate reaches the terminal no more than by octets."""
    text = octets.decode("utf-8", "surrogateescape")
    lines = encrypted(text, text, f"CN={text}", text)
    for line in lines:
        assert line.count("\n") == 1
        assert not OBEYED.search(line), ascii(line)
    record = json.loads(lines[0])
    for name in ("sni", "alpn", "subject"):
        assert re.search(r"\\[xu][0-9a-f]{2,4}", record["tls"][name])


def test_a_blank_in_a_name_makes_no_other_word() -> None:
    """A server name can't pretend to be the subject of a certificate, which is the last word."""
    *_, line, _ = encrypted("x CN=bank.example.org", "y z", "CN=mail.example.org,O=A B", "")
    assert line.split(" ", 3)[3] == (
        "tls upstream TLSv1.3 TLS_AES_128_GCM_SHA256 "
        "sni=x\\x20CN=bank.example.org alpn=y\\x20z CN=mail.example.org,O=A B\n"
    )


def test_long_names_in_tls_are_cut() -> None:
    """However long a name a peer can bring through a handshake, so much of it is in the log."""
    json_line, _, text_line, _ = encrypted("s" * 9999, "a" * 9999, "C" * 9999, "")
    tls = json.loads(json_line)["tls"]
    assert [len(tls[name]) for name in ("sni", "alpn", "subject")] == [256] * 3
    assert len(text_line) < 1000


def test_colour_is_the_only_escape() -> None:
    """With colours on, the proxy's own escapes are the only ones, and they are closed."""
    lines: list[bytes] = []
    log = TextLog(lines.append, colour=True)
    log.exchanged(a_session(), an_entry("NOOP", b"NOOP \x1b[5m", b"550 5.1.1 \x1b[7m"))
    assert re.findall(rb"\x1b[^m]*m", lines[0]) == [b"\x1b[31m", b"\x1b[0m"]


def test_long_octets_of_a_note_are_cut() -> None:
    """A megabyte of nonsense is not a megabyte of log."""
    lines: list[bytes] = []
    for log in (JsonLog(lines.append), TextLog(lines.append)):
        log.noted(a_session(), Note("line-too-long", "client", b"\xff" * 1_000_000, NOON))
    assert all(len(line) < 5_000 for line in lines)
