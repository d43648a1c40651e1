"""With rules for it, nothing that is kept or shown tells whose mail it was."""

from pathlib import Path

import pytest

from smtpproxy.cassette.misses import Miss
from smtpproxy.cassette.store import load_cassette
from smtpproxy.exchange import Exchange
from smtpproxy.private.privatesession import PrivateRedactor, PrivateState
from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.replay import Player
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.smtp.path import Path as Path_
from smtpproxy.smtp.state import State
from smtpproxy.tlsfacts import TlsFacts
from tests.cassette.dialogues import Client, cassette
from tests.hidden import ADDRESS, BODY, DOMAIN, HELLO, IP, LOCAL, SUBJECT, Watched, private, traces

NAMES = Pseudonyms()
HELLOS = f"S: 220 mail.{DOMAIN} ESMTP\nC: EHLO {HELLO}\nS: 250-mail.{DOMAIN} hello {HELLO} [{IP}]"
OPENING = f"{HELLOS}\nS: 250-PIPELINING\nS: 250 SMTPUTF8"
ENVELOPE = f"""
C: MAIL FROM:<{ADDRESS}> SIZE=100
S: 250 2.1.0 <{ADDRESS}> ok
C: RCPT TO:<{ADDRESS}>
S: 250 2.1.5 {LOCAL} ok
C: DATA
S: 354 Tell me, {LOCAL}
"""
MESSAGE = f"""
C: Received: from {HELLO} ([{IP}]) by mail.{DOMAIN}; for <{ADDRESS}>
C: From: "Wren Canary" <{ADDRESS}>
C: To: {ADDRESS} (Canary),
C:  Wren <{ADDRESS}>
C: Subject: {SUBJECT}
C: X-Feathered: {SUBJECT}
C: Message-ID: <1@mail.{DOMAIN}>
C: Content-Type: multipart/mixed; boundary="1/mail.{DOMAIN}"
C:
C: {BODY}
C: --1/mail.{DOMAIN}
C: Content-Type: text/plain; name="{BODY}"
C: X-Other: {SUBJECT}
C:
C: ..{BODY}
C: --1/mail.{DOMAIN}--
C: .
S: 250 2.0.0 {ADDRESS}: queued as 4F2A
"""
CLOSING = f"C: QUIT\nS: 221 2.0.0 mail.{DOMAIN} says bye to {HELLO}"

