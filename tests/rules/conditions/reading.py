"""Conditions as a rule file writes them, for tests."""

from __future__ import annotations

from smtpproxy.rules.load import read_rules
from smtpproxy.rules.model import Rule


def rule_at(stage: str, when: str, what: str = "{delay: 1 s}") -> Rule:
    """Return a rule at a stage, with these conditions."""
    text = f"smtpproxy-rules: 1\nrules:\n- {stage}: {what}\n  when: {when}\n"
    (rule,) = read_rules(text.encode(), "rules.yaml")
    return rule
