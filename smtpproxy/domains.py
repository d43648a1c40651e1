"""How often each code answered for each recipient domain.

Owns how many domains are counted by name, and how they are shown: they come from peers.
"""

from __future__ import annotations

from smtpproxy.visible import visible_text

#: This many domains are counted by name, those that come first; what is not is counted as one.
MOST_DOMAINS = 1000
OTHER = "(other)"
NONE = "(none)"  # RFC 5321 §4.1.1.3: RCPT TO:<Postmaster> has none


class Domains:
    """Replies by domain, stage and code."""

    def __init__(self) -> None:
        self._replies: dict[str, dict[str, dict[int, int]]] = {}

    def count(self, domain: str, stage: str, code: int) -> None:
        """Count a reply for a domain, which is "" where there was none."""
        stages = self._replies.get(domain)
        if stages is None:
            stages = self._stages(domain)
        codes = stages.get(stage)
        if codes is None:
            codes = stages[stage] = {}
        codes[code] = codes.get(code, 0) + 1

    def _stages(self, domain: str) -> dict[str, dict[int, int]]:
        name = visible_text(domain) or NONE
        if name not in self._replies and len(self._replies) >= MOST_DOMAINS:
            name = OTHER
        return self._replies.setdefault(name, {})

    def by_domain(self) -> dict[str, dict[str, dict[int, int]]]:
        """Return the counts, the domains with the most replies first."""
        busiest = sorted(self._replies.items(), key=lambda item: (-_replies(item[1]), item[0]))
        return {
            domain: {stage: dict(sorted(codes.items())) for stage, codes in sorted(stages.items())}
            for domain, stages in busiest
        }


def _replies(stages: dict[str, dict[int, int]]) -> int:
    return sum(sum(codes.values()) for codes in stages.values())
