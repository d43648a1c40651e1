"""A reference model of the server's stream: slow, obvious, and written from RFC 5321 §4.2 alone.

It is given all octets at once, and shares no code with the reader that it is compared with, but for
the facts that both speak in.
"""

from smtpproxy.smtp.facts import Overlong, Reply, Stray
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from tests.smtp.reading import Facts

DIGITS = b"0123456789"


def replies_in(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> Facts:
    """Return what a server's octets are: replies, stray lines, and at the end what is unfinished.

    What is unfinished is a Stray; with what is too long, and all behind it, that is an Overlong.
    """
    facts = Facts()
    reply: list[bytes] = []  # its lines so far
    lines = _lines(octets)
    while lines:
        line = lines[0]
        one_too_many = len(reply) == limits.max_reply_lines and line.endswith(b"\n")
        if one_too_many or len(line) > limits.max_reply_line:
            facts.append(Overlong(b"".join(reply + lines)))
            return facts
        if not line.endswith(b"\n"):
            break
        lines.pop(0)
        coded = len(line) > 3 and all(octet in DIGITS for octet in line[:3])
        if not coded and not reply:
            facts.append(Stray(line))
            continue
        reply.append(line)
        if coded and line[3:4] != b"-":
            facts.append(Reply(int(line[:3]), b"".join(reply)))
            reply = []
    if reply or lines:
        facts.append(Stray(b"".join(reply + lines)))
    return facts


def _lines(octets: bytes) -> list[bytes]:
    """Return the lines, each with its LF; only the last may lack one."""
    lines = [line + b"\n" for line in octets.split(b"\n")]
    last = lines.pop().removesuffix(b"\n")
    return [*lines, last] if last else lines
