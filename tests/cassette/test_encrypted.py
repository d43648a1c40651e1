"""What a cassette says of TLS: kept from what observers hear, written, read, and never obeyed."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.encrypted import tls_of, write_tls
from smtpproxy.cassette.model import RecordedTls
from smtpproxy.cassette.read import read_cassette
from smtpproxy.documents import DocumentError
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Note
from tests.cassette.recording import Recording, yaml

FACTS = TlsFacts(
    "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mail.example.org", "", "CN=mail.example.org", "0a" * 32
)
CLIENT = FACTS._replace(subject="", fingerprint="")
OPENING = "S: 220 ready\nC: EHLO x\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 2.0.0 Go ahead"


def read(tls: str) -> dict[str, RecordedTls]:
    """Return what is read of a session with this key."""
    text = f"smtpproxy-cassette: 1\n---\nsession: 1\ndialogue: []\n{tls}"
    return read_cassette(text.encode(), "signup.yaml").sessions[0].tls


def test_facts_of_both_legs_are_kept(recording: Recording) -> None:
    """What is known of each leg stands at the session, the client's first."""
    conversation = recording.begin()
    conversation.play(OPENING)
    conversation.encrypted("upstream", FACTS)
    conversation.encrypted("client", CLIENT)
    conversation.client_leaves()
    assert "tls:" + recording.sessions().partition("tls:")[2].partition("timing")[0] == yaml(
        f"""
        tls:
          client: {{version: TLSv1.3, cipher: TLS_AES_256_GCM_SHA384, sni: mail.example.org}}
          upstream: {{version: TLSv1.3, cipher: TLS_AES_256_GCM_SHA384, sni: mail.example.org, \
subject: "CN=mail.example.org", sha256: "{"0a" * 32}"}}
        """
    )


def test_what_is_kept_can_be_read(recording: Recording) -> None:
    """The cassette gives back what was told."""
    conversation = recording.begin()
    conversation.play(OPENING)
    conversation.encrypted("upstream", FACTS)
    conversation.client_leaves()
    assert recording.cassette().sessions[0].tls == {"upstream": RecordedTls(*FACTS)}


def test_a_second_handshake_of_a_leg_replaces_the_first(recording: Recording) -> None:
    """An upstream that was connected to anew: the last that is known of it is kept."""
    conversation = recording.begin()
    conversation.play(OPENING)
    conversation.failed("upstream: certificate verify failed: self-signed certificate")
    conversation.encrypted("upstream", FACTS)
    conversation.encrypted("upstream", FACTS._replace(version="TLSv1.2"))
    conversation.client_leaves()
    assert recording.cassette().sessions[0].tls["upstream"].version == "TLSv1.2"


def test_why_there_was_no_tls_is_kept(recording: Recording) -> None:
    """A failure stands where the facts would, in the words that it was told in."""
    conversation = recording.begin()
    conversation.play(OPENING)
    conversation.failed("upstream: certificate verify failed: self-signed certificate")
    conversation.client_leaves()
    assert (
        'tls:\n  upstream: {failed: "certificate verify failed: self-signed certificate"}\n'
        in recording.sessions()
    )


@pytest.mark.parametrize(
    "note",
    [
        Note("stray-line", "upstream", b"x\r\n", 0.0),
        Note("tls", "client", b"", 0.0),
        Note("tls-failed", "", b"", 0.0),
        Note("tls-failed", "nobody: x", b"", 0.0),
        Note("tls", "nobody", b"", 0.0, FACTS),
    ],
)
def test_what_tells_of_no_leg_is_not_kept(note: Note) -> None:
    """A cassette knows two legs, and TLS only where something is known of it."""
    assert tls_of(note) is None


def test_texts_are_cut() -> None:
    """A peer can't make a cassette longer than it is: so much of each text is kept."""
    long = TlsFacts(*("x" * 100_000 for _ in FACTS))
    kept = tls_of(Note("tls", "client", b"", 0.0, long))
    failed = tls_of(Note("tls-failed", "client: " + "x" * 100_000, b"", 0.0))
    assert kept is not None
    assert failed is not None
    assert {len(text) for text in kept[1] if text} == {256}
    assert len(failed[1].failed) == 256


def test_half_of_a_surrogate_pair_does_not_spoil_a_cassette() -> None:
    """It is no character, and so can stand in no file: it is shown."""
    kept = tls_of(Note("tls", "client", b"", 0.0, FACTS._replace(subject="CN=\ud800")))
    assert kept is not None
    assert read(write_tls(dict([kept]))) == {
        "client": RecordedTls(*FACTS)._replace(subject="CN=\\ud800")
    }


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("", {}),
        ("tls: {client: TLSv1.3}", {"client": RecordedTls("TLSv1.3")}),
        ("tls: {client: {}}", {"client": RecordedTls()}),
        (
            "tls: {client: TLSv1.3, upstream: TLSv1.2}",
            {"client": RecordedTls("TLSv1.3"), "upstream": RecordedTls("TLSv1.2")},
        ),
        ("tls:\n  upstream: {failed: no}", {"upstream": RecordedTls(failed="no")}),
        (
            "tls: {upstream: {version: TLSv1.3, x-why: it was so}}",
            {"upstream": RecordedTls("TLSv1.3")},
        ),
    ],
)
def test_what_a_person_may_write(tls: str, expected: dict[str, RecordedTls]) -> None:
    """The version may stand alone, and a leg may be left out."""
    assert read(tls) == expected


@pytest.mark.parametrize(
    ("tls", "problem"),
    [
        ("tls: TLSv1.3", "tls: expected client: or upstream: beneath it"),
        ("tls: [client]", "tls: expected client: or upstream: beneath it"),
        ("tls: {cleint: TLSv1.3}", "unknown key 'cleint'; did you mean 'client'?"),
        ("tls: {client: {versoin: TLSv1.3}}", "unknown key 'versoin'; did you mean 'version'?"),
        ("tls: {client: [TLSv1.3]}", "expected a text"),
        ("tls: {client: {sni: [a]}}", "expected a text"),
        ("tls: {client: ~}", "expected a version, such as TLSv1.3, or {version: …}"),
        (
            "tls: {client: {failed: x, version: TLSv1.3}}",
            "version: can't stand beside failed:",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tls: str, problem: str) -> None:
    """Each mistake is named, with its place and the nearest right word."""
    with pytest.raises(DocumentError) as raised:
        read(tls)
    assert str(raised.value) == f"signup.yaml:5: {problem}"
