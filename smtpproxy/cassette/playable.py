"""Which recorded exchanges may be played again to a real server, and why the others are not.

Owns what is known to be harmless by itself; what depends on the session is the affair of
`rehearsal`.
"""

from __future__ import annotations

from typing import Final

from smtpproxy.auth.echoes import PLACEHOLDER
from smtpproxy.cassette.matching import STARTTLS
from smtpproxy.cassette.model import END_OF_DATA, Recorded
from smtpproxy.smtp.facts import is_last_chunk

# Why an exchange is not played.
ANSWERED_HERE: Final = "that a rule or the proxy answered"
UNANSWERED: Final = "without a reply when recorded"
MAIL_DATA: Final = "of mail data"
CHANGED: Final = "of transactions that fare otherwise now"
UNKNOWN: Final = "whose effect is not known"
NOT_PLAIN: Final = "with more than a line, or less"
HIDDEN: Final = "that were redacted"
NO_CREDENTIALS: Final = "of AUTH, without credentials"
NO_LOGIN: Final = "of AUTH that logged nobody in"
IN_TLS: Final = "that would begin TLS under TLS"
PLAIN: Final = "that were under TLS, which upstream refuses now"
OVER: Final = "behind the end of the session"

GREETS = frozenset({"EHLO", "LHLO", "HELO"})
BEGINS = frozenset({"MAIL", "SEND", "SOML", "SAML"})
OF_MAIL_DATA = frozenset({"DATA", "BDAT", END_OF_DATA})
#: With these a transaction is over, whatever became of it.
NEW = GREETS | BEGINS | {"RSET", "QUIT", STARTTLS}
#: What is sent at all. ETRN has mail delivered, BURL is mail data, TURN takes the client's part.
_PLAYED = NEW | OF_MAIL_DATA | {"RCPT", "NOOP", "VRFY", "EXPN", "HELP", "XCLIENT", "XFORWARD"}


def unplayable(one: Recorded) -> str:
    """Return why an exchange is not played in any session; "" where it may be."""
    if not one.said:
        return ANSWERED_HERE if one.rule or one.by or one.changed else UNANSWERED
    if one.stage not in _PLAYED:
        return UNKNOWN
    if one.stage == END_OF_DATA:
        return ""
    if PLACEHOLDER in one.sent:
        return HIDDEN
    line = one.sent.removesuffix(b"\n").removesuffix(b"\r")
    # For some servers a bare CR or LF ends a line, too, and what follows is another command.
    is_line = one.sent.endswith(b"\n") and not set(line) & set(b"\r\n")
    return "" if is_line else NOT_PLAIN


def ends_mail_data(one: Recorded) -> bool:
    """Is this the end of a message?"""
    return one.stage == END_OF_DATA or (one.stage == "BDAT" and is_last_chunk(one.sent))


def reply_to_auth(one: Recorded) -> bytes:
    """Return what was said to an AUTH: by upstream, or by the proxy that had logged in itself."""
    return one.said[-1] if one.said else one.heard or b""
