"""A reference model of the client's stream: slow, obvious, and written from the RFCs alone.

It is given all octets at once, looks at them one by one, and shares no code with the reader that
it is compared with, but for the facts that both speak in.
"""

from smtpproxy.smtp.facts import (
    Chunk,
    Command,
    Continuation,
    MailData,
    Opaque,
    Overlong,
)
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from tests.smtp.reading import Answer, ClientReading, Facts

BLANKS = b" \t"
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = b"0123456789"
WAITING_FOR_REPLY = ("DATA", "AUTH", "STARTTLS", "XCLIENT", "TURN", "ATRN")


class Unfinished(Exception):
    """The octets end before the line does."""


class TooLong(Exception):
    """More octets than the limit came, and no line ending."""


class Reference:
    """One reading of one client's octets, at whose commands `answer` says the reply codes."""

    def __init__(self, octets: bytes, answer: Answer, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._left = list(octets)
        self._answer = answer
        self._facts = Facts()
        self.waits = False  # nobody knows yet how what is left is meant
        self.opaque = False  # nobody reads any more
        self.unfinished = ""  # the stage of a BDAT that has not got all of its octets yet

    def read(self) -> ClientReading:
        """Return the facts, and the octets that are not part of any."""
        try:
            while self._left and not self.waits:
                self._command()
        except Unfinished:
            pass
        except TooLong:
            self._facts.append(Overlong(bytes(self._left)))
            self._left = []
        return ClientReading(self._facts, bytes(self._left))

    def _line(self, limit: int) -> bytes:
        line = b""
        for octet in self._left:
            line += bytes([octet])
            if len(line) > limit:
                raise TooLong
            if octet == ord("\n"):
                del self._left[: len(line)]
                return line
        raise Unfinished

    def _command(self) -> None:
        longest = self._limits.max_command_line
        if verb_of(bytes(self._left[:longest])) == "AUTH":
            longest = max(longest, self._limits.max_auth_line)
        line = self._line(longest)
        verb = verb_of(line)
        self._facts.append(Command(verb, line))
        if verb == "BDAT":
            self._chunk(size_of(line), line.upper().split()[-1:] == [b"LAST"])
            return
        code = self._answer(verb)
        if code is None:
            self.waits = verb in WAITING_FOR_REPLY
        elif verb == "DATA" and 300 <= code <= 399:
            self._mail_data()
        elif verb == "?" and code == 354:
            self._mail_data()  # upstream took the line for DATA, and says so
        elif verb == "AUTH" and code == 334:
            self._continuation()
        elif verb in ("STARTTLS", "TURN", "ATRN") and 200 <= code <= 299:
            self._opaque()

    def _continuation(self) -> None:
        """RFC 4954 §4: each 334 is answered with one line."""
        code: int | None = 334
        while code == 334:
            line = self._line(self._limits.max_auth_line)
            self._facts.append(Continuation(line))
            code = self._answer("AUTH")
        self.waits = code is None

    def _mail_data(self) -> None:
        """RFC 5321 §4.1.1.4: up to a line of a lone dot, each line ended by CRLF."""
        data = b""
        while self._left:
            data += bytes([self._left.pop(0)])
            if data == b".\r\n" or data.endswith(b"\r\n.\r\n"):
                self._facts.append(MailData(data, last=True))
                self._answer("END-OF-DATA")
                return
        if data:
            self._facts.append(MailData(data, last=False))

    def _chunk(self, size: int, last: bool) -> None:
        """RFC 3030 §2: exactly as many octets as the command says."""
        stage = "BDAT LAST" if last else "BDAT"
        data = b""
        while len(data) < size and self._left:
            data += bytes([self._left.pop(0)])
        if len(data) == size:
            self._facts.append(Chunk(data, last=True))
            self._answer(stage)
            return
        self.unfinished = stage
        if data:
            self._facts.append(Chunk(data, last=False))

    def _opaque(self) -> None:
        self.opaque = True
        if self._left:
            self._facts.append(Opaque(bytes(self._left)))
        self._left = []


def verb_of(line: bytes) -> str:
    """Return the word at the beginning of a line, or "?"."""
    at = 0
    while at < len(line) and line[at] in BLANKS:
        at += 1
    word = b""
    while at < len(line) and line[at] in LETTERS + DIGITS + b"-":
        word += line[at : at + 1]
        at += 1
    ended = at == len(line) or line[at] in BLANKS + b"\r\n"
    if word and word[0] in LETTERS and len(word) <= 32 and ended:
        return word.decode("ascii").upper()
    return "?"


def size_of(line: bytes) -> int:
    """Return the size in `BDAT size [LAST]`, or 0 where the line is nothing of the kind."""
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    words = [word for word in line.replace(b"\t", b" ").split(b" ") if word]
    if not words or words[0].upper() != b"BDAT":
        return 0  # something that is no blank stands between the verb and its size
    if len(words) not in (2, 3) or not 1 <= len(words[1]) <= 19:
        return 0
    if any(octet not in DIGITS for octet in words[1]):
        return 0
    if len(words) == 3 and words[2].upper() != b"LAST":
        return 0
    return int(words[1])
