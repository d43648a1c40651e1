"""A recorded session played again to a real server, as its client: what it says this time.

Owns which commands are sent: none that delivers a message, unless that is asked for, none whose
effect is not known, and nothing in plain text that was said under TLS when it was recorded. Does no
I/O: it is a dialogue of our own, which yields what is to be sent and is sent each reply. Commands
are sent one by one, pipelined as they may have been.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Final

from smtpproxy.actions import Side, StartTls
from smtpproxy.aside import NOT_LOGGED_IN, Aside, AsideError, heard
from smtpproxy.auth.echoes import Echoes
from smtpproxy.auth.login import Credentials, LoginError, logging_in
from smtpproxy.cassette.matching import STARTTLS, begins_tls
from smtpproxy.cassette.model import END_OF_DATA, STRAY, UNSOLICITED, Kept, Recorded
from smtpproxy.cassette.model import RecordedSession as Session
from smtpproxy.cassette.playable import (
    ANSWERED_HERE,
    BEGINS,
    CHANGED,
    GREETS,
    IN_TLS,
    MAIL_DATA,
    NEW,
    NO_CREDENTIALS,
    NO_LOGIN,
    OF_MAIL_DATA,
    OVER,
    PLAIN,
    ends_mail_data,
    reply_to_auth,
    unplayable,
)
from smtpproxy.introduction import Introduction
from smtpproxy.pairing import PER_RECIPIENT
from smtpproxy.smtp.facts import Reply, is_last_chunk
from smtpproxy.smtp.maildata import FINAL_DOT, EndFinder
from smtpproxy.smtp.protocols import LMTP, SMTP

#: Gives the octets of kept mail data as they are on the wire, without the final dot.
OnTheWire = Callable[[Kept], bytes]

_RSET: Final = b"RSET\r\n"
_NO_BDAT = (500, 502, 503)


class Rehearsal:
    """One session, as it is played. `played` are its exchanges, with what is said now."""

    def __init__(
        self,
        session: Session,
        on_the_wire: OnTheWire,
        deliver: bool = False,
        credentials: Credentials | None = None,
        encrypted: bool = False,
        trusted: bool = False,
    ) -> None:
        """`encrypted`: under TLS from the start; `trusted`: upstream is on this machine."""
        self._session = session
        self._on_the_wire = on_the_wire
        self._deliver = deliver
        self._credentials = credentials
        self._encrypted = encrypted
        self._trusted = trusted
        self._left = deque(one for one in session.dialogue if one.stage not in (UNSOLICITED, STRAY))
        self._hello: Reply | None = None
        self._lmtp = any(one.stage == "LHLO" for one in self._left)
        self._open = False  # a transaction, for upstream
        self._recipients = 0  # of it that upstream accepts now
        self._takes_data = False
        self._skipping = ""  # why the rest of a transaction is not played
        self._over = False
        self._logged_in = False
        self._echoes = Echoes()
        self.played: list[tuple[Recorded, Recorded]] = []
        self.skipped: dict[str, int] = {}  # exchanges that were not played, by why

    @property
    def empty(self) -> bool:
        """Did upstream say nothing at all in it, or only behind its 221?"""
        return bool(self._session.behind) or not any(one.said for one in self._session.dialogue)

    def dialogue(self) -> Aside:
        """Return the dialogue. It raises AsideError where it can't go on."""
        why = OVER
        yield from self._greeted()
        while self._left and not self._over:
            one = self._left.popleft()
            yield from self._auth(one) if one.stage == "AUTH" else self._play(one)
            if self._must_be_encrypted(one) and not self._encrypted:
                why, self._over = PLAIN, True
        for _ in self._left:
            self._skip(why)
        return None

    def _greeted(self) -> Aside:
        """Hear the greeting, and begin TLS where it was not the client who had asked for it."""
        first = self._left.popleft() if self._left and self._left[0].stage == "CONNECT" else None
        unasked = Introduction(protocol=LMTP if self._lmtp else SMTP, starttls=self._owes_tls())
        greeting = heard((yield from unasked.aside()))
        self._over = greeting.code // 100 != 2
        self._encrypted = self._encrypted or (unasked.starttls and not self._over)
        if first is not None and first.said:
            self._heard(first, greeting)
            self._over = self._over or first.said[0][:1] != b"2"
        elif self._over:
            raise AsideError(f"upstream greets with {greeting.code:03d}")
        return None

    def _owes_tls(self) -> bool:
        """Was it the proxy who had this encrypted, and not the client by way of upstream?"""
        if self._encrypted or any(map(self._must_be_encrypted, self._left)):
            return False
        upstream = self._session.tls.get("upstream")
        if upstream is not None and not upstream.failed:
            return True
        # A client that was answered by the proxy took what it said for secret.
        return not self._trusted and any(begins_tls(one.stage, one.heard) for one in self._left)

    def _must_be_encrypted(self, one: Recorded) -> bool:
        """Did TLS begin behind this exchange?"""
        return bool(one.said) and begins_tls(one.stage, one.said[0])

    def _play(self, one: Recorded) -> Aside:
        if one.stage in NEW:
            self._skipping = ""
        if self._skipping:
            self._skip(self._skipping)
            if ends_mail_data(one):
                self._skipping = ""
        elif why := self._why_not(one):
            yield from self._pass_over(one, why)
        else:
            reply = heard((yield self._octets(one)))
            yield from self._further(one, reply)
            yield from self._followed(one, reply)
        return None

    def _why_not(self, one: Recorded) -> str:
        """Return why an exchange is not played; "" where it is."""
        if why := unplayable(one):
            return why
        if one.stage == END_OF_DATA:
            return "" if self._takes_data else MAIL_DATA
        if one.stage in OF_MAIL_DATA and not self._has_mail_data(one):
            return MAIL_DATA
        return IN_TLS if self._encrypted and self._must_be_encrypted(one) else ""

    def _has_mail_data(self, one: Recorded) -> bool:
        """Is mail data to be sent, and there? Half a message can't be taken back."""
        if not self._deliver:
            return False
        if one.stage == "BDAT":
            return one.kept is not None or one.sent.split()[1:2] == [b"0"]
        follows = bool(self._left) and self._left[0].stage == END_OF_DATA
        return one.said[0][:1] != b"3" or (follows and bool(self._left[0].said))

    def _pass_over(self, one: Recorded, why: str) -> Aside:
        """Leave an exchange out, and the rest of its transaction where that would not be as it was.

        Upstream has heard nothing of what was answered here.
        """
        self._skip(why)
        if one.stage in OF_MAIL_DATA or (one.said and (one.stage in BEGINS or self._open)):
            yield from self._take_back(why)
            if ends_mail_data(one):
                self._skipping = ""
        return None

    def _take_back(self, why: str) -> Aside:
        """End the transaction, so that nothing of it can be delivered."""
        self._skipping = why
        if self._open:
            reply = heard((yield _RSET))
            if reply.code // 100 != 2:
                raise AsideError(f"upstream answers RSET with {reply.code:03d}")
        self._open, self._recipients = False, 0
        return None

    def _octets(self, one: Recorded) -> bytes:
        """Return what is sent."""
        octets = self._on_the_wire(one.kept) if one.kept is not None else b""
        if one.stage == END_OF_DATA:
            octets += FINAL_DOT if octets.endswith(b"\r\n") or not octets else b"\r\n" + FINAL_DOT
            if EndFinder().find(octets) != len(octets):
                raise AsideError("a recorded message has a final dot within: it would be two")
            return octets
        if one.stage == "BDAT":
            # By redaction, or by hand, it may have become another size.
            return b"BDAT %d%s\r\n" % (len(octets), b" LAST" * is_last_chunk(one.sent)) + octets
        return one.sent

    def _further(self, one: Recorded, first: Reply) -> Generator[bytes | StartTls, Reply | None]:
        """Hear all replies to an exchange (RFC 2033 §4.2: one for each recipient)."""
        owed = 1
        if ends_mail_data(one) and (one.stage == END_OF_DATA or first.code not in _NO_BDAT):
            if first.code == PER_RECIPIENT:
                owed = self._recipients + 2
            elif self._lmtp:
                owed = max(1, self._recipients)
        replies = [first]
        while len(replies) < owed and replies[-1].code != 421:
            replies.append(heard((yield b"")))
        self._over = self._over or replies[-1].code == 421
        self._heard(one, *replies)

    def _followed(self, one: Recorded, now: Reply) -> Aside:
        """See what the reply means for what comes."""
        stage, good = one.stage, now.code // 100 == 2
        otherwise = one.said[0][:1] != now.wire[:1]
        if self._over:
            return None
        if stage in GREETS and good:
            self._hello = now
            self._open, self._recipients = False, 0
        elif stage in BEGINS:
            self._open, self._recipients = self._open or good, 0
            if otherwise:
                yield from self._take_back(CHANGED)
        elif stage == "RCPT":
            self._recipients += good
        elif stage == "RSET" and good:
            self._open, self._recipients = False, 0
        elif stage in OF_MAIL_DATA:
            yield from self._took(one, now, otherwise)
        elif stage in (STARTTLS, "XCLIENT"):
            yield from self._begun_anew(one, now)
        elif stage == "QUIT":
            self._over = True
        return None

    def _took(self, one: Recorded, now: Reply, otherwise: bool) -> Aside:
        """See how mail data goes on."""
        if one.stage == "DATA":
            self._takes_data = now.code // 100 == 3
            # Mail data that nobody has: only leaving takes it back.
            self._over = self._takes_data and otherwise
        if one.stage == END_OF_DATA or (ends_mail_data(one) and now.code // 100 == 2):
            self._takes_data, self._open, self._recipients = False, False, 0
        elif ends_mail_data(one):
            yield from self._take_back("")  # a chunk that was refused may leave the rest
        elif otherwise and not self._over:
            yield from self._take_back(CHANGED)
        return None

    def _begun_anew(self, one: Recorded, now: Reply) -> Aside:
        """Begin again: upstream has forgotten what it was told."""
        if now.code != 220:
            return None
        self._hello, self._open, self._recipients = None, False, 0
        if one.stage == STARTTLS:
            self._over = not self._must_be_encrypted(one) or self._session.opaque == STARTTLS
            if self._must_be_encrypted(one):
                yield StartTls(Side.UPSTREAM)
                self._encrypted = True
        return None

    def _auth(self, one: Recorded) -> Aside:
        """Log in by our own credentials, where somebody was: the recorded ones are not kept."""
        last, many = one, 1
        while (
            reply_to_auth(last).startswith(b"334") and self._left and self._left[0].stage == "AUTH"
        ):
            last, many = self._left.popleft(), many + 1
        if one.rule or last.rule:
            self._skip(ANSWERED_HERE, many)
        elif not reply_to_auth(last).startswith(b"235") or self._logged_in:
            self._skip(NO_LOGIN, many)
        elif self._credentials is None:
            self._skip(NO_CREDENTIALS, many)
        else:
            yield from self._log_in(self._credentials)
        return None

    def _log_in(self, credentials: Credentials) -> Aside:
        self._echoes.learn_parts(credentials.password.encode())
        secure = self._encrypted or self._trusted
        steps = logging_in(credentials, self._hello or Reply(250, b"250 \r\n"), secure=secure)
        try:
            step = next(steps)
            while True:
                step = steps.send(heard((yield step)))
        except StopIteration:
            self._logged_in = True
        except LoginError as error:
            raise AsideError(str(error), NOT_LOGGED_IN) from None
        return None

    def _heard(self, one: Recorded, *replies: Reply) -> None:
        was = one._replace(kept=None, saw=None, changed=False)
        said = tuple(self._echoes.without_lines(reply.wire) for reply in replies)
        self.played.append((was, was._replace(said=said, line=0)))

    def _skip(self, why: str, many: int = 1) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + many
