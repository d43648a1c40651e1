"""On what terms a fuzzed session is relayed: rules, refusals, limits, and an introduction."""

from __future__ import annotations

from smtpproxy.refusals import refused_anomalies
from tests.dialogue import rules_in
from tests.fuzz.drawn import TIGHT
from tests.relaying import Terms

_RULES = rules_in(
    "EHLO: {delay: 1 s}",
    "RCPT no@example.net: 550",
    "{RCPT: 450 4.7.1 Later, when: {sender: bad@example.org}}",
    "{RCPT: 251 Told, when: {recipient: b@example.net}}",
    "{MAIL: {reply: 250 Sure, upstream: forward}, when: {reply: 5xx}}",
    "{DATA: {reply: 354 Mine, upstream: none}, when: {sender: x@example.org}}",
    "{DATA: {reply: 451 Not so, upstream: forward}, when: {reply: 355}}",
    "{END-OF-DATA: 552, when: {recipient: c@example.net}}",
    "{END-OF-DATA: {client: drop, upstream: deliver}, when: {reply: 251}}",
    "{AUTH: {reply: 235 In, upstream: forward}, when: {reply: 504}}",
    "{STARTTLS: {reply: 454, upstream: forward}, when: {reply: 220}}",
    "VRFY: {reply: 252 Perhaps, upstream: none}",
    "HELP: {client: reset}",
    "EXPN: 421",
)
_REFUSED = refused_anomalies(["refuse"])


#: By the octet that stands for them in a script.
TERMS = {
    b"1": Terms(_RULES),
    b"2": Terms(refused=_REFUSED),
    b"3": Terms(_RULES, _REFUSED),
    b"4": Terms(limits=TIGHT),
    b"5": Terms(_RULES, introduced=True),
}