COMMANDS = {
    "plain": f"RCPT TO:<{ADDRESS}>",
    "capitals": f"rcpt to:<{ADDRESS.upper()}>",
    "blanks": f"RCPT TO: <{ADDRESS}> ",
    "no brackets": f"RCPT TO:{ADDRESS}",
    "half brackets": f"RCPT TO:<{ADDRESS}",
    "no keyword": f"RCPT {ADDRESS}",
    "no domain": f"RCPT TO:<{LOCAL}>",
    "quoted local part": f'RCPT TO:<"{LOCAL}"@{DOMAIN}>',
    "quoted pairs": f'RCPT TO:<"wren > \\" canary"@{DOMAIN}>',
    "source route": f"RCPT TO:<@{DOMAIN},@b.{DOMAIN}:{ADDRESS}>",
    "address literal": f"RCPT TO:<{LOCAL}@[{IP}]>",
    "UTF-8": f"RCPT TO:<canariña@{DOMAIN}> SMTPUTF8",
    "UTF-8 domain": "MAIL FROM:<wren@canariña.corp> SMTPUTF8",
    "ORCPT": f"RCPT TO:<a@example.org> ORCPT=rfc822;{ADDRESS}",
    "ORCPT in xtext": f"RCPT TO:<a@example.org> ORCPT=rfc822;{LOCAL}+40{DOMAIN}",
    "ORCPT in UTF-8": f"RCPT TO:<a@example.org> ORCPT=utf-8;canari\\x{{F1}}a@{DOMAIN}",
    "ORCPT of another kind": f"RCPT TO:<a@example.org> ORCPT=x400;{LOCAL}",
    "AUTH of MAIL": f"MAIL FROM:<a@example.org> AUTH={LOCAL}+40{DOMAIN}",
    "AUTH without a domain": f"MAIL FROM:<a@example.org> AUTH={LOCAL}",
    "ENVID": f"MAIL FROM:<a@example.org> ENVID=1+2B{LOCAL}+40{DOMAIN}",
    "unknown parameter": f"MAIL FROM:<a@example.org> X={ADDRESS}",
    "text behind": f"MAIL FROM:<a@example.org> {ADDRESS}",
    "VERP": f"MAIL FROM:<bounce+wren.canary={DOMAIN}@list.{DOMAIN}>",
    "VRFY": f"VRFY {LOCAL}",
    "VRFY of an address": f"VRFY <{ADDRESS}>",
    "VRFY of a person": f"VRFY Wren Canary <{ADDRESS}>",
    "EXPN": "EXPN canary-list",
    "HELO": f"HELO {HELLO}",
    "EHLO of an address": f"EHLO [{IP}]",
    "EHLO with more": f"EHLO {HELLO} and {DOMAIN}",
    "XCLIENT": f"XCLIENT NAME={HELLO} ADDR={IP} LOGIN={LOCAL} HELO={HELLO}",
    "XFORWARD": f"XFORWARD NAME=mail.{DOMAIN} ADDR={IP} IDENT=7",
    "ETRN": f"ETRN @{DOMAIN}",
    "ATRN": f"ATRN {DOMAIN},canary",
    "misspelled": f"RCTP TO:<{LOCAL}>",
    "no verb": f"<{ADDRESS}>",
    "a message that came too early": f"Subject: {SUBJECT}",
    "behind a verb": f"NOOP {BODY}",
    "AUTH": "AUTH PLAIN AHdyZW4uY2FuYXJ5AGNhbmFyeQ==",
    "SEND": f"SOML FROM:<{ADDRESS}>",
}
REWRITES = (
    f"MAIL: {{rewrite: {{sender: {ADDRESS}}}}}",
    f"RCPT: {{rewrite: {{recipient: {LOCAL}@{DOMAIN}}}}}",
    f"EHLO: {{rewrite: {{hello: {HELLO}}}}}",
)
REPLIES = (
    f"550 5.1.1 <{ADDRESS}>: Recipient address rejected",
    f"550 5.1.1 {ADDRESS.upper()}... User unknown",
    f"550-5.1.1 '{ADDRESS}'\nS: 550 no such user at {DOMAIN.upper()}, says mail.{DOMAIN}",
    f"251 User not local; will forward to <{ADDRESS}>",
    f"554 5.7.1 Client host [{IP}] blocked; see https://www.{DOMAIN}/?ip={IP}",
    "450 4.2.0 token-4711",
    f"334 {ADDRESS}",
)


def test_nobody_is_recognised_by_what_upstream_is_told(tmp_path: Path) -> None:
    """By what a rule puts in the place of an address, nor by what it leaves."""
    watched = Watched(tmp_path, *REWRITES)
    watched.play(
        f"""
        S: 220 mail.example.org
        C: EHLO app.example.org
        S: 250 mail.example.org
        C: MAIL FROM:<a@example.org> AUTH={LOCAL}+40{DOMAIN} X=token-4711
        S: 250 Ok
        C: RCPT TO:<b@example.net> ORCPT=rfc822;{ADDRESS}
        S: 250 Ok
        """
    )
    assert f"RCPT TO:<{ADDRESS}> ORCPT=".encode() in watched.conversation.asked
    kept = watched.everything(tools=False)
    assert traces(kept) == []
    assert "token-4711" not in kept
    assert kept.count("told-upstream EHLO ") == 2  # in both logs as text
    assert kept.count("told-upstream MAIL FROM:<") == kept.count("told-upstream RCPT TO:<") == 2


@pytest.mark.parametrize(
    ("how", "reply"),
    [(how, reply) for how in COMMANDS for reply in (REPLIES if how == "plain" else REPLIES[:1])],
)
def test_nobody_is_recognised_by_a_command_or_its_reply(
    tmp_path: Path, how: str, reply: str
) -> None:
    """However an address was written, and however upstream repeats it."""
    watched = Watched(tmp_path)
    watched.play(f"{OPENING}\nC: {COMMANDS[how]}\nS: {reply}\n{CLOSING}")
    kept = watched.everything()
    assert traces(kept) == []
    assert "token-4711" not in kept
    code = reply[:3]
    assert f"{code} " in watched.cassette()


