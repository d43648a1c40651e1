"""`smtpproxy run --protocol lmtp` around Python's own LMTP client."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.programs import RUN, Outcome, call

# smtplib reads the first of the replies to a message: the others wait for who asks for them.
SEND = """\
import os, smtplib, sys
client = smtplib.LMTP(os.environ["SMTPPROXY_HOST"], int(os.environ["SMTPPROXY_PORT"]))
try:
    refused = client.sendmail("a@example.org", sys.argv[1:], "Subject: hello\\r\\n\\r\\nHi.\\r\\n")
    print("refused", sorted(refused))
    print("also", *(client.getreply()[0] for _ in range(len(sys.argv) - len(refused) - 2)))
except smtplib.SMTPDataError as error:
    print(error.smtp_code, error.smtp_error.decode())
print("quit", client.quit()[0])
"""
TO = ("b@example.net", "c@example.net")
SINK = ("--upstream", "sink:", "--protocol", "lmtp")
RECORD = (*SINK, "--mode", "record", "--cassette", "new.yaml")
REPLAY = ("--mode", "replay", "--cassette", "new.yaml")
DELIVERED = "refused []\nalso 250\nquit 221\n"


def send(folder: Path, options: tuple[str, ...], recipients: tuple[str, ...] = TO) -> Outcome:
    """Send a message through a proxy with these options."""
    return call(folder, (*RUN, *options, "--", sys.executable, "-c", SEND, *recipients))


def test_lmtp_is_recorded_and_replayed(tmp_path: Path) -> None:
    """The client hears of each recipient; what it heard is in the cassette, and is heard again."""
    recorded = send(tmp_path, RECORD)
    assert (recorded.status, recorded.out) == (0, DELIVERED), recorded.err
    text = (tmp_path / "new.yaml").read_text()
    assert 'C: "lhlo ' in text
    assert 'S: ["250 2.0.0 Ok: message 1 taken", "250 2.0.0 Ok: message 1 taken"]' in text
    replayed = send(tmp_path, (*REPLAY, "--protocol", "lmtp"))
    assert (replayed.status, replayed.out) == (0, DELIVERED), replayed.err


def test_a_recipient_that_was_not_recorded_is_a_miss(tmp_path: Path) -> None:
    """The client can't deliver to a part of them by mistake, and the status tells of it."""
    assert send(tmp_path, RECORD).status == 0
    missed = send(tmp_path, REPLAY, (*TO, "d@example.net"))
    begins = "554 5.3.0 smtpproxy: replay miss 1 at RCPT, missing: rcpt TO:<d@example.net>\n"
    assert missed.out.startswith(begins)
    assert missed.out.endswith("\nquit 221\n")
    assert missed.status == 1
    assert "smtpproxy: replay miss 1 at RCPT" in missed.err


def test_a_message_that_was_not_recorded_is_a_miss_for_each(tmp_path: Path) -> None:
    """Where the recorded client left in the midst of mail data, each recipient is told of it."""
    assert send(tmp_path, RECORD).status == 0
    path = tmp_path / "new.yaml"
    before, _, after = path.read_text().partition("- message: |\n")
    path.write_text(before + "ended: client-drop\n" + after[after.index("timing-ms") :])
    missed = send(tmp_path, REPLAY)
    assert missed.out.startswith("554 5.3.0 smtpproxy: replay miss 1 at END-OF-DATA")
    # smtplib takes the second reply for that to RSET, and that for the one to QUIT.
    assert missed.out.endswith("\nquit 250\n")
    assert missed.status == 1


def test_a_rule_refuses_one_recipient(tmp_path: Path) -> None:
    """The refused one has no reply after the message, as RFC 2033 §4.2 has it."""
    one = send(tmp_path, (*SINK, "--rule", "RCPT c@example.net: 550"))
    assert (one.status, one.out) == (0, "refused ['c@example.net']\nalso\nquit 221\n")


def test_a_client_of_smtp_learns_of_it(tmp_path: Path) -> None:
    """EHLO and HELO are refused: a wrong protocol can't pass unseen."""
    program = SEND.replace("smtplib.LMTP(", "smtplib.SMTP(")
    ended = call(tmp_path, (*RUN, *SINK, "--", sys.executable, "-c", program, *TO))
    assert ended.status == 1
    assert "SMTPHeloError: (500, b'This is LMTP: say LHLO')" in ended.err
