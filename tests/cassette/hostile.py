"""Files that a stranger might send as a cassette: each is refused in few words, or soon loaded."""

from __future__ import annotations

from typing import NamedTuple

HEAD = b"smtpproxy-cassette: 1\n"
SESSION = HEAD + b"---\nsession: 1\ndialogue:\n"
DIGEST = b"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
LOADED = "1 sessions"
MILLION = 1_000_000

DOCUMENT_LIMIT = "holds too much"
LIST_LIMIT = "holds too many words in one list"
TEXT_LIMIT = "holds a text of more than 4,194,304 octets"
DEPTH = "is nested too deeply"
NO_ALIAS = "anchors and aliases are not allowed"
NO_TAG = "tags such as "
NO_CHARACTER = "is not YAML: the character #x"
NO_KEY = "a key must be a word"


class File(NamedTuple):
    """A file's octets, the line that is told, and the beginning of what is said of it."""

    octets: bytes
    line: int
    words: str


def _bomb() -> bytes:
    """Return nine lists, each of nine of the one before: 9 to the power of 9 words, expanded."""
    lists = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"]
    for at in range(1, 10):
        lists.append(b"a%d: &a%d [%s]\n" % (at, at, b", ".join([b"*a%d" % (at - 1)] * 9)))
    return b"".join(lists)


def _merges() -> bytes:
    lines = [b"m0: &m0 {a: b}\n"]
    lines += [b"m%d: &m%d {<<: [*m%d, *m%d]}\n" % (n, n, n - 1, n - 1) for n in range(1, 40)]
    return b"".join(lines)


def said(scalar: bytes) -> bytes:
    """Return a cassette whose greeting, in line 5, is a scalar."""
    return SESSION + b"- S: " + scalar + b"\n"


def kept(key: bytes, value: bytes) -> bytes:
    """Return a cassette with a message file in line 5."""
    return SESSION + b"- " + key + b": " + value + b"\n"


_UNQUOTED = b"250 Ok: " + b"b" * 200_000
_SPELLED = "file: expected 64 hexadecimal digits and '.eml'"