@pytest.mark.parametrize("how", ["plain", "quoted local part", "no domain", "VRFY", "EXPN"])
def test_a_local_part_that_stands_alone_in_a_reply(tmp_path: Path, how: str) -> None:
    """What the client named is known where the server repeats it, later too."""
    name = "canary-list" if how == "EXPN" else LOCAL
    watched = Watched(tmp_path)
    watched.play(f"{OPENING}\nC: {COMMANDS[how]}\nS: 550 '{name}' unknown\nC: NOOP\nS: 250 {name}!")
    assert traces(watched.everything()) == []


@pytest.mark.parametrize(
    "reply",
    [f"250 Wren Canary <{ADDRESS}>", "250 Wren Canary", f"250-Wren <{ADDRESS}>\nS: 250 <{LOCAL}>"],
)
@pytest.mark.parametrize("verb", ["VRFY", "EXPN"])
def test_names_of_people_in_what_vrfy_says(tmp_path: Path, verb: str, reply: str) -> None:
    """The reply keeps its code and its address, and loses the name (RFC 5321 §3.5.1)."""
    watched = Watched(tmp_path)
    watched.play(f"{OPENING}\nC: {verb} x\nS: {reply}")
    assert traces(watched.everything()) == []
    assert "250" in watched.cassette()


def test_a_message_tells_nothing(tmp_path: Path) -> None:
    """Neither do its header, its body, the headers of its parts, nor the lines between them."""
    watched = Watched(tmp_path)
    watched.play(f"{OPENING}\n{ENVELOPE}\n{MESSAGE}\n{CLOSING}")
    assert traces(watched.everything()) == []
    (session,) = load_cassette(tmp_path / "signup.yaml").sessions
    kept = next(one.kept for one in session.dialogue if one.kept is not None)
    assert b"Subject: hidden\r\n" in kept.octets
    assert b"X-Feathered" not in kept.octets
    assert not kept.wire


@pytest.mark.parametrize("side", ["client", "upstream"])
def test_wherever_the_network_cuts(tmp_path: Path, side: str) -> None:
    """What is kept does not depend on the segments in which a message, or a reply, came."""
    lines = [line[3:] for line in MESSAGE.strip().splitlines() if line.startswith("C:")]
    octets = "".join(f"{line}\r\n" for line in lines).encode()
    reply = f"250-2.0.0 <{ADDRESS}>\r\n250 2.0.0 {LOCAL} at {DOMAIN}\r\n".encode()
    sent = octets if side == "client" else reply
    kept: set[str] = set()
    for cut in range(0, len(sent), 5):
        folder = tmp_path / str(cut)
        folder.mkdir()
        watched = Watched(folder)
        watched.play(f"{OPENING}\n{ENVELOPE}")
        if side == "upstream":
            watched.conversation.client(octets)
        send = getattr(watched.conversation, side)
        send(sent[:cut])
        send(sent[cut:])
        if side == "client":
            watched.conversation.upstream(reply)
        assert traces(watched.everything(tools=False)) == []
        kept.add(watched.cassette())
    assert len(kept) == 1


def test_a_large_message_in_a_file(tmp_path: Path) -> None:
    """What lies beside the cassette tells nothing, either."""
    watched = Watched(tmp_path)
    watched.play(f"{OPENING}\n{ENVELOPE}")
    watched.conversation.client(f"Subject: {SUBJECT}\r\n\r\n".encode())
    for _ in range(100):
        watched.conversation.client(f"{BODY}\r\n".encode() * 100)
    watched.conversation.client(b".\r\n")
    watched.play("S: 250 2.0.0 Ok")
    assert traces(watched.everything()) == []
    assert len(list(tmp_path.glob("*.d/*.eml"))) == 1


def test_chunks_tell_nothing(tmp_path: Path) -> None:
    """A header may end in another chunk than it began in; a message that was given up is over."""
    first, second = f"From: {ADDRESS}\r\nSubject: feath", f"ered subject\r\n\r\n{BODY}\r\n"
    watched = Watched(tmp_path)
    watched.play(OPENING)
    conversation = watched.conversation
    for last in (" LAST", "", " LAST"):
        conversation.client(f"BDAT {len(first)}\r\n{first}".encode())
        conversation.upstream(b"250 Ok\r\n")
        conversation.client(f"BDAT {len(second)}{last}\r\n{second}".encode())
        conversation.upstream(f"250 {ADDRESS} ok\r\n".encode())
        if not last:
            conversation.client(b"RSET\r\n")
            conversation.upstream(b"250 Ok\r\n")
    kept = watched.everything()
    assert traces(kept) == []
    assert watched.cassette().count("Subject: hidden") == 3


