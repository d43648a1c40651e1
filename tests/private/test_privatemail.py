"""Messages are hidden as they stream, and stay messages."""

import email
import email.policy
import time

from hypothesis import given, settings
from hypothesis import strategies as some

from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatemail import LONGEST_FIELD, PrivateMail
from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.private.redactionrules import octet_pattern
from tests.hidden import private

NAMES = Pseudonyms()
BODIES = Privacy(bodies=True)
ALL = private()
PATTERNS = Privacy(patterns=(octet_pattern("secret[0-9]*"),))
RULES = [Privacy(NAMES), BODIES, ALL, PATTERNS]
PIECES = some.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b".", b"..", b"--b", b"--", b" ", b"\t", b"\0", b"x", b"a@b.corp"),
        *(b"Subject: s", b"From: a@b.corp", b":", b"\xff", b"secret1", b"\r\n\r\n", b"\r\n.\r\n"),
        *(b"Content-Type: multipart/mixed; boundary=b\r\n", b"To:", b"<", b'"', b"X: =?q?"),
    ]
)


def hidden(privacy: Privacy, *segments: bytes) -> bytes:
    """Return what is shown of a message that came in these segments."""
    mail = PrivateMail(privacy)
    return b"".join([*map(mail.feed, segments), mail.feed(b"", last=True)])


@settings(max_examples=400, deadline=None)
@given(some.sampled_from(RULES), some.lists(PIECES, max_size=30).map(b"".join), some.integers(0))
def test_wherever_it_is_cut(privacy: Privacy, octets: bytes, where: int) -> None:
    """What is shown does not depend on the segments, and stays when it is hidden again."""
    whole = hidden(privacy, octets)
    cut = where % (len(octets) + 1)
    assert hidden(privacy, octets[:cut], octets[cut:]) == whole
    assert hidden(privacy, *(bytes([octet]) for octet in octets)) == whole
    assert hidden(privacy, whole) == whole


@settings(max_examples=150, deadline=None)
@given(some.lists(PIECES, max_size=30).map(b"".join))
def test_a_body_keeps_its_form(body: bytes) -> None:
    """Number of octets, line endings, dots at the beginning of lines: all as it was."""
    shown = hidden(BODIES, b"\r\n" + body)[2:]
    assert len(shown) == len(body)
    for octet in b"\r\n":
        places = [at for at, found in enumerate(body) if found == octet]
        assert [at for at, found in enumerate(shown) if found == octet] == places
    assert shown.count(b"\r\n.") == body.count(b"\r\n.")
    assert shown.count(b"\r\n..") == body.count(b"\r\n..")
    assert set(shown) <= set(b"x.\r\n")


def test_the_end_stays_the_end() -> None:
    """The final dot is kept, and no other is made of a NUL."""
    shown = hidden(BODIES, b"A: b\r\n\r\nx\r\n\0\r\n.\r\n")
    assert shown == b"A: b\r\n\r\nx\r\nx\r\n.\r\n"
    for octets in (b".\r\n", b"\r\n.\r\n", b"A: b\r\n.\r\n", b"no header\r\n.\r\n"):
        for privacy in RULES:
            assert hidden(privacy, octets).endswith(b".\r\n")


def test_a_message_of_parts_can_be_read() -> None:
    """Parts stay parts: their number, types, encodings and order."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"] = '"Alice" <alice@nest.corp>'
    message["Subject"] = "hello"
    message.set_content("Dear Alice\n")
    message.add_alternative("<p>Dear Alice", subtype="html")
    message.add_attachment(b"salary" * 99, "application", "pdf", filename="salary.pdf")
    shown = email.message_from_bytes(hidden(ALL, bytes(message)), policy=email.policy.default)
    types = [part.get_content_type() for part in message.walk()]
    assert [part.get_content_type() for part in shown.walk()] == types
    assert b"lice" not in bytes(shown)
    assert b"salary" not in bytes(shown)
    assert all(not part.defects for part in shown.walk())


def test_boundaries_that_tell_a_host() -> None:
    """A server makes boundaries of its name: they are renamed in header and body alike."""
    octets = (
        b'Content-Type: multipart/report; boundary="1/mail.nest.corp"\r\n\r\n'
        b"--1/mail.nest.corp\r\n\r\nx\r\n--1/mail.nest.corp--\r\n"
    )
    shown = hidden(ALL, octets)
    assert b"corp" not in shown
    assert shown.count(b"1/" + NAMES.domain(b"mail.nest.corp")) == 3


def test_a_body_that_is_kept_is_kept() -> None:
    """Without a rule for bodies, each octet of them stays."""
    body = b"Dear alice@nest.corp\r\n.\0\xff\n\r\n"
    assert hidden(Privacy(NAMES), b"From: a@b.corp\r\n\r\n" + body).endswith(b"\r\n\r\n" + body)


def test_a_body_without_an_empty_line_before_it() -> None:
    """What is no field begins the body."""
    assert hidden(BODIES, b"A: b\r\nsecret text\r\nC: d\r\n") == b"A: b\r\nxxxxxxxxxxx\r\nxxxx\r\n"


def test_a_field_that_is_too_long() -> None:
    """It is held up to a bound; then its name is all that is kept of it."""
    for size in (1, LONGEST_FIELD):
        octets = b"To: " + b"a@b.corp,\r\n " * LONGEST_FIELD + b"\r\nC: d\r\n\r\nx\r\n"
        segments = [octets[at : at + size] for at in range(0, 3 * LONGEST_FIELD, size)]
        rest = octets[3 * LONGEST_FIELD :] if size == 1 else octets[len(b"".join(segments)) :]
        shown = hidden(BODIES, *segments, rest)
        assert shown == b"To: [redacted]\r\nC: d\r\n\r\nx\r\n"


def test_patterns_in_a_body() -> None:
    """A pattern is looked for in each line; of a line that is too long, nothing is kept."""
    assert hidden(PATTERNS, b"\r\nmy secret1, secret2\r\n") == b"\r\nmy [redacted], [redacted]\r\n"
    shown = hidden(PATTERNS, b"\r\n", *[b"secret1 " * 1000] * 20, b"\r\nsecret\r\n")
    assert b"secret" not in shown
    assert shown.endswith(b"\r\n[redacted]\r\n")


def test_hostile_headers_take_no_time() -> None:
    """The time grows with the length of a field, not with its square."""
    began = time.process_time()
    for part in (b'"a@b\\', b'"\\', b"a@[a", b"@ ", b" ", b"(", b"from ", b"=?u?q?", b"boundary="):
        for name in (b"To: ", b"Received: ", b"Content-Type: ", b"X: "):
            hidden(ALL, name + part * (60_000 // len(part)) + b"\r\n\r\n")
    assert time.process_time() - began < 20
