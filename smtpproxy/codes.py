"""The registry of reply codes: by code, and by the stage at which a code is listed.

Data that a person can read and extend; to add a code, add its row. Owns the words that are sent
when a code is injected. Does not judge a reply: that is `classify`.
"""

from __future__ import annotations

from typing import NamedTuple

NONSTANDARD = "nonstandard"


class Code(NamedTuple):
    """What a reply code means wherever it stands, and who says so: RFC and section."""

    meaning: str
    source: str


_SMTP = "RFC 5321 §4.2.3"
_AUTH = "RFC 4954 §6"
_ETRN = "RFC 1985 §5.3"
_REGISTRY = "RFC 5248, IANA registry"

CODES: dict[int, Code] = {
    200: Code("Nonstandard success reply", f"{NONSTANDARD} (RFC 876)"),
    211: Code("System status, or system help reply", _SMTP),
    214: Code("Help message", _SMTP),
    220: Code("Service ready", _SMTP),
    221: Code("Service closing transmission channel", _SMTP),
    234: Code("Security data exchange complete", f"{NONSTANDARD} (RFC 2228)"),
    235: Code("Authentication succeeded", _AUTH),
    250: Code("Requested mail action okay, completed", _SMTP),
    251: Code("User not local; will forward to <forward-path>", _SMTP),
    252: Code("Cannot VRFY user, but will accept message and attempt delivery", _SMTP),
    253: Code("Okay, counted messages for the node started", _ETRN),
    334: Code("Server challenge", "RFC 4954 §4"),
    353: Code("Replies for each recipient follow", "draft-hall-prdr"),
    354: Code("Start mail input; end with <CRLF>.<CRLF>", _SMTP),
    355: Code("Octet offset is the transaction offset", "RFC 1845 §3"),
    421: Code("Service not available, closing transmission channel", _SMTP),
    422: Code("A password transition is needed", _REGISTRY),
    432: Code("A password transition is needed", _AUTH),
    450: Code("Requested mail action not taken: mailbox unavailable", _SMTP),
    451: Code("Requested action aborted: local error in processing", _SMTP),
    452: Code("Requested action not taken: insufficient system storage", _SMTP),
    453: Code("You have no mail", "RFC 2645 §5.2.1"),
    454: Code("Temporary authentication or TLS failure", "RFC 4954 §6, RFC 3207 §4"),
    455: Code("Server unable to accommodate parameters", _SMTP),
    458: Code("Unable to queue messages for the node", _ETRN),
    459: Code("Node not allowed", _ETRN),
    500: Code("Syntax error, command unrecognized", _SMTP),
    501: Code("Syntax error in parameters or arguments", _SMTP),
    502: Code("Command not implemented", _SMTP),
    503: Code("Bad sequence of commands", _SMTP),
    504: Code("Command parameter not implemented", _SMTP),
    521: Code("Domain does not accept mail", "RFC 7504 §3, RFC 1846"),
    523: Code("Encryption needed", _REGISTRY),
    524: Code("Encryption required for the requested authentication mechanism", _REGISTRY),
    525: Code("User account disabled", _REGISTRY),
    530: Code("Access denied", "RFC 4954 §6, RFC 3207 §4"),
    534: Code("Authentication mechanism is too weak", _AUTH),
    535: Code("Authentication unsuccessful: bad user name or password", _AUTH),
    538: Code("Encryption required for the requested authentication mechanism", _AUTH),
    541: Code("Message rejected by the recipient", NONSTANDARD),
    550: Code("Requested action not taken: mailbox unavailable", _SMTP),
    551: Code("User not local; please try <forward-path>", _SMTP),
    552: Code("Requested mail action aborted: exceeded storage allocation", _SMTP),
    553: Code("Requested action not taken: mailbox name not allowed", _SMTP),
    554: Code("Transaction failed", _SMTP),
    555: Code("MAIL FROM/RCPT TO parameters not recognized or not implemented", _SMTP),
    556: Code("Domain does not accept mail", "RFC 7504 §4"),
    557: Code("Too many duplicate messages", NONSTANDARD),
}

#: Codes that a server may send at any stage, in answer to anything: 421, 500 and 501 by RFC 5321
#: §4.3.2, and what else says that a command can't be taken here (§4.2.4).
ANYWHERE = frozenset({421, 500, 501, 502, 503, 504})

_COMMON = (500, 501, 421)
_BEGIN = (250, 552, 451, 452, *_COMMON)
_AFTER_HELLO = (504, *_COMMON, 550, 502)
# RFC 5321 §4.3.2, and what RFC 6152, 6531 and 7504 add.
_END = (250, 552, 554, 451, 452, 450, 550, 553, 421)