def test_lmtp_replies_for_each_recipient(tmp_path: Path) -> None:
    """Each reply to a message names its recipient, in the log as well."""
    watched = Watched(tmp_path)
    watched.play(
        f"""
        S: 220 mail.{DOMAIN} LMTP
        C: LHLO {HELLO}
        S: 250 mail.{DOMAIN}
        C: MAIL FROM:<{ADDRESS}>
        S: 250 2.1.0 Ok
        C: RCPT TO:<{ADDRESS}>
        S: 250 2.1.5 Ok
        C: RCPT TO:<second.{ADDRESS}>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 go
        C: Subject: {SUBJECT}
        C:
        C: {BODY}
        C: .
        S: 250 2.1.5 <{ADDRESS}> delivered
        S: 452 4.2.2 second.{LOCAL} is full
        """
    )
    kept = watched.everything()
    assert traces(kept) == []
    assert '"recipient":"user-' in kept


def test_lines_that_answer_nothing(tmp_path: Path) -> None:
    """Stray lines, unsolicited replies, unfinished lines and what was too long tell nothing."""
    watched = Watched(tmp_path)
    watched.play(f"{OPENING}\nC: MAIL FROM:<{ADDRESS}>\nS: debug: {ADDRESS}\nS: 250 Ok")
    watched.play(f"S: 421 4.4.2 mail.{DOMAIN} closes on {LOCAL}")
    watched.conversation.client(f"RCPT TO:<{LOCAL}@av".encode())
    watched.conversation.upstream(f"421 {LOCAL}@av".encode())
    assert traces(watched.everything()) == []


@pytest.mark.parametrize("cut", range(len(f"RCPT TO:<{ADDRESS}>")))
def test_a_client_that_leaves_within_a_command(tmp_path: Path, cut: int) -> None:
    """Of half a command nothing is told, wherever it was cut."""
    watched = Watched(tmp_path)
    watched.play(OPENING)
    watched.conversation.client(f"RCPT TO:<{ADDRESS}>"[:cut].encode())
    assert traces(watched.everything()) == []


def test_rules_and_their_names(tmp_path: Path) -> None:
    """A rule is named by its pattern, unless it has a name of its own."""
    watched = Watched(tmp_path, f"RCPT {ADDRESS}: 550")
    watched.play(f"{OPENING}\nC: MAIL FROM:<{ADDRESS}>\nS: 250 2.1.0 Ok\nC: RCPT TO:<{ADDRESS}>")
    kept = watched.everything()
    assert "[rule RCPT user-" in kept
    assert traces(kept) == []


def test_facts_beside_the_dialogue(tmp_path: Path) -> None:
    """Nor do TLS, its failures, what the proxy says itself, and why upstream is not there."""
    watched = Watched(tmp_path)
    watched.play(OPENING)
    conversation = watched.conversation
    conversation.encrypted(
        "upstream",
        TlsFacts("TLSv1.3", "AES", f"mail.{DOMAIN}", "", f"CN=mail.{DOMAIN},O=Aviary", "ab"),
    )
    conversation.failed(f"client: no certificate for mail.{DOMAIN}")
    conversation.transcript.noted("own-command", f"XCLIENT ADDR={IP} LOGIN=wren", b"")
    conversation.transcript.noted("upstream-unreachable", f"mail.{DOMAIN}: refused", b"")
    kept = watched.everything()
    assert traces(kept) == []
    assert "TLSv1.3" in kept


def test_what_tells_of_nobody_stays(tmp_path: Path) -> None:
    """Codes, keywords, the null reverse-path, postmaster and the names of examples are kept."""
    watched = Watched(tmp_path)
    dialogue = """
        S: 220 mail.example.org ESMTP ready
        C: EHLO app.example.org
        S: 250-mail.example.org
        S: 250-SIZE 1000
        S: 250 8BITMIME
        C: MAIL FROM:<>
        S: 250 2.1.0 Ok
        C: RCPT TO:<postmaster>
        S: 250 2.1.5 Ok
        C: RCPT TO:<bob@example.net> ORCPT=rfc822;bob@example.net
        S: 550 5.1.1 bob unknown, Exim 4.96 at 12:00:00 on [127.0.0.1]
        """
    watched.play(dialogue)
    watched.everything()
    for line in dialogue.strip().splitlines():
        assert line.strip()[3:].lstrip("0123456789- ") in watched.cassette()


