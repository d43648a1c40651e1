"""SCRAM as a client (RFC 5802, RFC 7677), without channel binding.

Owns the messages and their proofs: that the client knows the password, and that the server does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import stringprep
import unicodedata
from collections.abc import Generator

#: More would let a server keep the proxy busy: half a second, about, and nobody asks for more.
MOST_ITERATIONS = 600_000

_HEADER = b"n,,"  # no channel binding, and nobody to act for
_FIRST = re.compile(rb"r=([!-+\--~]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9][0-9]{0,9})(?:,.*)?", re.S)
_FINAL = re.compile(rb"v=([A-Za-z0-9+/]+={0,2})(?:,.*)?", re.S)


class ScramError(Exception):
    """The server did not keep to the mechanism, or refused. Says why in a few words.

    `impostor`: what should have proved that it knows the password did not.
    """

    def __init__(self, words: str, impostor: bool = False) -> None:
        super().__init__(words)
        self.impostor = impostor


def steps(algorithm: str, user: str, password: str, nonce: bytes) -> Generator[bytes, bytes, None]:
    """Yield what the client says; be sent what the server says. Raises ScramError.

    `algorithm` is hashlib's name of the hash. The last thing said is empty: it ends the dialogue
    once the server has proved that it knows the password, too.
    """
    bare = b"n=" + _quoted(prepared(user)) + b",r=" + nonce
    first = yield _HEADER + bare
    server_nonce, salt, iterations = _read_first(first, nonce)
    without_proof = b"c=" + base64.b64encode(_HEADER) + b",r=" + server_nonce
    signed = b",".join((bare, first, without_proof))
    salted = hashlib.pbkdf2_hmac(algorithm, prepared(password), salt, iterations)
    key = hmac.digest(salted, b"Client Key", algorithm)
    stored = hashlib.new(algorithm, key).digest()
    signature = hmac.digest(stored, signed, algorithm)
    proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
    final = yield without_proof + b",p=" + base64.b64encode(proof)
    server_key = hmac.digest(salted, b"Server Key", algorithm)
    _check_final(final, hmac.digest(server_key, signed, algorithm))
    yield b""


def prepared(text: str) -> bytes:
    """Return a user name or password as SASLprep (RFC 4013) has it, or b"" where it can't be."""
    mapped = "".join(
        " " if stringprep.in_table_c12(one) else one
        for one in text
        if not stringprep.in_table_b1(one)
    )
    normal = unicodedata.normalize("NFKC", mapped)
    if any(map(_is_prohibited, normal)) or not _reads_one_way(normal):
        return b""
    return normal.encode()


def _is_prohibited(one: str) -> bool:
    return (
        stringprep.in_table_c12(one)
        or stringprep.in_table_c21_c22(one)
        or stringprep.in_table_c3(one)
        or stringprep.in_table_c4(one)
        or stringprep.in_table_c5(one)
        or stringprep.in_table_c6(one)
        or stringprep.in_table_c7(one)
        or stringprep.in_table_c8(one)
        or stringprep.in_table_c9(one)
    )


def _reads_one_way(text: str) -> bool:
    """RFC 3454 §6: what is written from right to left is so from its beginning to its end."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(map(stringprep.in_table_d2, text))


def _quoted(user: bytes) -> bytes:
    return user.replace(b"=", b"=3D").replace(b",", b"=2C")


def _read_first(message: bytes, nonce: bytes) -> tuple[bytes, bytes, int]:
    """Return the whole nonce, the salt, and how often to hash."""
    found = _FIRST.fullmatch(message)
    if found is None:
        raise ScramError("upstream's first SCRAM message can't be read")
    if not (found[1].startswith(nonce) and len(found[1]) > len(nonce)):
        raise ScramError("upstream's SCRAM nonce is not based on the client's")
    iterations = int(found[3])
    if iterations > MOST_ITERATIONS:
        raise ScramError(f"upstream asks for more than {MOST_ITERATIONS} iterations of SCRAM")
    return found[1], _decoded(found[2]), iterations


def _check_final(message: bytes, expected: bytes) -> None:
    if message.startswith(b"e="):
        raise ScramError("upstream refused the login by a SCRAM error")
    found = _FINAL.fullmatch(message)
    if found is None:
        raise ScramError("upstream's last SCRAM message can't be read")
    if not hmac.compare_digest(_decoded(found[1]), expected):
        raise ScramError("upstream did not prove that it knows the password", impostor=True)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ScramError("upstream's SCRAM message is not base64 where it should be") from None
