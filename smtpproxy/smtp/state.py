"""What is known of a session: its phase and its mail transaction.

Owns the table of transitions. It is a fact for rules, logs and tests: framing never depends on it.
"""

from __future__ import annotations

from smtpproxy.smtp.facts import Command, Reply, is_last_chunk
from smtpproxy.smtp.path import Path, domain_in, parse_path


class Phase:
    """Where in a session its client stands: plain words, since enum members hash slowly."""

    CONNECTED = "connected"  # before the greeting
    GREETED = "greeted"  # before HELO, EHLO or LHLO
    IDLE = "idle"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    OPAQUE = "opaque"
    OVER = "over"


#: Every phase, in the order of a session.
PHASES = tuple(value for name, value in vars(Phase).items() if name.isupper())

#: (phase, stage, first digit of the reply) -> phase. A phase of None stands for any.
TRANSITIONS: dict[tuple[str | None, str, int], str] = {
    (Phase.CONNECTED, "CONNECT", 2): Phase.GREETED,
    (None, "HELO", 2): Phase.IDLE,  # RFC 5321 §4.1.4: also ends an open transaction
    (None, "EHLO", 2): Phase.IDLE,
    (None, "LHLO", 2): Phase.IDLE,
    (None, "RSET", 2): Phase.IDLE,
    (None, "MAIL", 2): Phase.MAIL,
    (None, "SEND", 2): Phase.MAIL,  # RFC 821 §3.4: these begin a transaction as MAIL does
    (None, "SOML", 2): Phase.MAIL,
    (None, "SAML", 2): Phase.MAIL,
    (Phase.MAIL, "RCPT", 2): Phase.RCPT,
    (None, "DATA", 3): Phase.DATA,  # RFC 2920 §3.1: some servers say 354 without a recipient
    (None, "END-OF-DATA", 2): Phase.IDLE,
    (None, "END-OF-DATA", 4): Phase.IDLE,
    (None, "END-OF-DATA", 5): Phase.IDLE,
    (None, "STARTTLS", 2): Phase.OPAQUE,
    (None, "TURN", 2): Phase.OPAQUE,
    (None, "ATRN", 2): Phase.OPAQUE,
    (None, "XCLIENT", 2): Phase.GREETED,
    (None, "QUIT", 2): Phase.OVER,
}

# Every phase spelled out, as plain text: one look-up for each reply.
_NEXT: dict[tuple[str, str, int], str] = {
    (start, stage, digit): following
    for specific in (False, True)
    for (phase, stage, digit), following in TRANSITIONS.items()
    for start in (PHASES if phase is None else (phase,))
    if (phase is not None) is specific
}
_BEGINNING = frozenset({"MAIL", "SEND", "SOML", "SAML"})
#: Octets of memory for accepted RCPTs, and what each takes beside its line. There is room for some
#: 2,500; RFC 5321 §4.5.3.1.8 asks servers to take 100.
_ROOM = 256 * 1024
_LINE = 64
#: Commands by which a client introduces itself.
HELLO = frozenset({"HELO", "EHLO", "LHLO"})


