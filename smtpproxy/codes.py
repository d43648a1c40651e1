"""The registry of reply codes: by code, and by the stage at which a code is listed.

Data that a person can read and extend; to add a code, add its row. Owns the words that are sent
when a code is injected. Does not judge a reply: that is `classify`.
"""

from __future__ import annotations

from typing import NamedTuple

#: Every code and what it means wherever it stands (RFC 5321 §4.2.3; 200: RFC 876; 521: RFC 7504,
#: RFC 1846; 530 and 535: RFC 4954 §6).
CODES: dict[int, str] = {
    200: "Nonstandard success reply",
    211: "System status, or system help reply",
    214: "Help message",
    220: "Service ready",
    221: "Service closing transmission channel",
    235: "Authentication succeeded",
    250: "Requested mail action okay, completed",
    251: "User not local; will forward to <forward-path>",
    252: "Cannot VRFY user, but will accept message and attempt delivery",
    334: "Server challenge",
    354: "Start mail input; end with <CRLF>.<CRLF>",
    421: "Service not available, closing transmission channel",
    432: "A password transition is needed",
    450: "Requested mail action not taken: mailbox unavailable",
    451: "Requested action aborted: local error in processing",
    452: "Requested action not taken: insufficient system storage",
    454: "Temporary authentication or TLS failure",
    455: "Server unable to accommodate parameters",
    500: "Syntax error, command unrecognized",
    501: "Syntax error in parameters or arguments",
    502: "Command not implemented",
    503: "Bad sequence of commands",
    504: "Command parameter not implemented",
    521: "Domain does not accept mail",
    530: "Access denied",
    534: "Authentication mechanism is too weak",
    535: "Authentication unsuccessful: bad user name or password",
    538: "Encryption required for the requested authentication mechanism",
    550: "Requested action not taken: mailbox unavailable",
    551: "User not local; please try <forward-path>",
    552: "Requested mail action aborted: exceeded storage allocation",
    553: "Requested action not taken: mailbox name not allowed",
    554: "Transaction failed",
    555: "MAIL FROM/RCPT TO parameters not recognized or not implemented",
    556: "Domain does not accept mail",
}

#: Codes that a server may send at any stage, in answer to anything (RFC 5321 §4.2.1 and §4.3.2).
ANYWHERE = frozenset({421, 500, 501, 502, 503, 504, 554})

_COMMON = (500, 501, 421)
_BEGIN = (250, 552, 451, 452, *_COMMON)

#: The codes listed for each stage.
STAGES: dict[str, tuple[int, ...]] = {
    "CONNECT": (220, 421, 554),
    "HELO": (250, 504, 521, *_COMMON, 550, 502),
    "EHLO": (250, 550, 504, *_COMMON, 502),
    "LHLO": (250, 550, 504, *_COMMON, 502),
    "MAIL": (*_BEGIN, 550, 553, 503, 455, 555, 530),
    "RCPT": (
        *(250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 521, *_COMMON),
        *(455, 555, 556, 530, 554),
    ),
    "DATA": (354, 451, 554, 503, *_COMMON, 450, 550),
    "END-OF-DATA": (250, 552, 554, 451, 452, 450, 550),
    "BDAT": (250, 552, 554, 451, 452, 503, *_COMMON),
    "RSET": (200, 250, 504, *_COMMON),
    "SEND": (*_BEGIN, 502),
    "SOML": (*_BEGIN, 502),
    "SAML": (*_BEGIN, 502),
    "VRFY": (250, 251, 252, 550, 551, 553, 502, 504, *_COMMON),
    "EXPN": (250, 252, 550, 502, 504, *_COMMON),
    "HELP": (211, 214, 502, 504, *_COMMON),
    "NOOP": (200, 250, 500, 421),
    "QUIT": (221, 500),
    "TURN": (250, 502, 500, 503),
    "AUTH": (235, 334, 432, 454, 500, 501, 503, 504, 530, 534, 535, 538, 421),
    "STARTTLS": (220, 454, 501, 503, 500, 502, 421),
}

#: Other spellings under which a stage may be named in a rule.
ALIASES = {"VERFY": "VRFY"}

# Wording that differs from the code's general meaning at one stage.
_WORDS: dict[tuple[str, int], str] = {
    ("CONNECT", 220): "<domain> Service ready",
    ("CONNECT", 554): "<domain> No SMTP service here",
    ("EHLO", 550): "Not implemented",
    ("LHLO", 550): "Not implemented",
    ("QUIT", 221): "<domain> Service closing transmission channel",
    ("STARTTLS", 220): "Ready to start TLS",
    ("STARTTLS", 454): "TLS not available due to temporary reason",
}
# Wording that differs only when the code is sent: the server names itself first.
_SENT = {
    421: "<domain> Service not available, closing transmission channel",
    521: "<domain> does not accept mail",
}

# Enhanced status codes (RFC 3463 and the registry of RFC 5248), by code, or by stage and code.
_ENHANCED: dict[int, str] = {
    235: "2.7.0",
    251: "2.1.5",
    252: "2.5.0",
    421: "4.3.2",
    432: "4.7.12",
    450: "4.2.0",
    451: "4.3.0",
    452: "4.3.1",
    454: "4.7.0",
    455: "4.5.4",
    500: "5.5.2",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    504: "5.5.4",
    521: "5.3.2",
    530: "5.7.0",
    534: "5.7.9",
    535: "5.7.8",
    538: "5.7.11",
    550: "5.1.1",
    551: "5.1.6",
    552: "5.2.2",
    553: "5.1.3",
    555: "5.5.4",
    556: "5.1.10",
}
_ENHANCED_AT: dict[tuple[str, int], str] = {
    ("MAIL", 250): "2.1.0",
    ("RCPT", 250): "2.1.5",
    ("MAIL", 550): "5.1.0",
    ("MAIL", 553): "5.1.7",
    ("END-OF-DATA", 552): "5.3.4",
    ("END-OF-DATA", 550): "5.7.1",
}
# RFC 2034 §4: no enhanced code in a greeting or in answers to HELO, EHLO and LHLO.
_WITHOUT_ENHANCED = frozenset({"CONNECT", "HELO", "EHLO", "LHLO"})


class Wording(NamedTuple):
    """What to send when a code is injected: an enhanced status code, or "", and the text."""

    enhanced: str
    text: str


def meaning(stage: str, code: int) -> str:
    """Return what `code` means at `stage`, or "" where the registry does not know it."""
    return _WORDS.get((stage, code)) or CODES.get(code, "")


def wording(stage: str, code: int) -> Wording:
    """Return what to send for `code` at `stage`.

    <domain> and <forward-path> in the text are for the caller to fill in.
    """
    text = _SENT.get(code) or meaning(stage, code) or "Unlisted reply code"
    if stage in _WITHOUT_ENHANCED or code // 100 == 3:
        return Wording("", text)
    enhanced = _ENHANCED_AT.get((stage, code)) or _ENHANCED.get(code)
    return Wording(enhanced or f"{code // 100}.0.0", text)


def stage_name(word: str) -> str | None:
    """Return the stage that `word` names, in any case and spelling known, or None."""
    name = ALIASES.get(word.upper(), word.upper())
    return name if name in STAGES else None
