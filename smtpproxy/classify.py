"""What a reply means where it stands.

Answers from the reply code and the stage alone, by way of the registry.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from smtpproxy.codes import ANYWHERE, CODES, STAGES, meaning

#: First digit of a reply code -> severity (RFC 5321 §4.2.1).
SEVERITIES = {2: "success", 3: "intermediate", 4: "transient", 5: "permanent"}


class Classification(NamedTuple):
    """The standing of a reply code at a stage."""

    severity: str  # success, intermediate, transient, permanent, or unknown
    meaning: str  # the registry's words, or "" for a code that it does not know
    known: bool  # is the code in the registry at all
    listed: bool  # is it listed for this stage
    anywhere: bool  # may it come at any stage


@lru_cache(maxsize=4096)
def classify(stage: str, code: int) -> Classification:
    """Return the classification of `code` in answer to `stage`."""
    return Classification(
        severity=SEVERITIES.get(code // 100, "unknown"),
        meaning=meaning(stage, code).removeprefix("<domain> "),
        known=code in CODES,
        listed=code in STAGES.get(stage, ()),
        anywhere=code in ANYWHERE,
    )
