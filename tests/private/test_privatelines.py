"""Lines are hidden as the documentation shows it."""

from pathlib import Path

from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatelines import PrivateLines
from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.smtp.client import parse_command

PAGE = Path(__file__).parents[2] / "docs" / "redaction.md"


def _dialogue(number: int) -> list[str]:
    """Return the lines of one of the page's dialogues."""
    blocks = [block.strip("\n") for block in PAGE.read_text().split("```\n")]
    return [block for block in blocks if block.startswith("C: ")][number].splitlines()


def test_the_example_of_the_documentation() -> None:
    """What it says becomes what it shows."""
    lines = PrivateLines(Privacy(Pseudonyms()))
    verb, shown = "", []
    for line in _dialogue(0):
        octets = f"{line[3:]}\r\n".encode()
        if line.startswith("C: "):
            verb = parse_command(octets).verb
            octets = lines.command(verb, octets)
        else:
            octets = lines.reply(verb, octets)
        shown.append(line[:3] + octets.decode().removesuffix("\r\n"))
    assert shown == _dialogue(1)


def test_a_name_has_one_pseudonym_in_a_session() -> None:
    """A server that repeats it in capitals, or without its domain, repeats the same name."""
    lines = PrivateLines(Privacy(Pseudonyms()))
    path = lines.command("RCPT", b"RCPT TO:<wren@nest.corp>\r\n")[9:-3]
    local = path.partition(b"@")[0]
    assert lines.reply("RCPT", b"550 5.1.1 'WREN' unknown\r\n") == b"550 5.1.1 '%s' unknown\r\n" % (
        local
    )
    assert lines.reply("RCPT", b"550 wren...\r\n") == b"550 %s...\r\n" % local


def test_keywords_and_codes_stay() -> None:
    """A client that is called as a keyword does not change what EHLO offers."""
    lines = PrivateLines(Privacy(Pseudonyms()))
    lines.command("RCPT", b"RCPT TO:<size@nest.corp>\r\n")
    lines.command("RCPT", b"RCPT TO:<250@nest.corp>\r\n")
    offer = b"250-mail.example.org\r\n250-SIZE 100\r\n250 8BITMIME\r\n"
    assert lines.reply("EHLO", offer) == offer


def test_replies_that_are_left_alone() -> None:
    """With `replies: false` they stay, octet by octet."""
    lines = PrivateLines(Privacy(Pseudonyms(), replies=False))
    assert lines.reply("VRFY", b"250 Wren <wren@nest.corp>\r\n") == b"250 Wren <wren@nest.corp>\r\n"


def test_what_is_remembered_has_a_bound() -> None:
    """A client may name any number of recipients; the newest are known."""
    lines = PrivateLines(Privacy(Pseudonyms()))
    for number in range(10_000):
        lines.command("RCPT", b"RCPT TO:<wren%d@nest.corp>\r\n" % number)
    assert len(lines.words) < 5_000
    assert b"wren9999" in lines.words
