"""Commands and replies as they may be kept, by the user's rules.

Owns where addresses and names stand in each command (RFC 5321 and its extensions), and what a
server repeats of them. What is a name, and what becomes of it, is said by others.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from smtpproxy.auth.echoes import PLACEHOLDER
from smtpproxy.auth.redaction import REDACTED_LINE
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.private.xtext import from_xtext, to_xtext
from smtpproxy.smtp.verbs import KNOWN_VERBS

_VERB = re.compile(rb"[ \t]*[A-Za-z][A-Za-z0-9-]*(?:[ \t]+|\Z)")
_PATH = re.compile(
    rb"((?:FROM|TO)[ \t]*:[ \t]*<?)"
    rb"((?<=<)(?:\"(?:\\.|[^\"\\])*\"|[^\">])*(?=>)|(?<!<)[^ \t<>]+)(>?)(.*)",
    re.IGNORECASE | re.DOTALL,
)
_CODE = re.compile(rb"[0-9]{3}[ -]?(?:[245]\.[0-9]{1,3}\.[0-9]{1,3}(?=[ \t\r\n]|\Z))?[ \t]*")
_MAILBOX = re.compile(rb"<[^<>\r\n]*@[^<>\r\n]*>")
_KEYWORD = re.compile(rb"[A-Za-z0-9-]+[ =]?")
_ADDRESSED = frozenset({"MAIL", "RCPT", "SEND", "SOML", "SAML"})
_HELLO = frozenset({"EHLO", "HELO", "LHLO"})
_ASKING = frozenset({"VRFY", "EXPN"})
#: What they say behind the verb is of no use to a server.
_BARE = frozenset({"DATA", "RSET", "QUIT", "NOOP", "HELP", "STARTTLS", "TURN"})
_UNKNOWN = (b"[UNAVAILABLE]", b"[TEMPUNAVAIL]")

#: Names of one session that are looked for in replies, and how short they may be.
_MOST_WORDS = 4096
_SHORTEST = 3


class PrivateLines:
    """One session's commands and replies; what the client named is known when it is repeated."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        # Names, in lower case, the newest last, and what they are called.
        self.words: dict[bytes, bytes] = {}

    def learn(self, name: bytes, renamed: bytes) -> None:
        """Remember a name, which a server may repeat."""
        name = name.strip(b'"').lower()
        if len(name) >= _SHORTEST:
            self.words.pop(name, None)
            self.words[name] = renamed
            if len(self.words) > _MOST_WORDS:
                del self.words[next(iter(self.words))]

    def text(self, octets: bytes) -> bytes:
        """Return a text, of whichever side, as it may be kept."""
        return self._privacy.text(octets, self.words)

    def command(self, verb: str, wire: bytes) -> bytes:
        """Return a command as it may be kept."""
        if wire is REDACTED_LINE:
            return wire
        privacy = self._privacy
        if privacy.bodies and verb not in KNOWN_VERBS:
            return REDACTED_LINE  # it may be a line of a message that was sent too early
        line = wire.rstrip(b" \t\r\n")
        found = _VERB.match(line)
        if found is None:
            return self.text(wire)
        head, argument, end = found[0], line[found.end() :], wire[len(line) :]
        if not argument:
            return wire
        if privacy.bodies and verb in _BARE:
            return head + PLACEHOLDER + end
        if privacy.addresses is not None:
            argument = self._argument(verb, argument, privacy.addresses)
        return head + privacy.unmatched(argument) + end

    def _argument(self, verb: str, argument: bytes, names: Pseudonyms) -> bytes:
        if verb in _HELLO:
            return self._learned(argument, names.domain(argument))
        path = _PATH.fullmatch(argument)
        if verb in _ADDRESSED or (path and verb not in KNOWN_VERBS):
            return self._path(path, names) if path else self._whole(argument, names)
        if verb in _ASKING:
            return self._asked(argument, names)
        if verb in ("XCLIENT", "XFORWARD"):
            return b" ".join(self._attribute(word, names) for word in argument.split(b" "))
        if verb in ("ETRN", "ATRN"):
            return b",".join(self._node(word, names) for word in argument.split(b","))
        return self.text(argument)

    def _learned(self, name: bytes, renamed: bytes) -> bytes:
        if name != renamed:
            self.learn(name, renamed)
        return renamed

    def _whole(self, name: bytes, names: Pseudonyms) -> bytes:
        """Rename what is no address by its form, but stands where one is expected."""
        for word in re.findall(rb"[^\s<>@:]+", name[:1024]):
            self.learn(word, names.local_part(word))
        return self._learned(name, names.local_part(name))

    def _path(self, path: re.Match[bytes], names: Pseudonyms) -> bytes:
        begin, mailbox, end, rest = path.groups()
        words = (self._parameter(word, names) for word in rest.split(b" "))
        return begin + self._mailbox(mailbox, names) + end + b" ".join(words)

    def _mailbox(self, octets: bytes, names: Pseudonyms) -> bytes:
        if octets[:1] == b"@" and b":" in octets:  # a source route (RFC 5321 appendix C)
            route, _, octets = octets.partition(b":")
            hops = (b"@" + names.domain(hop.lstrip(b"@")) for hop in route.split(b","))
            return b",".join(hops) + b":" + self._mailbox(octets, names)
        renamed = names.mailbox(octets)
        if renamed != octets:
            local, at, domain = octets.rpartition(b"@")
            shown, _, of = renamed.rpartition(b"@")
            self.learn(local if at else octets, shown if at else renamed)
            self.learn(domain, of if at else renamed)
        return renamed

    def _parameter(self, word: bytes, names: Pseudonyms) -> bytes:
        keyword, equals, value = word.partition(b"=")
        if not value:
            return self.text(word)
        name = keyword.upper()
        kind, semicolon, address = value.partition(b";")
        if name == b"ORCPT" and semicolon:  # RFC 3461 §4.2
            return keyword + equals + kind + b";" + self._encoded(address, self._of(names))
        if name == b"AUTH" and value != b"<>":  # RFC 4954 §5
            return keyword + equals + self._encoded(value, self._of(names))
        return keyword + equals + self._encoded(value, self.text)

    def _of(self, names: Pseudonyms) -> Callable[[bytes], bytes]:
        return lambda octets: self._mailbox(octets, names)

    def _encoded(self, value: bytes, rename: Callable[[bytes], bytes]) -> bytes:
        """Rename what is in a value, in xtext as it was."""
        plain = from_xtext(value)
        renamed = rename(plain)
        return value if renamed == plain else to_xtext(renamed)

    def _asked(self, argument: bytes, names: Pseudonyms) -> bytes:
        bare = argument.strip(b"<>")
        if b"@" in bare and not re.search(rb"[\s<>,]", bare):
            return argument.replace(bare, self._mailbox(bare, names))
        return self._whole(argument, names)

    def _attribute(self, word: bytes, names: Pseudonyms) -> bytes:
        """Rename in an attribute of XCLIENT or XFORWARD, as Postfix defines them."""
        name, equals, value = word.partition(b"=")
        if not value or value.upper() in _UNKNOWN:
            return word
        match name.upper():
            case b"NAME" | b"HELO" | b"DESTNAME":
                rename: Callable[[bytes], bytes] = names.domain
            case b"LOGIN":
                rename = self._of(names)
            case b"ADDR" | b"DESTADDR":
                return name + equals + self._ip(value, names)
            case _:
                rename = self.text
        plain = from_xtext(value)
        return name + equals + self._encoded(value, lambda _: self._learned(plain, rename(plain)))

    def _ip(self, value: bytes, names: Pseudonyms) -> bytes:
        text = from_xtext(value).decode("utf-8", "backslashreplace")
        bare = text[5:] if text[:5].upper() == "IPV6:" else text
        renamed = names.ip(bare)
        return value if renamed == bare else b"IPV6:" + renamed.encode()

    def _node(self, word: bytes, names: Pseudonyms) -> bytes:
        bare = word.strip().lstrip(b"@#")
        return word.replace(bare, self._learned(bare, names.domain(bare))) if bare else word

    def reply(self, stage: str, wire: bytes) -> bytes:
        """Return a reply as it may be kept: its codes, and the keywords of EHLO, stay."""
        if not self._privacy.replies:
            return wire
        lines = wire.split(b"\n")
        asked = stage in _ASKING and self._privacy.addresses is not None
        return b"\n".join(
            self._asked_line(line) if asked else self._line(line, at > 0 and stage in _HELLO)
            for at, line in enumerate(lines)
        )

    def _line(self, line: bytes, keyword: bool) -> bytes:
        found = _CODE.match(line)
        begin = found.end() if found else 0
        if keyword and (word := _KEYWORD.match(line, begin)):
            begin = word.end()
        return line[:begin] + self.text(line[begin:])

    def _asked_line(self, line: bytes) -> bytes:
        """Return a line about a user: what tells the name of a person goes."""
        found = _CODE.match(line)
        if found is None or line[:3] not in (b"250", b"251", b"551", b"553"):
            return self._line(line, False)
        bare = line.rstrip(b"\r")
        boxes = _MAILBOX.findall(bare, found.end())
        text = b" ".join(map(self.text, boxes)) if boxes else self.text(bare[found.end() :])
        if not boxes and b"@" not in text and text:
            text = PLACEHOLDER
        return bare[: found.end()] + text + line[len(bare) :]
