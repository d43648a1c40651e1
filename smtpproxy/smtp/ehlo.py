"""The reply to EHLO (RFC 5321 §4.1.1.1): a line for the greeting, and one for each extension.

Owns how it is read and edited. Does not know which extensions are good for whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from smtpproxy.smtp.facts import Reply


def keyword_of(line: bytes) -> bytes:
    """Return the keyword of an extension's line, in upper case; b"" for an empty line."""
    words = line.split(None, 1)
    return words[0].upper() if words else b""


def offers(reply: Reply, keyword: bytes) -> bool:
    """Does this reply to EHLO offer an extension?"""
    return reply.code == 250 and keyword in map(keyword_of, reply.lines[1:])


def edited(
    reply: Reply, change: Callable[[bytes], bytes | None], more: Iterable[bytes] = ()
) -> Reply:
    """Return the reply with each extension's line as `change` makes it, and then `more` of them.

    A line that becomes None is left out. Where nothing changes, it is the same reply.
    """
    first, *lines = reply.lines
    kept = [changed for changed in map(change, lines) if changed is not None]
    kept += [line for line in more if keyword_of(line) not in map(keyword_of, kept)]
    if kept == lines:
        return reply
    return Reply(reply.code, multiline(reply.code, [first, *kept]))


def multiline(code: int, lines: list[bytes]) -> bytes:
    """Return a reply of these lines as it goes over the wire (RFC 5321 §4.2.1)."""
    last = len(lines) - 1
    return b"".join(
        b"%03d%s%s\r\n" % (code, b" " if at == last else b"-", line)
        for at, line in enumerate(lines)
    )


def without_mechanisms(line: bytes, unfit: Callable[[bytes], bool]) -> bytes | None:
    """Return a line as it is, or AUTH's without unfit mechanisms; None: there is no other."""
    keyword, *mechanisms = line.split() or [b""]
    if keyword.upper() != b"AUTH":
        return line
    fit = [mechanism for mechanism in mechanisms if not unfit(mechanism.upper())]
    if len(fit) == len(mechanisms):
        return line
    return b" ".join([keyword, *fit]) if fit else None
