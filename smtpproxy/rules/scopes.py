"""Whose firings are counted together: all of the run, or those of a session, client, recipient …"""

from __future__ import annotations

from smtpproxy.rules.conditions.base import BEHIND_RCPT, IN_TRANSACTION, SENDING
from smtpproxy.rules.occasion import Occasion

RUN, SESSION, CLIENT = "run", "session", "client"
RECIPIENT, SENDER, TRIPLET = "recipient", "sender", "triplet"
SCOPES = (RUN, SESSION, CLIENT, RECIPIENT, SENDER, TRIPLET)
#: Stages at which a scope is known; what is not here is known everywhere.
KNOWN_AT = {
    SENDER: IN_TRANSACTION,
    RECIPIENT: ("RCPT", *BEHIND_RCPT),
    TRIPLET: ("RCPT", *BEHIND_RCPT),
}


def scope_of(per: str, occasion: Occasion) -> str:
    """Return the name of the scope of this kind that an occasion belongs to.

    A triplet is the client's address, the sender and the recipients.
    """
    if per == RUN:
        return ""
    if per == SESSION:
        return str(occasion.session_number)
    if per == CLIENT:
        return occasion.client
    if per == SENDER:
        return _folded(occasion.sender)
    if per == RECIPIENT:
        return _everyone(occasion)
    return f"{occasion.client}\0{_folded(occasion.sender)}\0{_everyone(occasion)}"


def scope_of_draws(occasion: Occasion) -> str:
    """Return the scope of draws where a rule names none: what does not depend on who else is there.

    It is the recipient at RCPT, the sender at MAIL, the whole envelope behind it, and elsewhere the
    client's address.
    """
    stage = occasion.exchange.stage
    if stage == "RCPT":
        return _everyone(occasion)
    if stage in SENDING:
        return _folded(occasion.sender)
    if stage in BEHIND_RCPT:
        return f"{_folded(occasion.sender)}\0{_everyone(occasion)}"
    return occasion.client


def looks_back(per: str, stage: str) -> bool:
    """Is a scope of this kind known only from the replies to earlier commands?"""
    if per == SENDER:
        return stage not in SENDING
    return per == TRIPLET or (per == RECIPIENT and stage != "RCPT")


def _folded(address: str | None) -> str:
    return (address or "").casefold()


def _everyone(occasion: Occasion) -> str:
    return "\0".join(recipient.casefold() for recipient in occasion.recipients)
