"""Every row of the table of reply codes is injected by its stage and its code alone, and heard."""

from __future__ import annotations

import re

import pytest

from smtpproxy.actions import Side
from tests.dialogue import GREETED, READY, Conversation
from tests.reply_code_table import TABLE, Row
from tests.test_rewriting import MAIL, RCPT

# By stage: what comes before, and what the client then sends.
APPROACH = {
    "CONNECT": ("", b""),
    "HELO": (GREETED, b"HELO app.example.org\r\n"),
    "EHLO": (GREETED, b"EHLO app.example.org\r\n"),
    **{v: (READY, f"{v} FROM:<a@example.org>\r\n".encode()) for v in ("MAIL", "SEND", "SOML")},
    "SAML": (READY, b"SAML FROM:<a@example.org>\r\n"),
    "RCPT": (MAIL, b"RCPT TO:<b@example.net>\r\n"),
    "DATA": (RCPT, b"DATA\r\n"),
    "END-OF-DATA": (RCPT, b"Subject: hello\r\n\r\nHi.\r\n.\r\n"),
    "VRFY": (READY, b"VRFY b@example.net\r\n"),
    "EXPN": (READY, b"EXPN list@example.net\r\n"),
    **{v: (READY, f"{v}\r\n".encode()) for v in ("RSET", "HELP", "NOOP", "QUIT", "TURN")},
}
# What upstream says where the rule's success is forwarded; elsewhere 250.
SUCCESS = {"CONNECT": b"220 mail.example.org ESMTP", "DATA": b"354 Go", "QUIT": b"221 2.0.0 Bye"}

CLOSING = (221, 421)  # RFC 5321 §4.2.3: the channel is closed after these
every_row = pytest.mark.parametrize("row", TABLE.rows, ids=str)


def test_every_stage_is_approached() -> None:
    """The table holds 111 rows, and this test knows the way to each of their stages."""
    assert len(TABLE.rows) == 111
    assert {row.stage for row in TABLE.rows} == set(APPROACH)


def injected(row: Row) -> tuple[Conversation, str]:
    """Inject a row's code at its stage; return the conversation and the one line that is heard.

    A refusal never reaches upstream; a success does, and upstream succeeds with other words.
    """
    talk = Conversation(f"{row.stage if row.stage == 'END-OF-DATA' else row.command}: {row.code}")
    before, sent = APPROACH[row.stage]
    refusal = row.code >= 400
    assert ("upstream: connect" in talk.done) is not (row.stage == "CONNECT" and refusal)
    if row.stage != "CONNECT":
        talk.play(before)
    if row.stage == "END-OF-DATA":
        begin_mail_data(talk, ask_upstream=not refusal)
    talk.client(sent)
    taken_back = b"RSET\r\n" if row.stage == "END-OF-DATA" else b""
    assert talk.unread(Side.UPSTREAM) == (taken_back if refusal else sent)
    if not refusal:
        assert talk.unread(Side.CLIENT) == b""
        talk.upstream(SUCCESS.get(row.stage, b"250 2.0.0 Done") + b"\r\n")
    elif row.stage == "END-OF-DATA":
        talk.upstream(b"250 2.0.0 Reset\r\n")  # to the proxy's own command
    heard = talk.unread(Side.CLIENT).decode("ascii")
    assert re.fullmatch(r"[0-9]{3} [^\r\n]+\r\n", heard), heard
    return talk, heard[:-2]


def begin_mail_data(talk: Conversation, ask_upstream: bool) -> None:
    """Play DATA: what is going to be refused is taken by the proxy, which says 354 itself."""
    talk.client(b"DATA\r\n")
    assert talk.unread(Side.UPSTREAM) == (b"DATA\r\n" if ask_upstream else b"")
    if ask_upstream:
        talk.upstream(b"354 Go\r\n")
    assert talk.unread(Side.CLIENT).startswith(b"354 ")


@every_row
def test_code_is_heard_at_its_stage(row: Row) -> None:
    """The client hears exactly that code, in one line, as the answer to that command."""
    talk, heard = injected(row)
    assert heard.startswith(f"{row.code} ")
    assert talk.witness.codes()[-1] == (row.stage, row.code)
    assert talk.witness.exchanges[-1].by == "rule"


