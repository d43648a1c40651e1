"""The replies to a message of several recipients, where a rule says fewer, more, or others."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side
from tests.dialogue import GREETED, Conversation, rules_in

NAMES = ("b", "c", "d")
AFTER = """
    C: NOOP
    > NOOP
    U: 250 2.0.0 Alive
    S: 250 2.0.0 Alive
"""


def delivered(*rules: str, hello: str = "LHLO", bdat: bool = False) -> Conversation:
    """Return a conversation in which a message for three has just been sent."""
    talk = Conversation(book=rules_in(*rules))
    talk.play(
        GREETED
        + f"""
        C: {hello} app.example.org
        > {hello} app.example.org
        U: 250 mail.example.org
        S: 250 mail.example.org
        """
    )
    commands = [b"MAIL FROM:<a@example.org>"]
    commands += [b"RCPT TO:<%s@example.net>" % name.encode() for name in NAMES]
    for command in [*commands, *([] if bdat else [b"DATA"])]:
        talk.client(command + b"\r\n")
        talk.upstream(b"354 Go ahead\r\n" if command == b"DATA" else b"250 2.1.0 Ok\r\n")
    talk.unread(Side.CLIENT)
    talk.unread(Side.UPSTREAM)
    talk.client(b"BDAT 2 LAST\r\nHi" if bdat else b"Hi.\r\n.\r\n")
    return talk


def heard(talk: Conversation) -> bytes:
    """Return what the client hears, once upstream has told of all three."""
    talk.unread(Side.UPSTREAM)
    talk.upstream(b"".join(b"250 2.0.0 %s\r\n" % name.encode() for name in NAMES))
    return talk.unread(Side.CLIENT)


bdat_or_not = pytest.mark.parametrize("bdat", [False, True])


@bdat_or_not
def test_too_few_replies(bdat: bool) -> None:
    """The last are never said; a transaction behind it has its own recipients."""
    stage = "BDAT" if bdat else "END-OF-DATA"
    talk = delivered(f"{stage}: {{replies: {{short: 2}}}}", bdat=bdat)
    assert heard(talk) == b"250 2.0.0 b\r\n"
    assert talk.witness.codes()[-3:] == [(stage, 250), (stage, None), (stage, None)]
    assert (talk.relay.state.recipients, talk.relay.state.phase) == (0, "idle")
    talk.play(AFTER)


def test_more_than_there_are_can_not_be_missing() -> None:
    """Then none is said."""
    assert heard(delivered("END-OF-DATA: {replies: {short: 9}}")) == b""


@bdat_or_not
def test_too_many_replies(bdat: bool) -> None:
    """The client takes the one too many for the next command's, and the proxy knows it."""
    stage = "BDAT" if bdat else "END-OF-DATA"
    talk = delivered(f"{stage}: {{replies: {{extra: 1}}}}", bdat=bdat)
    assert heard(talk) == b"250 2.0.0 b\r\n250 2.0.0 c\r\n250 2.0.0 d\r\n250 2.0.0 d\r\n"
    talk.client(b"NOOP\r\n")
    assert talk.unread(Side.UPSTREAM) == b"NOOP\r\n"
    taken = talk.witness.exchanges[-1]
    assert (taken.stage, taken.said, taken.by) == ("NOOP", None, "rule")
    assert taken.heard is not None
    assert taken.heard.wire == b"250 2.0.0 d\r\n"
    talk.upstream(b"250 2.0.0 Alive\r\n")
    assert talk.unread(Side.CLIENT) == b"250 2.0.0 Alive\r\n"


def test_one_too_many_that_nobody_takes_is_not_upstreams() -> None:
    """A client that leaves has heard nothing unasked of upstream."""
    talk = delivered("END-OF-DATA: {replies: {extra: 1}}")
    heard(talk)
    talk.relay.finished()
    assert ("told-unasked", "") in talk.witness.notes
    assert "unsolicited-reply" not in dict(talk.witness.notes)


@bdat_or_not
@pytest.mark.parametrize("upstream", ["deliver", "forward"])
def test_a_rule_for_one_recipient_changes_its_reply_alone(bdat: bool, upstream: str) -> None:
    """Upstream has the message, and the others hear what it said."""
    rule = f"END-OF-DATA: {{reply: 452 Full, upstream: {upstream}}}"
    talk = delivered(f"{{{rule}, when: {{recipient: c@example.net}}}}", bdat=bdat)
    assert heard(talk) == b"250 2.0.0 b\r\n452 Full\r\n250 2.0.0 d\r\n"
    talk.play(AFTER)


def test_a_rule_for_one_recipients_reply_changes_that_alone() -> None:
    """The condition on upstream's reply looks at that of the recipient in question."""
    rule = "END-OF-DATA: {reply: 552 Full, upstream: deliver}"
    talk = delivered(f"{{{rule}, when: {{recipient: c@example.net, reply: 2xx}}}}")
    assert heard(talk) == b"250 2.0.0 b\r\n552 Full\r\n250 2.0.0 d\r\n"


def test_a_rule_for_some_that_only_edits() -> None:
    """What does not answer is for those recipients alone, too."""
    rule = "END-OF-DATA: {edit: {text: Yes}}"
    talk = delivered(f"{{{rule}, when: {{recipient: c@example.net}}}}")
    assert heard(talk) == b"250 2.0.0 b\r\n250 2.0.0 Yes\r\n250 2.0.0 d\r\n"


def test_where_upstream_has_no_message_all_of_them_hear_it() -> None:
    """A rule for one recipient that keeps the message from upstream keeps it from all."""
    talk = delivered("{END-OF-DATA: 452 Full, when: {recipient: c@example.net}}")
    assert talk.unread(Side.CLIENT) == 3 * b"452 Full\r\n"
    assert talk.unread(Side.UPSTREAM) == b"RSET\r\n"


def test_prdr_has_replies_for_some_and_one_for_all() -> None:
    """Those for recipients follow the rule that concerns them; 353, and the last, do not."""
    rule = "END-OF-DATA: {reply: 452 Full, upstream: deliver}"
    talk = delivered(f"{{{rule}, when: {{recipient: c@example.net}}}}", hello="EHLO")
    talk.upstream(b"353 Replies follow\r\n")
    assert talk.unread(Side.CLIENT) == b"353 Replies follow\r\n"
    talk.upstream(b"250 b\r\n250 c\r\n250 d\r\n250 All\r\n")
    assert talk.unread(Side.CLIENT) == b"250 b\r\n452 Full\r\n250 d\r\n250 All\r\n"
