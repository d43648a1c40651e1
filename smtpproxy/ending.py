"""How a session ends: which side has ended, what the other is told, and when all is over.

Owns what is known of the end, and the actions that carry it out. Says nothing to anybody: a reply
that goes with an end is the relay's.
"""

from __future__ import annotations

from smtpproxy.actions import Action, Close, HalfClose, Reset, Side


class Ending:
    """What is known of the end of one session."""

    __slots__ = (
        *("client_ended", "closing", "end_told", "goodbye", "half_closed"),
        *("how", "left", "mute", "upstream_ended", "withheld"),
    )

    def __init__(self) -> None:
        self.closing = False  # nothing more is read from the client
        self.left = False  # the client's leg is closed from here: nothing more is sent to it
        # It waits for ever, on purpose: it is neither heard nor told anything more.
        self.withheld = False
        self.half_closed = False  # by a rule: it was told that nothing more will be said
        self.mute = False  # for one of these reasons nothing more is said to it
        self.goodbye = False  # the client heard 221 or 421
        self.end_told = False  # upstream was told that the client will send nothing more
        self.client_ended = False  # it will say no more
        self.upstream_ended = False
        self.how = ""  # in one word, or two; "": it has not ended

    def said_goodbye(self, stage: str) -> None:
        """The client heard 221 or 421: a server closes behind it (RFC 5321 §3.8)."""
        self.goodbye = True
        if stage == "QUIT":
            self.how = "quit"

    def carry_over(
        self, side: Side, clean: bool, unanswered: bool, whole: bool = False
    ) -> list[Action]:
        """One side will say no more: so the other is told, or all is over.

        `unanswered`: the client still waits for replies. `whole`: the other's leg can't be closed
        by halves, since it is encrypted.
        """
        if self.left:
            return []
        from_client = side is Side.CLIENT
        other = Side.UPSTREAM if from_client else Side.CLIENT
        other_ended = self.upstream_ended if from_client else self.client_ended
        self.how = self.how or f"{side.name.lower()}-{'drop' if clean else 'reset'}"
        listening = clean and from_client and unanswered
        if not clean and not self.goodbye:
            actions: list[Action] = [Reset(other)]
        elif other_ended or whole or (self.goodbye and not listening):
            actions = [Close(Side.CLIENT), Close(Side.UPSTREAM)]
        else:
            return [HalfClose(other)]
        self.closing = self.left = self.mute = True
        return actions

    def leave(self, how: str, actions: list[Action]) -> list[Action]:
        """End the session from here: `actions` close the client's leg."""
        self.how = self.how or how
        self.closing = self.left = self.mute = True
        return [*actions, Close(Side.UPSTREAM)]

    def withhold(self) -> list[Action]:
        """Let the client wait for ever: upstream will never hear more of it."""
        if self.client_ended:
            return self.leave("client-drop", [Close(Side.CLIENT)])  # it says no more, either
        self.withheld = self.closing = self.mute = True
        return [Close(Side.UPSTREAM)]