#: The codes listed for each stage.
STAGES: dict[str, tuple[int, ...]] = {
    "CONNECT": (220, 421, 554, 521),  # RFC 7504 §3
    "HELO": (250, 521, *_AFTER_HELLO),
    "EHLO": (250, *_AFTER_HELLO),
    "LHLO": (250, *_AFTER_HELLO),  # RFC 2033 §4.1
    "MAIL": (*_BEGIN, 550, 553, 503, 455, 555, 530, 504, 454, 523, 525),
    "RCPT": (
        *(250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 521, *_COMMON),
        *(455, 555, 556, 530, 554, 525, 541),
    ),
    "DATA": (354, 451, 554, 503, *_COMMON, 450, 550),
    "END-OF-DATA": (*_END, 353, 541, 557),
    "BDAT": (*_END, 503, 500, 501, 353),  # RFC 3030 §2
    "BURL": (250, 554, 451, 452, 552, 501, 503, 500, 421),  # RFC 4468 §3.3
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
    "ATRN": (250, 450, 451, 453, 502, 530, *_COMMON),  # RFC 2645 §5.2.1
    "ETRN": (250, 251, 252, 253, 458, 459, *_COMMON),  # RFC 1985 §5.3
    "AUTH": (
        *(235, 334, 432, 454, 500, 501, 503, 504, 530, 534, 535, 538, 421),
        *(422, 523, 524, 525),
    ),
    "STARTTLS": (220, 454, 501, 503, 500, 502, 421),  # RFC 3207 §4
    "XCLIENT": (220, 501, 503, 550, 500, 421),  # Postfix's XCLIENT_README
    "XFORWARD": (250, 501, 503, 550, 500, 421),  # Postfix's XFORWARD_README
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
    # RFC 3207 §4 and RFC 4954 §6.
    ("MAIL", 530): "Authentication required",
    ("RCPT", 530): "Authentication required",
    ("AUTH", 530): "Must issue a STARTTLS command first",
    ("AUTH", 454): "Temporary authentication failure",
    # RFC 1985 §5.3 and RFC 2645 §5.2.1.
    ("ETRN", 250): "Okay, queuing for the node started",
    ("ETRN", 251): "Okay, no messages waiting for the node",
    ("ETRN", 252): "Okay, pending messages for the node started",
    ("ATRN", 250): "Okay, now reversing the connection",
    ("ATRN", 450): "ATRN request refused",
    ("ATRN", 451): "Unable to process ATRN request now",
    ("ATRN", 530): "Authentication required",
    ("XCLIENT", 220): "Ready, as if the client had just connected",
    ("XCLIENT", 503): "Mail transaction in progress",
    ("XCLIENT", 550): "Insufficient authorization",
    ("XFORWARD", 503): "Mail transaction in progress",
    ("XFORWARD", 550): "Insufficient authorization",
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
    422: "4.7.12",
    432: "4.7.12",
    450: "4.2.0",
    451: "4.3.0",
    452: "4.3.1",
    454: "4.7.0",
    453: "4.2.0",
    455: "4.5.4",
    458: "4.4.0",
    459: "4.7.0",
    500: "5.5.2",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    504: "5.5.4",
    521: "5.3.2",
    523: "5.7.10",
    524: "5.7.11",
    525: "5.7.13",
    530: "5.7.0",
    534: "5.7.9",
    535: "5.7.8",
    538: "5.7.11",
    541: "5.7.1",
    550: "5.1.1",
    551: "5.1.6",
    552: "5.2.2",
    553: "5.1.3",
    555: "5.5.4",
    556: "5.1.10",
    557: "5.7.28",
}
_ENHANCED_AT: dict[tuple[str, int], str] = {
    ("MAIL", 250): "2.1.0",
    ("RCPT", 250): "2.1.5",
    ("MAIL", 550): "5.1.0",
    ("MAIL", 553): "5.1.7",
    ("END-OF-DATA", 552): "5.3.4",
    ("END-OF-DATA", 550): "5.7.1",
    ("END-OF-DATA", 553): "5.6.0",
    ("XCLIENT", 550): "5.7.0",
    ("XFORWARD", 550): "5.7.0",
}
# RFC 2034 §4: no enhanced code in a greeting or in answers to HELO, EHLO and LHLO.
_WITHOUT_ENHANCED = frozenset({"CONNECT", "HELO", "EHLO", "LHLO"})


class Wording(NamedTuple):
    """What to send when a code is injected: an enhanced status code, or "", and the text."""

    enhanced: str
    text: str


def meaning(stage: str, code: int) -> str:
    """Return what `code` means at `stage`, or "" where the registry does not know it."""
    return _WORDS.get((stage, code)) or (CODES[code].meaning if code in CODES else "")


def wording(stage: str, code: int) -> Wording:
    """Return what to send for `code` at `stage`.

    <domain> and <forward-path> in the text are for the caller to fill in.
    """
    text = _SENT.get(code) or meaning(stage, code) or "Unlisted reply code"
    if stage in _WITHOUT_ENHANCED or code // 100 == 3:
        return Wording("", text)
    enhanced = _ENHANCED_AT.get((stage, code)) or _ENHANCED.get(code)
    return Wording(enhanced or f"{code // 100}.0.0", text)


def stages_of(code: int) -> list[str]:
    """Return the stages for which `code` is listed."""
    return [stage for stage, codes in STAGES.items() if code in codes]


def stage_name(word: str) -> str | None:
    """Return the stage that `word` names, in any case and spelling known, or None."""
    name = ALIASES.get(word.upper(), word.upper())
    return name if name in STAGES else None