@every_row
def test_enhanced_code_goes_with_it(row: Row) -> None:
    """RFC 2034 §4: an enhanced code of the same class, except where there must be none."""
    _, heard = injected(row)
    enhanced = re.match(r"[0-9]{3} ([0-9])\.[0-9]{1,3}\.[0-9]{1,3} [^0-9]", heard)
    if row.stage in ("CONNECT", "HELO", "EHLO") or row.code // 100 == 3:
        assert not re.match(r"[0-9]{3} [0-9]+\.", heard)
    else:
        assert enhanced is not None, heard
        assert int(enhanced[1]) == row.code // 100


@every_row
def test_placeholders_are_filled_in(row: Row) -> None:
    """<domain> is the server's name, or the proxy's before it spoke; <forward-path> an address."""
    _, heard = injected(row)
    assert not any(hole in heard for hole in ("<>", "<domain>", "<forward-path>"))
    if "<domain>" in row.words:
        unheard = (row.stage, row.code) == ("CONNECT", 421)
        assert f" {'proxy' if unheard else 'mail'}.example.org " in heard
    if "<forward-path>" in row.words:
        assert heard.endswith(" <b@example.net>")


@pytest.mark.parametrize("row", [r for r in TABLE.rows if r.code in CLOSING], ids=str)
def test_connection_is_closed_after_a_goodbye(row: Row) -> None:
    """RFC 5321 §3.8 and §4.2.3: after 221 and 421 nothing more is read, and both legs close."""
    talk, _ = injected(row)
    assert list(talk.done)[-3:] == ["client: send", "client: close", "upstream: close"]
    talk.client(b"NOOP\r\n")
    assert talk.unread(Side.UPSTREAM) == b""


@pytest.mark.parametrize("row", [r for r in TABLE.rows if r.code not in CLOSING], ids=str)
def test_dialogue_goes_on(row: Row) -> None:
    """After every other reply both sides still understand one another."""
    talk, _ = injected(row)
    assert "client: close" not in talk.done
    if (row.stage, row.code) == ("TURN", 250):
        # RFC 821 §3.8: the roles are swapped, and nothing is read any more.
        talk.upstream(b"HELO mail.example.org\r\n")
        assert talk.unread(Side.CLIENT) == b"HELO mail.example.org\r\n"
        return
    stage, octets = ("END-OF-DATA", b".\r\n") if row.code == 354 else ("ETRN", b"ETRN x\r\n")
    talk.client(octets)
    assert talk.unread(Side.UPSTREAM) == octets
    talk.upstream(b"250 2.0.0 Fine\r\n")
    assert talk.unread(Side.CLIENT) == b"250 2.0.0 Fine\r\n"
    assert talk.witness.codes()[-1] == (stage, 250)


@pytest.mark.parametrize(
    ("greeting", "name"),
    [
        (b"220 mail.example.org ESMTP", b"mail.example.org"),
        (b"220 mail.example.org", b"mail.example.org"),
        (b"220-mail.example.org ESMTP\r\n220 Welcome", b"mail.example.org"),
        (b"220-mail.example.org\r\n220-No spam, please\r\n220", b"mail.example.org"),
        (b"220 ", b"proxy.example.org"),
    ],
)
def test_server_is_named_as_it_greeted(greeting: bytes, name: bytes) -> None:
    """RFC 5321 §4.2: the domain stands in the first line of a greeting, however many follow."""
    talk = Conversation("NOOP: 421")
    talk.upstream(greeting + b"\r\n")
    talk.unread(Side.CLIENT)
    talk.client(b"NOOP\r\n")
    assert talk.unread(Side.CLIENT).startswith(b"421 4.3.2 " + name + b" Service not available")


@pytest.mark.parametrize("argument", ["b@example.net", "<b@example.net>"])
def test_vrfy_names_whom_it_was_asked_about(argument: str) -> None:
    """RFC 5321 §3.5.1: 551 to VRFY names a mailbox, as it does to RCPT."""
    talk = Conversation("VRFY: 551")
    talk.play(
        f"""
        {READY}
        C: VRFY {argument}
        S: 551 5.1.6 User not local; please try <b@example.net>
        """
    )
