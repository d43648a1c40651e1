"""What is odd in a line or a reply, by name.

Owns the names. An anomaly is a fact like any other: it is relayed, and told. Looks at one line, or
one reply, at a time; `smtp/lookalike.py` looks at mail data.
"""

from __future__ import annotations

import re
from functools import lru_cache

from smtpproxy.smtp.facts import Reply

BARE_CR, BARE_LF, NUL = "bare-cr", "bare-lf", "nul"
CONTROL, NOT_UTF8 = "control", "not-utf-8"
EARLY_COMMAND, PIPELINING = "early-command", "pipelining-not-offered"
LOOK_ALIKE, LOOK_ALIKE_NUL = "look-alike-end", "look-alike-end-nul"
LOOK_ALIKE_BLANK = "look-alike-end-blank"
CODE_ONLY, NO_SPACE, MIXED_CODES = "code-only", "no-space", "mixed-codes"
LINE_WITHOUT_CODE, LONG_LINE = "line-without-code", "long-reply-line"
ODD_CODE, CLASS_CONTRADICTS = "odd-code", "enhanced-code-contradicts"
STRAY_LINE, EARLY_REPLY = "stray-line", "early-reply"
UNSOLICITED, DISAGREES = "unsolicited-reply", "upstream-disagrees"
BEFORE_HELLO, NESTED_MAIL = "command-before-hello", "mail-in-transaction"
NO_MAIL, NO_RECIPIENT = "recipient-without-mail", "data-without-recipient"
NOT_OFFERED = "not-offered"

#: What a client may do that is odd: it can be relayed, or refused.
OF_CLIENT = {
    BARE_CR: "a CR that is not followed by LF, in a command or in mail data (RFC 5321 §2.3.8)",
    BARE_LF: "a LF that does not follow CR, in a command or in mail data (RFC 5321 §2.3.8)",
    NUL: "a NUL octet in a command or in mail data",
    CONTROL: "another control character in a command (RFC 5321 §4.1.2)",
    NOT_UTF8: "8-bit octets in a command that are not UTF-8 (RFC 6531 §3.3)",
    EARLY_COMMAND: "a command before the greeting (RFC 5321 §3.1)",
    PIPELINING: "a command before the reply to the one before it, where PIPELINING was not "
    "offered (RFC 2920 §3.1)",
    LOOK_ALIKE: "a line of a lone dot whose line endings are not both CRLF: some servers take it "
    "for the end of mail data",
    LOOK_ALIKE_NUL: "the same with NUL, VT or a zero-width space beside the dot",
    LOOK_ALIKE_BLANK: "the same with nothing but blanks or tabs beside the dot",
}

#: What upstream may do that is odd: it is always relayed.
OF_UPSTREAM = {
    BARE_CR: "a CR in a reply that is not followed by LF",
    BARE_LF: "a reply line that ends in LF alone",
    NUL: "a NUL octet in a reply",
    CONTROL: "another control character in a reply",
    NOT_UTF8: "8-bit octets in a reply that are not UTF-8 (RFC 6531 §3.7.4.2)",
    CODE_ONLY: "a reply line of a code and nothing else (RFC 5321 §4.2.1)",
    NO_SPACE: "a reply whose text follows its code at once",
    MIXED_CODES: "a multiline reply whose lines have different codes (RFC 5321 §4.2.1)",
    LINE_WITHOUT_CODE: "a line without a code inside a multiline reply",
    LONG_LINE: "a reply line of more than 512 octets (RFC 5321 §4.5.3.1.5)",
    ODD_CODE: "a reply code that does not begin with 2, 3, 4 or 5 (RFC 5321 §4.2.1)",
    CLASS_CONTRADICTS: "an enhanced status code of another class than the reply code (RFC 2034 §4)",
    STRAY_LINE: "a line that is no part of any reply",
    EARLY_REPLY: "a reply before its command: the next command takes it for its own",
    UNSOLICITED: "a reply to nothing, such as a 421 out of the blue",
    DISAGREES: "a reply while the client is still in mail data: upstream sees another end of "
    "mail data than the client does",
}

