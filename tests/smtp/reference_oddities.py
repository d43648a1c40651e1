"""A reference model of what is odd in lines, replies and mail data: by the words of its names."""

from __future__ import annotations

from itertools import pairwise

from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.lookalike import Found

NAMES = {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}
INVISIBLE = {b"\0": "NUL", b" ": "SP", b"\t": "TAB", b"\x0b": "VT", b"\xe2\x80\x8b": "ZWSP"}
BLANK = {"SP", "TAB"}
#: How many invisible characters there may be on a side of the dot.
MOST = 8


def odd_in_line(line: bytes) -> set[str]:
    """Return the names of what is odd in the octets of a command or a reply."""
    alone = line.replace(b"\r\n", b"")
    found = set()
    if b"\r" in alone:
        found.add("bare-cr")
    if b"\n" in alone:
        found.add("bare-lf")
    if b"\0" in line:
        found.add("nul")
    if any(octet in range(1, 32) and octet not in b"\t\r\n" for octet in line) or b"\x7f" in line:
        found.add("control")
    try:
        line.decode()
    except UnicodeDecodeError:
        found.add("not-utf-8")
    return found


def odd_in_reply(reply: Reply) -> set[str]:
    """Return the names of what is odd in a reply."""
    found = odd_in_line(reply.wire)
    code = f"{reply.code:03d}"
    if code[0] not in "2345":
        found.add("odd-code")
    if reply.enhanced and reply.enhanced[0] != code[0]:
        found.add("enhanced-code-contradicts")
    for line in reply.wire.removesuffix(b"\n").split(b"\n"):
        text = line.removesuffix(b"\r").decode("latin-1")
        if len(line) + 1 > 512:
            found.add("long-reply-line")
        if len(text) < 3 or any(letter not in "0123456789" for letter in text[:3]):
            found.add("line-without-code")
            continue
        if text[:3] != code:
            found.add("mixed-codes")
        if len(text) == 3:
            found.add("code-only")
        elif text[3] not in " -":
            found.add("no-space")
    return found


def odd_in_mail_data(octets: bytes) -> set[Found]:
    """Return what is odd in mail data; a CR at its very end is not judged yet."""
    lines = _lines(octets)
    found = set()
    if any(ending == b"\r" for _, ending in lines):
        found.add(Found("bare-cr", ""))
    if any(ending == b"\n" for _, ending in lines):
        found.add(Found("bare-lf", ""))
    if b"\0" in octets:
        found.add(Found("nul", ""))
    for (_, begin), (text, end) in pairwise([(b"", b"\r\n"), *lines]):
        before, dot, after = text.partition(b".")
        words = _invisible(before), _invisible(after)
        if dot and end and words[0] is not None and words[1] is not None:
            found |= _look_alike(NAMES[begin], words[0], words[1], NAMES[end])
    return found


def _look_alike(begin: str, before: list[str], after: list[str], end: str) -> set[Found]:
    beside = {*before, *after}
    if not beside and begin == end == "CRLF":
        return set()  # the end of mail data
    form = " ".join([begin, *before, ".", *after, end])
    if not beside:
        return {Found("look-alike-end", form)}
    return {Found("look-alike-end-blank" if beside <= BLANK else "look-alike-end-nul", form)}


def _lines(octets: bytes) -> list[tuple[bytes, bytes]]:
    """Return each line and its ending; the last has none."""
    lines = []
    text = b""
    at = 0
    while at < len(octets):
        ending = octets[at : at + 2] if octets[at : at + 2] == b"\r\n" else octets[at : at + 1]
        if ending == b"\r" and at + 1 == len(octets):
            break
        if ending in NAMES:
            lines.append((text, ending))
            text = b""
        else:
            text += ending
        at += len(ending)
    return [*lines, (text, b"")]


def _invisible(octets: bytes) -> list[str] | None:
    """Return the names of these characters, or None where one of them can be seen."""
    words: list[str] = []
    while octets:
        found = next((one for one in INVISIBLE if octets.startswith(one)), None)
        if found is None or len(words) == MOST:
            return None
        words.append(INVISIBLE[found])
        octets = octets.removeprefix(found)
    return words