def files() -> dict[str, File]:
    """Return files by what is wrong with each."""
    return {
        # References that grow when they are followed.
        "alias bomb": File(HEAD + _bomb(), 2, NO_ALIAS),
        "merge bomb": File(HEAD + _merges(), 2, NO_ALIAS),
        "merge key": File(SESSION + b"- {<<: {S: a}}\n", 5, "merge keys are not allowed"),
        "alias to itself": File(SESSION + b"- &a [*a]\n", 5, NO_ALIAS),
        "many anchors": File(said(b"[" + b"&a b," * MILLION + b"]"), 5, NO_ALIAS),
        "alias of a long name": File(said(b"*" + b"a" * 2 * MILLION), 5, NO_ALIAS),
        # Tags.
        "python object": File(said(b"!!python/object/apply:os.system [id]"), 5, NO_TAG),
        "python name": File(said(b"!!python/name:os.system"), 5, NO_TAG),
        "binary": File(said(b"!!binary aGVsbG8="), 5, NO_TAG),
        "set": File(said(b"!!set {a, b}"), 5, NO_TAG),
        "custom tag": File(said(b"!custom a"), 5, NO_TAG),
        "verbatim tag": File(said(b"!<tag:example.org,2026:a> a"), 5, NO_TAG),
        "tag of a key": File(SESSION + b"- !a S: b\n", 5, NO_TAG),
        "long tag": File(said(b"!" + b"t" * 2 * MILLION + b" a"), 5, NO_TAG),
        # Depth.
        "deep lists": File(said(b"[" * MILLION), 5, DEPTH),
        "deep mappings": File(said(b"{a: " * MILLION), 5, DEPTH),
        "deep blocks": File(SESSION + b"- " * MILLION, 5, DEPTH),
        "deep keys": File(SESSION + b"? " * MILLION, 5, ""),
        "deep, under a key that is free": File(HEAD + b"x-a: " + b"[" * MILLION, 2, DEPTH),
        # Number.
        "tiny nodes": File(HEAD + b"x-a: [" + b"a," * MILLION + b"]\n", 2, DOCUMENT_LIMIT),
        "tiny lists": File(HEAD + b"note: [" + b"[]," * MILLION + b"]\n", 2, DOCUMENT_LIMIT),
        "tiny nodes in a reply": File(said(b"[" + b"a," * MILLION + b"]"), 5, LIST_LIMIT),
        "tiny lists in a reply": File(said(b"[" + b"[a]," * MILLION + b"]"), 5, DOCUMENT_LIMIT),
        "tiny exchanges": File(SESSION + b"- C: a\n" * MILLION, 0, DOCUMENT_LIMIT),
        "tiny sessions": File(
            HEAD + b"".join(b"---\n{session: %d, dialogue: []}\n" % n for n in range(200_000)),
            *(0, DOCUMENT_LIMIT),
        ),
        "empty documents": File(HEAD + b"---\n" * MILLION, 3, "expected a session"),
        "many commands": File(
            SESSION + b"- C: [" + b"NOOP," * 5_000 + b"]\n",
            5,
            "C: a list holds 500 commands at most",
        ),
        "many times": File(said(b"a") + b"timing-ms: [" + b"1," * MILLION + b"]\n", 6, LIST_LIMIT),
        "long times": File(
            said(b"a") + b"timing-ms: [" + b"111111111," * MILLION + b"]\n", 6, LIST_LIMIT
        ),
        "many keys": File(
            HEAD + b"".join(b"x-%d: a\n" % n for n in range(MILLION)),
            1001,
            "holds more than 1,000 keys",
        ),
        "many unknown keys": File(
            SESSION + b"- {" + b"".join(b"k%d: a," % n for n in range(100_000)) + b"}\n",
            *(5, "holds more than 1,000 keys"),
        ),
        "words before a comment": File(said(b"[" + b"a, " * MILLION + b"] #"), 5, LIST_LIMIT),
        "directives": File(
            b"".join(b"%%TAG !e%d! tag:e,2026:\n" % n for n in range(100_000)) + b"---\n" + HEAD,
            *(1, "holds too many directives"),
        ),
        # Size.
        "huge integer": File(said(b"a") + b"timing-ms: [" + b"9" * 2 * MILLION + b"]\n", 0, LOADED),
        "huge version": File(
            b"smtpproxy-cassette: " + b"9" * MILLION, 1, "is a cassette of version 9"
        ),
        "huge size": File(
            kept(b"message", b"{file: %s.eml, octets: %s}" % (DIGEST, b"9" * MILLION)),
            *(5, "octets: expected a number of octets"),
        ),
        "large scalar": File(said(b'"' + b"a" * 3 * MILLION + b'"'), 0, LOADED),
        "large block": File(SESSION + b"- message: |\n" + b"    a\n" * 500_000, 0, LOADED),
        "huge scalar": File(said(b'"' + b"a" * 6 * MILLION + b'"'), 5, TEXT_LIMIT),
        "huge block": File(SESSION + b"- message: |\n" + b"    a\n" * MILLION, 5, TEXT_LIMIT),
        "huge base64": File(said(b'{base64: "' + b"YWJj" * 2 * MILLION + b'"}'), 5, TEXT_LIMIT),
        "wide characters": File(
            said(b'"' + b"\xf0\x9f\x98\x80" * 2 * MILLION + b'"'), 5, TEXT_LIMIT
        ),
        "open quotes": File(said(b'"' + b"a\n " * 2 * MILLION), 5, TEXT_LIMIT),
        "blank lines": File(HEAD + b"\n" * 6 * MILLION + b"@", 1, TEXT_LIMIT),
        "blanks": File(HEAD + b" " * 6 * MILLION + b"@", 1, TEXT_LIMIT),
        "comments": File(HEAD + b" #\n" * 2 * MILLION, 1, TEXT_LIMIT),
        "long key": File(HEAD + b"? " + b"k" * 2 * MILLION + b"\n: 1\n", 2, "unknown key 'kkk"),
        "long key, twice": File(
            HEAD + (b"? x-" + b"k" * MILLION + b"\n: 1\n") * 2, 4, "the key 'x-kkk"
        ),
        "long label, twice": File(
            HEAD + (b"---\nsession: " + b"a" * MILLION + b"\ndialogue: []\n") * 2,
            *(6, "session aaa"),
        ),
        "long unquoted text": File(
            said(_UNQUOTED), 5, "is not YAML: mapping values are not allowed"
        ),
        # Octets that are no text.
        "UTF-16": File(HEAD.decode().encode("utf-16"), 1, "is not UTF-8"),
        "UTF-16, big": File(b"\xfe\xff" + HEAD.decode().encode("utf-16-be"), 1, "is not UTF-8"),
        "UTF-16 without a mark": File(HEAD.decode().encode("utf-16-le"), 1, NO_CHARACTER + "0000"),
        "UTF-32": File(HEAD.decode().encode("utf-32"), 1, "is not UTF-8"),
        "invalid UTF-8": File(said(b'"\xc0\xaf"'), 5, "is not UTF-8"),
        "surrogates": File(said(b'"\xed\xa0\x80"'), 5, "is not UTF-8"),
        "half a pair, escaped": File(said(b'"\\ud800"'), 5, "is not YAML: found invalid Unicode"),
        "NUL": File(said(b"a\0b"), 5, NO_CHARACTER + "0000"),
        "many NULs": File(HEAD + b"\0" * MILLION, 2, NO_CHARACTER + "0000"),
        "escape sequence": File(said(b"\x1b]0;owned\x07"), 5, NO_CHARACTER + "001b"),
        "two marks": File(b"\xef\xbb\xbf" * 2 + HEAD, 1, NO_CHARACTER + "feff"),
        "tab": File(HEAD + b"\tupstream: a\n", 2, "is not YAML: found "),
        "no text at all": File(b"\x7fELF\x02\x01\x01\0", 1, NO_CHARACTER + "007f"),
        # What YAML has and a cassette has not.
        "another YAML": File(b"%YAML 9.9\n---\n" + HEAD, 1, "is not YAML: found incompatible"),
        "tag directive": File(b"%TAG !e! tag:e,2026:\n---\n!e!x\n" + HEAD, 3, NO_TAG),
        "duplicate key": File(SESSION + b"- {S: a, S: b}\n", 5, "the key 'S' stands here twice"),
        "a list as a key": File(SESSION + b"- ? [S]\n  : a\n", 5, NO_KEY),
        "a mapping as a key": File(SESSION + b"- {{S: a}: b}\n", 5, NO_KEY),
        "nothing": File(b"", 1, "is not a cassette"),
        "no document but an end": File(b"...\n", 1, "is not YAML: "),
        "no mapping": File(b"---\n- a\n", 2, "is not a cassette"),
        # Names of files.
        "a folder above": File(kept(b"message", b"{file: ../%s.eml}" % DIGEST), 5, _SPELLED),
        "an absolute path": File(kept(b"message", b"{file: /etc/passwd}"), 5, _SPELLED),
        "another drive": File(kept(b"wire", b"{file: 'C:\\%s.eml'}" % DIGEST), 5, _SPELLED),
        "a name with a line end": File(kept(b"wire", b'{file: "%s.eml\\n"}' % DIGEST), 5, _SPELLED),
        "a name with a NUL": File(kept(b"wire", b'{file: "%s.eml\\0"}' % DIGEST), 5, _SPELLED),
        "a file of negative size": File(
            kept(b"message", b"{file: %s.eml, octets: -1}" % DIGEST), 5, "octets: expected a number"
        ),
    }