#: What a client does that its session does not allow: it is always relayed, for upstream to judge.
OF_SESSION = {
    BEFORE_HELLO: "a command that needs EHLO, HELO or LHLO before it (RFC 5321 §4.1.4)",
    NESTED_MAIL: "MAIL while a mail transaction is open (RFC 5321 §4.1.4)",
    NO_MAIL: "RCPT where no sender was accepted (RFC 5321 §3.3)",
    NO_RECIPIENT: "mail data where no recipient was accepted (RFC 5321 §3.3)",
    NOT_OFFERED: "a command, mechanism or parameter of an extension that EHLO did not offer "
    "(RFC 5321 §2.2.1)",
}

ANOMALIES = frozenset(OF_CLIENT) | frozenset(OF_UPSTREAM) | frozenset(OF_SESSION)

_CLEAN_COMMAND = re.compile(rb"[\t\x20-\x7e]*\r\n").fullmatch
_CLEAN_REPLY = re.compile(
    rb"([2-5][0-9]{2})(?:-[\t\x20-\x7e]{0,506}\r\n\1)*? [\t\x20-\x7e]{1,506}\r\n"
).fullmatch
_CONTROL = re.compile(rb"[\x01-\x08\x0b-\x0c\x0e-\x1f\x7f]")
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
#: Longest reply line, line ending included.
_LONGEST = 512
#: Most replies come often. Longer ones don't, and to remember them would cost what upstream likes.
OFTEN = 512


def command_anomalies(wire: bytes) -> tuple[str, ...]:
    """Return the names of what is odd in a line that a client sent, line ending included."""
    return () if _CLEAN_COMMAND(wire) else _octet_anomalies(wire)


def reply_anomalies(reply: Reply) -> tuple[str, ...]:
    """Return the names of what is odd in a reply."""
    return (_remembered if len(reply.wire) <= OFTEN else _reply_anomalies)(reply)


def _reply_anomalies(reply: Reply) -> tuple[str, ...]:
    enhanced = reply.enhanced
    contradicts = (CLASS_CONTRADICTS,) if enhanced and int(enhanced[0]) != reply.code // 100 else ()
    if _CLEAN_REPLY(reply.wire):
        return contradicts
    return _octet_anomalies(reply.wire) + tuple(dict.fromkeys(_line_anomalies(reply))) + contradicts


_remembered = lru_cache(maxsize=1024)(_reply_anomalies)


def _octet_anomalies(wire: bytes) -> tuple[str, ...]:
    found = []
    if _BARE_CR.search(wire):
        found.append(BARE_CR)
    if _BARE_LF.search(wire):
        found.append(BARE_LF)
    if b"\0" in wire:
        found.append(NUL)
    if _CONTROL.search(wire):
        found.append(CONTROL)
    try:
        wire.decode("utf-8")
    except UnicodeDecodeError:
        found.append(NOT_UTF8)
    return tuple(found)


def _line_anomalies(reply: Reply) -> list[str]:
    """Return, in the order of the lines, what is odd in how they are built."""
    found = []
    code = b"%03d" % reply.code
    if code[:1] not in b"2345":
        found.append(ODD_CODE)
    for line in reply.wire.split(b"\n")[:-1]:
        text = line.removesuffix(b"\r")
        if len(line) >= _LONGEST:
            found.append(LONG_LINE)
        if not text[:3].isdigit() or len(text) < 3:
            found.append(LINE_WITHOUT_CODE)
        elif text[:3] != code:
            found.append(MIXED_CODES)
        if text[:3].isdigit() and len(text) == 3:
            found.append(CODE_ONLY)
        elif text[:3].isdigit() and text[3:4] not in b" -":
            found.append(NO_SPACE)
    return found
