"""`smtpproxy show`: a cassette as the RFCs print dialogues."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.tools.show import show
from tests.recording import CASSETTE, RECORDED

CHANGED = """\
smtpproxy-cassette: 1
upstream: tcp:mail.example.org:25
recorded: 2026-11-23T12:00:00Z
---
session: 1
dialogue:
- S: "220 mail.example.org ESMTP"
- C: ["MAIL FROM:<a@example.org>", "RCPT TO:<c@example.net>"]
  S: ["250 2.1.0 Ok", "250 2.1.5 Ok"]
- C: "RCPT TO:<d@example.net>"
  client-saw: "450 4.7.1 Greylisted, try again later"
  rule: greylist
- C: "DATA"
  S: "354 Go on"
- message: |
    Subject: hello

    Hi.
  S: "250 2.0.0 Ok"
  client-saw: "550 5.7.1 No"
  rule: lost acknowledgement
ended: client-drop
"""


def _shown(tmp_path: Path, cassette: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    path = tmp_path / "kept.yaml"
    path.write_text(cassette)
    assert show(["--plain", str(path)]) == 0
    return capsys.readouterr().out.splitlines()


def test_a_dialogue_is_shown_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of the dialogue is there, in order, and nothing else that looks like one."""
    shown = _shown(tmp_path, CASSETTE, capsys)
    assert [line for line in shown if line[:2] in ("C:", "S:")] == RECORDED.strip().splitlines()


def test_what_concerns_the_whole_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The header, the session's label and its end are there."""
    shown = "\n".join(_shown(tmp_path, CASSETTE, capsys))
    for words in ("tcp:mail.example.org:25", "2026-11-23T12:00:00Z", "session 1", "(quit)"):
        assert words in shown


def test_what_a_rule_changed_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What upstream said, what the client heard instead, and by which rule, are all there."""
    shown = _shown(tmp_path, CHANGED, capsys)
    greylisted = next(line for line in shown if "450 4.7.1" in line)
    assert not greylisted.startswith("S:")
    assert "greylist" in greylisted
    said = next(line for line in shown if "250 2.0.0 Ok" in line)
    assert said.startswith("S: 250 2.0.0 Ok ")  # with a remark that the client did not hear it
    heard = next(line for line in shown if "550 5.7.1 No" in line)
    assert not heard.startswith("S:")
    assert "lost acknowledgement" in heard


def test_mail_data_is_shown_with_its_final_dot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A message's lines, the empty one too, stand between DATA's reply and the next."""
    shown = _shown(tmp_path, CHANGED, capsys)
    first = shown.index("S: 354 Go on")
    message = [line.rstrip() for line in shown[first + 1 : first + 6]]
    assert message == ["C: Subject: hello", "C:", "C: Hi.", "C: .", shown[first + 5].rstrip()]


def test_controls_can_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger's cassette can't send escape sequences to whoever looks at it."""
    bad = CASSETTE.replace('"250 2.1.0 Ok"', '"250 2.1.0 \\e[2J\\a\\x7f"')
    shown = "\n".join(_shown(tmp_path, bad, capsys))
    assert "250 2.1.0 " in shown
    assert not any(control in shown for control in "\x1b\a\x7f")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("session: 1", 'session: "\\e[2J"'),
        ("ended: quit", 'ended: "\\e[2J"'),
        ("ended: quit", 'ended: quit\nopaque: "\\e[2J"'),
        ("ended: quit", 'ended: quit\nclient: "\\e[2J"'),
        ("upstream: tcp:mail.example.org:25", 'upstream: "\\e[2J"'),
        ("recorded: 2026-11-23T12:00:00Z", 'recorded: "\\e[2J"'),
        ('S: "250 2.0.0 Ok"', 'client-saw: "250 Ok"\n  rule: "\\e[2J"'),
    ],
)
def test_no_key_can_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str, wanted: str
) -> None:
    """Escape sequences in labels, endings and names of rules are shown, not obeyed."""
    assert written in CASSETTE
    shown = "\n".join(_shown(tmp_path, CASSETTE.replace(written, wanted), capsys))
    assert r"\x1b[2J" in shown
    assert "\x1b" not in shown


def test_tls_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How each leg was encrypted, or why not, stands with the session, and obeys nobody."""
    tls = (
        'tls:\n  client: {version: TLSv1.3, cipher: TLS_AES_128_GCM_SHA256, sni: "a\\eb"}\n'
        '  upstream: {failed: "certificate verify failed: \\e[2J"}\n'
    )
    shown = _shown(tmp_path, CASSETTE + tls, capsys)
    assert r"   (TLS with client: TLSv1.3 TLS_AES_128_GCM_SHA256 sni=a\x1bb)" in shown
    assert r"   (no TLS with upstream: certificate verify failed: \x1b[2J)" in shown


def test_options_may_follow_the_cassette(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage says `show CASSETTE [options]`, and so it may be called."""
    path = tmp_path / "kept.yaml"
    path.write_text(CASSETTE)
    assert show([str(path), "--plain"]) == 0
    assert "S: 220 mail.example.org ESMTP" in capsys.readouterr().out
