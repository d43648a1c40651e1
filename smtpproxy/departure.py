"""A connection to a cassette that may go on as one to upstream.

Owns what counts of what the client has said so far: the prologue and the open mail transaction. A
message that was finished is never sent again.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpproxy.catchup import Said
from smtpproxy.replay import Replay
from smtpproxy.responder import Answer
from smtpproxy.smtp.facts import (
    Chunk,
    Command,
    Continuation,
    MailData,
    Reply,
    is_last_chunk,
)
from smtpproxy.smtp.server import final_code
from smtpproxy.smtp.state import HELLO

_BEGINS = frozenset({"MAIL", "SEND", "SOML", "SAML"})


class Remembered:
    """A connection to a cassette that is remembered, and departs where the cassette ends.

    `may_depart`: is nothing of the client on its way that can't be sent to another?
    """

    def __init__(self, replay: Replay, may_depart: Callable[[], bool]) -> None:
        self._replay = replay
        self._may_depart = may_depart
        self.mail_data: Callable[[MailData | Chunk], None] | None = replay.mail_data
        self.announced = replay.announced
        replay.departs = self._departs
        self._prologue: list[Said] = []
        self._auth: list[Said] = []  # an AUTH that is not over
        self._open: list[Said] = []  # the mail transaction
        self._begun = False  # mail data, which are not kept
        self.departed = False

    def history(self) -> list[Said]:
        """Return what is to be said again, in order."""
        return [*self._prologue, *self._open]

    def greeting(self) -> Answer:
        """Greet as recorded."""
        return self._noted(None, self._replay.greeting())

    def command(self, command: Command) -> Answer:
        """Answer as recorded."""
        return self._noted(command, self._replay.command(command))

    def continuation(self, line: Continuation) -> Answer:
        """Answer as recorded."""
        return self._noted(line, self._replay.continuation(line))

    def end_of_mail_data(self) -> Answer:
        """Answer as recorded."""
        answer = self._replay.end_of_mail_data()
        self._open, self._begun = [], False
        return answer

    def gone(self) -> None:
        """The client has left, or has gone on to upstream."""
        self._replay.gone()

    def _departs(self, stage: str) -> bool:
        self.departed = not self._begun and stage != "BDAT" and self._may_depart()
        return self.departed

    def _noted(self, command: Command | Continuation | None, answer: Answer) -> Answer:
        if self.departed:
            return answer
        said = Said(command, Reply(final_code(answer.octets), answer.octets))
        stage, code = said.stage, said.reply.code
        if stage == "AUTH":
            self._take_auth(said)
        elif stage == "CONNECT" or (stage in HELLO and code // 100 == 2):
            self._take_hello(said)
        elif stage == "STARTTLS" and code == 220:
            self._prologue.append(said)
        elif stage in _BEGINS and code // 100 == 2:
            self._open, self._begun = [said], False
        elif stage == "RCPT" and code // 100 == 2:
            self._open.append(said)
        elif stage == "RSET" or (stage == "BDAT" and _is_last(command)):
            self._open, self._begun = [], False
        elif (stage == "DATA" and code // 100 == 3) or stage == "BDAT":
            self._begun = True
        return answer

    def _take_hello(self, said: Said) -> None:
        """The last of several since TLS began is the one that counts."""
        self._open, self._begun = [], False
        at = len(self._prologue)
        while at and self._prologue[at - 1].stage in HELLO:
            at -= 1
        self._prologue[at:] = [said]

    def _take_auth(self, said: Said) -> None:
        self._auth.append(said)
        if said.reply.code == 334:
            return
        if said.reply.code == 235:
            self._prologue += self._auth
        self._auth = []


def _is_last(command: Command | Continuation | None) -> bool:
    return isinstance(command, Command) and is_last_chunk(command.wire)
