"""What a session is about to do, in order for each side."""

from __future__ import annotations

from collections.abc import Callable

from smtpproxy.actions import Action, Send, Side, Wait

_CLIENT, _UPSTREAM = Side.CLIENT, Side.UPSTREAM
#: Octets that are kept back, at most: a client that never waits would make the group endless. An
#: action counts for some of its own.
MOST_KEPT = 256 * 1024
_ACTION = 64


def joined(actions: list[Action]) -> list[Action]:
    """Return the actions, each run of octets for one side in one piece."""
    found: list[Action] = []
    pieces: list[bytes] = []  # of the run that is going on
    side: Side | None = None
    for action in actions:
        if type(action) is not Send or action.side is not side:
            _end_run(found, side, pieces)
            side = action.side if type(action) is Send else None
        if type(action) is Send:
            pieces.append(action.octets)
        else:
            found.append(action)
    _end_run(found, side, pieces)
    return found


def _end_run(found: list[Action], side: Side | None, pieces: list[bytes]) -> None:
    if side is not None:
        found.append(Send(side, pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        pieces.clear()


class Outgoing:
    """Actions that are still to be carried out. Octets for upstream travel together if they can."""

    __slots__ = ("_holding", "_kept", "_room", "actions", "upward")

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.upward: list[bytes] = []  # octets for upstream that one segment may carry
        self._holding: Callable[[], bool] | None = None
        self._kept: list[Action] = []  # for the client
        self._room = 0  # octets that may yet be kept

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
        """Return what is to be done, and forget it. Octets that go together are one piece."""
        actions, self.actions = self.actions, []
        if self._holding is not None:
            actions = self._held_back(actions, self._holding)
        return joined(actions) if len(actions) > 1 else actions

    def hold_while(self, holding: Callable[[], bool]) -> None:
        """Keep back all that is for the client, for as long as this is true; then let it go."""
        if self._holding is None:
            self._room = MOST_KEPT
        self._holding = holding

    def _held_back(self, actions: list[Action], holding: Callable[[], bool]) -> list[Action]:
        ours = [action for action in actions if action.side is _CLIENT]
        others = [action for action in actions if action.side is not _CLIENT]
        self._kept += ours
        self._room -= sum(
            _ACTION + (len(action.octets) if type(action) is Send else 0) for action in ours
        )
        if self._room > 0 and holding():
            return others
        kept, self._kept, self._holding = self._kept, [], None
        # What comes together waits first, and then for nothing.
        waits = [action for action in kept if type(action) is Wait]
        return [*others, *waits, *(action for action in kept if type(action) is not Wait)]
