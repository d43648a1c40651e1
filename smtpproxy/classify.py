"""What a reply means: four answers, apart from one another, and whether to try again.

1. its code: severity, subject, and whether the registry has it;
2. its enhanced status code, and whether that contradicts the code;
3. its place: is the code listed for the stage that it answers;
4. its reason, as far as its words tell: that is `reasons`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from smtpproxy.codes import ANYWHERE, CODES, STAGES, meaning
from smtpproxy.enhanced import Status, status
from smtpproxy.reasons import Reason, Reasons
from smtpproxy.smtp.facts import Reply

#: First digit of a reply code -> severity (RFC 5321 §4.2.1).
SEVERITIES = {2: "success", 3: "intermediate", 4: "transient", 5: "permanent"}
#: Second digit -> subject (RFC 5321 §4.2.1).
SUBJECTS = {0: "syntax", 1: "information", 2: "connections", 5: "mail system"}

LISTED, ALLOWED, UNLISTED = "listed", "allowed anywhere", "unlisted"


class Classification(NamedTuple):
    """The standing of a reply code at a stage."""

    severity: str  # success, intermediate, transient, permanent, or unknown
    meaning: str  # the registry's words, or "" for a code that it does not know
    known: bool  # is the code in the registry at all
    listed: bool  # is it listed for this stage
    anywhere: bool  # may it come at any stage
    subject: str  # what the second digit says that it is about, or unspecified

    @property
    def place(self) -> str:
        """How the code stands at this stage."""
        return LISTED if self.listed else ALLOWED if self.anywhere else UNLISTED


@lru_cache(maxsize=4096)
def classify(stage: str, code: int) -> Classification:
    """Return the classification of `code` in answer to `stage`."""
    return Classification(
        severity=SEVERITIES.get(code // 100, "unknown"),
        meaning=meaning(stage, code).removeprefix("<domain> "),
        known=code in CODES,
        listed=code in STAGES.get(stage, ()),
        anywhere=code in ANYWHERE,
        subject=SUBJECTS.get(code // 10 % 10, "unspecified"),
    )


class Explanation(NamedTuple):
    """All that can be said of one reply; no answer leans on another."""

    code: int
    standing: Classification
    status: Status | None  # None: there is no enhanced status code
    contradicts: bool  # its class is not that of the code (RFC 2034 §4)
    reason: Reason | None  # None: it is no refusal
    retryable: bool | None  # may the same message be taken later; None: it is no refusal


def explain(reply: Reply, stage: str, reasons: Reasons) -> Explanation:
    """Return the four answers about a reply to `stage`, and whether to try again."""
    code = reply.code
    told = _by_codes(stage, code, reply.enhanced)
    if code // 100 not in (4, 5):
        return told
    verdict = reasons.judge(reply)
    return Explanation(
        code, told.standing, told.status, told.contradicts, verdict.reason, verdict.retryable
    )


@lru_cache(maxsize=4096)
def _by_codes(stage: str, code: int, enhanced: str) -> Explanation:
    """Return what does not depend on a reply's words."""
    contradicts = bool(enhanced) and int(enhanced[0]) != code // 100
    return Explanation(code, classify(stage, code), status(enhanced), contradicts, None, None)