def test_what_is_relayed_is_not_touched(tmp_path: Path) -> None:
    """Upstream and client get what was said to them, octet by octet."""
    watched = Watched(tmp_path)
    watched.play(f"{OPENING}\n{ENVELOPE}\n{MESSAGE}")
    asked, heard = watched.conversation.asked.decode(), watched.conversation.heard.decode()
    for line in f"{OPENING}\n{ENVELOPE}\n{MESSAGE}".strip().splitlines():
        if line:
            assert f"{line[2:].removeprefix(' ')}\r\n" in (asked if line[0] == "C" else heard)


@pytest.mark.parametrize("how", COMMANDS)
def test_a_command_that_was_hidden_stays_as_it_is(how: str) -> None:
    """Replay hides what the client says, and compares: hiding twice is hiding once."""
    wire = f"{COMMANDS[how]}\r\n".encode()
    for text in ("addresses: pseudonyms", "bodies: replace", "patterns: ['[a-z]+']"):
        redactor = PrivateRedactor(private(f"smtpproxy-redaction: 1\n{text}\n"))
        exchange = Exchange(parse_command(wire).verb, parse_command(wire), 0.0)
        once = redactor.sent(exchange)
        again = parse_command(once)
        assert redactor.sent(Exchange(again.verb, again, 0.0)) == once


def test_mail_data_are_facts_of_the_same_kind() -> None:
    """A chunk stays a chunk, and the last octets the last."""
    redactor = PrivateRedactor(private())
    assert redactor.mail_data(MailData(b"From: a\r\n\r\n", False)).octets.startswith(b"From: <"[:5])
    assert redactor.mail_data(MailData(b"x y\r\n.\r\n", True)) == MailData(b"xxx\r\n.\r\n", True)
    bdat = parse_command(b"BDAT 3 LAST\r\n")
    redactor.foresee(Exchange("BDAT", bdat, 0.0))
    assert redactor.mail_data(Chunk(b"a b", True)) == Chunk(b"xxx", True)


def test_replay_finds_what_was_hidden() -> None:
    """With the same rules the live dialogue is hidden before it is compared: nothing is missed."""
    recorded = cassette(
        f"""
        S: 220 ready
        C: EHLO app.example.org
        S: 250 mail.example.org
        C: MAIL FROM:<{NAMES.mailbox(ADDRESS.encode()).decode()}>
        S: 250 2.1.0 Ok
        C: RCPT TO:<{NAMES.mailbox(b"bob@nest.corp").decode()}>
        S: 250 2.1.5 Ok
        """
    )
    misses: list[Miss] = []
    player = Player(recorded, misses.append, redactor=lambda: PrivateRedactor(private()))
    client = Client(player.connection())
    client.played(
        f"""
        S: 220 ready
        C: EHLO {HELLO}
        S: 250 mail.example.org
        C: MAIL FROM:<{ADDRESS}>
        S: 250 2.1.0 Ok
        C: RCPT TO:<bob@NEST.corp>
        S: 250 2.1.5 Ok
        """
    )
    assert misses == []
    client.played(f"C: RCPT TO:<second.{ADDRESS}>\nS: 250 2.1.5 Ok")
    assert [miss.verdict for miss in misses] == ["missing"]
    assert traces(str(misses[0])) == []


def test_what_observers_know_of_the_state() -> None:
    """The envelope is hidden, whoever asks for it, and the rest is told as it is."""
    state = State()
    redactor = PrivateRedactor(private())
    shown = PrivateState(state, redactor)
    for line, code in (
        (f"EHLO {HELLO}", 250),
        (f"MAIL FROM:<{ADDRESS}>", 250),
        (f"RCPT TO:<{ADDRESS}>", 250),
    ):
        command = parse_command(f"{line}\r\n".encode())
        state.observe(command.verb, command, code)
    mailbox = NAMES.mailbox(ADDRESS.encode()).decode()
    assert shown.sender == Path_(mailbox)
    assert shown.accepted == [Path_(mailbox)]
    assert shown.accepted_addresses() == [mailbox]
    assert shown.accepted_domains() == {mailbox.partition("@")[2]}
    assert shown.helo == NAMES.domain(HELLO.encode())
    assert (shown.phase, shown.recipients, shown.keywords) == ("rcpt", 1, {})
