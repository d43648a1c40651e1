"""What becomes of mail under a rule, recipient by recipient, and how a page says it.

Knows neither rules nor Postfix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from smtpproxy.rules.presets import preset_text

PRESET = "--preset "


@dataclass(frozen=True)
class Fate:
    """What becomes of a message for one recipient.

    `queue` is what stands in the reason that the queue shows while the fault lasts (`…`: any text),
    and empty where the queue no longer has the recipient. `bounce` is the Status of the bounce
    message, if there is one. `copies` is how often upstream has the message then, and `at_last` how
    often once the fault was over and the queue was flushed.
    """

    queue: str = ""
    bounce: str = ""
    copies: int = 0
    at_last: int = 0

    def shows(self, reason: str) -> bool:
        """Whether this is the reason in the queue that was foretold."""
        if not self.queue:
            return not reason
        parts = [re.escape(part) for part in self.queue.split("…")]
        return re.search(".*".join(parts), reason, re.DOTALL) is not None

    @property
    def words(self) -> str:
        """How it ends, for the page."""
        if self.bounce:
            return f"bounce, {self.bounce}{' though delivered' if self.copies else ''}"
        if self.at_last > 1:
            return "put off though delivered; delivered twice"
        if self.queue:
            return "put off; delivered later"
        return "delivered" if self.copies else "lost"


#: What becomes of one message, by recipient.
Fates: TypeAlias = Mapping[str, Fate]


def delivered() -> Fate:
    """It arrives at once."""
    return Fate(copies=1, at_last=1)


def kept(reason: str, copies: int = 0) -> Fate:
    """It stays in the queue for this reason, and arrives (once more) after the flush."""
    return Fate(queue=reason, copies=copies, at_last=copies + 1)


def bounced(status: str, copies: int = 0) -> Fate:
    """The sender hears that it failed."""
    return Fate(bounce=status, copies=copies, at_last=copies)


def lost() -> Fate:
    """It arrives nowhere, and nobody hears of it."""
    return Fate()


@dataclass(frozen=True)
class Row:
    """Rules, the messages that are sent under them, and what becomes of each.

    `rules` has a rule a line, as it stands behind the dash of a rule file; a line that begins with
    a blank continues the one before. Or it names a preset, as `--preset NAME`. `transport` is how
    Postfix sends; with `KEPT` all messages go over one connection. `options` are for the proxy.
    The rules are taken back before the queue is flushed, unless they end by themselves (`ends`).
    """

    name: str
    rules: str
    messages: tuple[Fates, ...]
    transport: str = "smtp"
    options: tuple[str, ...] = ()
    ends: bool = False

    @property
    def fates(self) -> list[tuple[str, Fate]]:
        """Each recipient's local part, and what becomes of the mail."""
        return [
            (recipient.partition("@")[0], fate)
            for message in self.messages
            for recipient, fate in message.items()
        ]

    @property
    def file(self) -> str:
        """The rule file."""
        if self.rules.startswith(PRESET):
            return preset_text(self.rules.removeprefix(PRESET))
        listed = re.sub(r"^(?=\S)", "- ", self.rules, flags=re.MULTILINE)
        return f"smtpproxy-rules: 1\nrules:\n{listed}\n"
