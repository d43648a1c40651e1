"""An old cassette is cleaned as it would have been recorded, and nothing else in it changes."""

from collections.abc import Mapping

import pytest

from smtpproxy.cassette.cleaning import Cleaner
from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.read import read_cassette
from smtpproxy.documents import DocumentError
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatemail import PrivateMail
from smtpproxy.private.pseudonyms import Pseudonyms
from tests.cassette.canary import PASSWORD, PLAIN
from tests.hidden import ADDRESS, BODY, DOMAIN, HELLO, IP, LOCAL, SUBJECT, private, traces

NAMES = Pseudonyms()
HEAD = "smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n"

CASSETTE = f"""\
smtpproxy-cassette: 1
upstream: tcp:mail.{DOMAIN}:25   # {ADDRESS} knows
recorded: 2026-11-23T12:00:00Z
note: "ask {ADDRESS}"
---
session: of {ADDRESS}
dialogue:
- S: "220 mail.{DOMAIN} ESMTP ready"
# greeted by {LOCAL}@{DOMAIN}
- C: "EHLO {HELLO}"
  S: |
    250-mail.{DOMAIN} hello {HELLO} [{IP}]
    250-PIPELINING
    250 8BITMIME

  # an empty line before it
- C: ["MAIL FROM:<{ADDRESS}>", "RCPT TO:<{ADDRESS}>", "DATA"]      # in one go
  S: ["250 2.1.0 Ok", "550-5.1.1 No {LOCAL}\\n550 5.1.1 here", ~]
  rule: [~, "RCPT {ADDRESS}", ~]
- C: RCPT TO:<{ADDRESS}>
  client-saw: 450 4.7.1 <{ADDRESS}> later
- C: "DATA"
  S: "354 End data with <CRLF>.<CRLF>"
- message: |
    From: "Wren Canary" <{ADDRESS}>
    Subject: {SUBJECT}

    {BODY}

    .dots
  S:
  - "250 2.0.0 <{ADDRESS}> Ok"
  - |
    250-2.0.0 {DOMAIN}
    250 2.0.0 x
  x-mine: {{a: [b, "{ADDRESS}"]}}
- message: "Subject: {SUBJECT}\\n\\n{BODY}"
  note: |
    {ADDRESS} said so
- message: {{base64: "U3ViamVjdDogZmVhdGhlcmVkIHN1YmplY3QKCmZlYXRoZXJlZCBib2R5"}}
- stray: "debug {ADDRESS}"
- S: "421 4.4.2 {LOCAL}"
ended: quit
client: {IP}
tls:
  client: {{version: TLSv1.3, sni: mail.{DOMAIN}}}
  upstream: {{version: TLSv1.3, subject: "CN=mail.{DOMAIN},O=Aviary", sha256: "ab"}}
timing-ms: [12, 3, 41, 41, 41, 1, 0, 1, 9, 0]
"""


def no_files(kept: Kept, mail: PrivateMail) -> Kept:
    """There are no message files."""
    raise AssertionError(kept)


def clean(text: str, privacy: Privacy) -> tuple[str, Mapping[str, int]]:
    """Return the new text, and what was changed."""
    cleaner = Cleaner(text, "signup.yaml", privacy, no_files)
    return cleaner.cleaned(), cleaner.changes


def test_nothing_is_left_of_whose_it_was() -> None:
    """Commands, replies, messages, notes, comments, and what stands beside the dialogue."""
    text, changes = clean(CASSETTE, private())
    assert traces(text) == []
    assert changes == {
        "commands": 4,
        "replies": 8,
        "messages": 3,
        "notes and comments": 5,
        "other texts": 7,
    }


def test_cleaning_twice_is_cleaning_once() -> None:
    """What is clean stays as it is, octet by octet."""
    text, _ = clean(CASSETTE, private())
    assert clean(text, private()) == (text, {})


def test_what_is_clean_is_not_touched() -> None:
    """Without rules nothing changes, and of a line in which nothing is hidden, nothing."""
    assert clean(CASSETTE, Privacy()) == (CASSETTE, {})
    text, _ = clean(CASSETTE, Privacy(NAMES))
    old, new = CASSETTE.splitlines(), text.splitlines()
    # The note that is written anew is a line where it was a block.
    clean_lines = [one for one in old if one.strip() and not traces(one) and one != "  note: |"]
    assert [one for one in new if one in clean_lines] == clean_lines


def test_credentials_are_hidden_without_a_rule() -> None:
    """An old cassette, or one by hand, may hold them; a server may repeat them."""
    text, changes = clean(
        f"{HEAD}"
        f'- C: "AUTH PLAIN {PLAIN}"\n  S: "535 no {PASSWORD}"\n'
        f'- C: "AUTH PLAIN"\n  S: "334 "\n'
        f'- C: "{PLAIN}"\n  S: "235 welcome {PASSWORD}"\n',
        Privacy(),
    )
    assert PLAIN not in text
    assert PASSWORD not in text
    assert changes == {"commands": 2, "replies": 2}
    assert '- C: "AUTH PLAIN [redacted]"\n' in text


def test_chunks_are_one_message() -> None:
    """A header that ends in another chunk than it began in is hidden; the next one begins anew."""
    text, _ = clean(
        f"{HEAD}"
        '- C: "BDAT 14"\n  chunk: {base64: "U3ViamVjdDogZmVhdGg="}\n  S: "250 Ok"\n'
        '- C: "BDAT 20 LAST"\n  chunk: "ered subject\\n\\nfeathered"\n  S: "250 Ok"\n'
        '- C: "BDAT 20 LAST"\n  chunk: "Subject: feathered\\n"\n  S: "250 Ok"\n',
        private(),
    )
    assert traces(text) == []
    assert text.count("Subject: hidden") == 2


@pytest.mark.parametrize(
    "item",
    [
        f'- C: ["RCPT TO:<{ADDRESS}>", "NOOP"]\n'
        f"  S:\n      - |\n        550-{ADDRESS}\n        550 x\n      - ~\n",
        f"- C:\n   - 'RCPT TO:<{ADDRESS}>'\n   -\n     NOOP\n  S: ['550 a', '250 b']\n",
        f'- {{C: "RCPT TO:<{ADDRESS}>", S: "550-a\\n550 {ADDRESS}"}}\n',
        f'-   C: "RCPT TO:<{ADDRESS}>"\n    S: >\n      550\n      {ADDRESS}\n    note: a\n',
        f'- "C": "RCPT TO:<{ADDRESS}>"\n  "S": |+\n    550 {ADDRESS}\n\n  note: b # {ADDRESS}\n',
        f'- C: "RCPT TO:<{ADDRESS}>"\n',
        f'- C: "RCPT TO:\\\n      <{ADDRESS}>"\n  S: "550 \\u00e9 {ADDRESS}" # é {ADDRESS}\n',
    ],
)
def test_however_it_was_written(item: str) -> None:
    """Each form of YAML that a person may use is kept up, or written as it can be."""
    text, _ = clean(HEAD + item + "ended: quit\n", private())
    assert traces(text) == []
    old, new = (read_cassette(octets.encode(), "a").sessions[0] for octets in (HEAD + item, text))
    assert len(old.dialogue) == len(new.dialogue)
    assert [one.stage for one in old.dialogue] == [one.stage for one in new.dialogue]
    assert ("note: " in item) == ("note: " in text)


def test_what_is_no_cassette() -> None:
    """The error is that of reading it."""
    with pytest.raises(DocumentError, match=r"^signup.yaml:1: is not a cassette"):
        clean("a: b\n", private())
