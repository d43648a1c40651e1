"""What a session is about to do, in order for each side."""

from __future__ import annotations

from smtpproxy.actions import Action, Send, Side

_UPSTREAM = Side.UPSTREAM


class Outgoing:
    """Actions that are still to be carried out. Octets for upstream travel together if they can."""

    __slots__ = ("actions", "upward")

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.upward: list[bytes] = []  # octets for upstream that one segment may carry

    def flush(self) -> None:
        """Let nothing for upstream stay behind what follows."""
        upward = self.upward
        if upward:
            octets = upward[0] if len(upward) == 1 else b"".join(upward)
            self.actions.append(Send(_UPSTREAM, octets))
            upward.clear()

    def end(self, actions: list[Action]) -> None:
        """Do this once all octets are sent: it ends a connection, or one half of it."""
        self.flush()
        self.actions += actions

    def take(self) -> list[Action]:
        """Return what is to be done, and forget it."""
        actions, self.actions = self.actions, []
        return actions
