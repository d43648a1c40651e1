"""The catalogue of conditions: one kind a file, each named here by its key in `when:`."""

from __future__ import annotations

from typing import Final

from smtpproxy.rules.conditions.addresses import Recipient, Sender
from smtpproxy.rules.conditions.base import Condition, ConditionError
from smtpproxy.rules.conditions.chance import Chance
from smtpproxy.rules.conditions.combinations import All, Any, Not
from smtpproxy.rules.conditions.encrypted import Tls
from smtpproxy.rules.conditions.message import Header, Size
from smtpproxy.rules.conditions.network import Client
from smtpproxy.rules.conditions.ordinals import NthCommand, NthMessage, NthSession
from smtpproxy.rules.conditions.parameters import Parameters
from smtpproxy.rules.conditions.reply import UpstreamReply
from smtpproxy.rules.conditions.sincestart import SinceStart
from smtpproxy.rules.conditions.texts import Hello, User

CONDITIONS: Final[dict[str, type[Condition]]] = {
    "chance": Chance,
    "client": Client,
    "command": NthCommand,
    "header": Header,
    "hello": Hello,
    "message": NthMessage,
    "parameters": Parameters,
    "recipient": Recipient,
    "reply": UpstreamReply,
    "sender": Sender,
    "session": NthSession,
    "since-start": SinceStart,
    "size": Size,
    "tls": Tls,
    "user": User,
}

__all__ = [
    "CONDITIONS",
    "All",
    "Any",
    "Chance",
    "Client",
    "Condition",
    "ConditionError",
    "Header",
    "Hello",
    "Not",
    "NthCommand",
    "NthMessage",
    "NthSession",
    "Parameters",
    "Recipient",
    "Sender",
    "SinceStart",
    "Size",
    "Tls",
    "UpstreamReply",
    "User",
]