class State:
    """The phase, and the envelope as far as it was accepted."""

    __slots__ = (
        *("_accepted", "_hello", "_mail", "_paths", "_room", "_sender"),
        *("envelopes", "helo", "lmtp", "phase", "recipients", "secure", "transactions", "user"),
    )

    def __init__(self) -> None:
        self.phase = Phase.CONNECTED
        self.helo = b""  # the argument of the last accepted HELO, EHLO or LHLO
        self.lmtp = False  # that was LHLO (RFC 2033): each recipient's message has its own reply
        self.secure = False  # the client's leg is encrypted
        self.user = ""  # whom the client has logged in as, and was told so
        self.transactions = 0  # mail transactions that were begun
        self.envelopes = 0  # grows when one begins, and when one ends
        self._hello: Reply | None = None
        # Commands are kept as they are: most sessions are never asked for their paths.
        self._mail: Command | None = None
        self._sender: Path | None = None
        self.recipients = 0  # how many RCPTs of the open mail transaction were accepted
        self._accepted: list[bytes] = []  # their lines, as far as there is room
        self._room = _ROOM
        self._paths: list[Path | None] = []  # of those that were asked for

    @property
    def has_envelope(self) -> bool:
        """Is a mail transaction open?"""
        return self._mail is not None

    @property
    def sender(self) -> Path | None:
        """The reverse-path of the open mail transaction, or None where there is none."""
        if self._sender is None and self._mail is not None:
            self._sender = parse_path(self._mail.argument)
        return self._sender

    @property
    def accepted(self) -> list[Path]:
        """The forward-paths that were accepted, in order, as far as they are remembered."""
        return [path for path in self._read() if path is not None]

    def accepted_addresses(self) -> list[str]:
        """Return the address of each accepted RCPT, or "" where it is not known."""
        addresses = [path.address if path else "" for path in self._read()]
        return addresses + [""] * (self.recipients - len(addresses))

    def _read(self) -> list[Path | None]:
        for rcpt in self._accepted[len(self._paths) :]:
            self._paths.append(parse_path(Command("RCPT", rcpt).argument))
        return self._paths

    def accepted_domains(self) -> set[str]:
        """Return the domain of each accepted RCPT, in lower case, "" where it has none."""
        return set(map(domain_in, self._accepted))

    @property
    def hello(self) -> bytes:
        """The reply to HELO, EHLO or LHLO that the client heard last, or b""."""
        return self._hello.wire if self._hello else b""

    @property
    def keywords(self) -> dict[str, str]:
        """The EHLO keywords that the client heard last, in upper case, each with its parameters."""
        lines = self._hello.lines[1:] if self._hello else []
        words = (line.decode("utf-8", "backslashreplace").partition(" ") for line in lines)
        return {keyword.upper(): parameters.strip() for keyword, _, parameters in words}

    @property
    def offers_pipelining(self) -> bool:
        """Was PIPELINING (RFC 2920) offered?"""
        return self._hello is not None and b"PIPELINING" in self._hello.wire.upper()

    def greeted_again(self, reply: Reply) -> None:
        """Take note of the reply to HELO, EHLO or LHLO that the client heard."""
        self._hello = reply

    def observe(self, stage: str, command: Command | None, code: int) -> None:
        """Take note of what the client heard in answer to `command` at `stage`."""
        digit = code // 100
        if stage == "BDAT" and command is not None and is_last_chunk(command.wire):
            stage = "END-OF-DATA"  # RFC 3030 §2
        phase = _NEXT.get((self.phase, stage, digit))
        if stage == "RCPT":
            if digit == 2 and command is not None:
                self._accept(command.wire)
        elif stage in _BEGINNING and digit == 2:
            self.transactions += 1
            self._begin(command)
        elif phase in (Phase.IDLE, Phase.GREETED):
            self._begin(None)
            if command is not None and stage in HELLO:
                self.helo = command.argument
                self.lmtp = stage == "LHLO"
        if phase is not None:
            self.phase = phase

    def start_over(self) -> None:
        """TLS has begun: what was said in plain text is forgotten (RFC 3207 §4.2)."""
        self.phase, self.helo, self.lmtp, self._hello = Phase.GREETED, b"", False, None
        self.user = ""
        self._begin(None)

    def _begin(self, mail: Command | None) -> None:
        """Begin a mail transaction, or end one."""
        self.envelopes += 1
        self._mail, self._sender = mail, None
        self.recipients, self._room = 0, _ROOM
        self._accepted, self._paths = [], []

    def _accept(self, rcpt: bytes) -> None:
        """Remember a recipient. Where nobody refuses any, there may be too many of them."""
        self.recipients += 1
        if self._room > 0:
            self._room -= _LINE + len(rcpt)
            self._accepted.append(rcpt)
