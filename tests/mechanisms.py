"""Each way to authenticate by SASL, as a dialogue, and what in it is a secret."""

from __future__ import annotations

import base64
from typing import NamedTuple

PASSWORD = "Tr0ub4dor&3-canary"
BEARER = "ya29.a0-Canary_Token~with+every/sign=="
NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
VERIFIER = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
DIGEST = "b913a602c7eda7a495b4e6e7334d3890"
USER = "bob@mail.example.org"


def b64(text: str) -> str:
    """Return a text in base64."""
    return base64.b64encode(text.encode()).decode()


class Way(NamedTuple):
    """A way to authenticate: lines as `C: …` and `S: …`, up to the final reply."""

    lines: tuple[str, ...]
    secrets: tuple[str, ...]

    @property
    def sent(self) -> tuple[str, ...]:
        """The lines of the client."""
        return tuple(line[3:] for line in self.lines if line.startswith("C:"))

    @property
    def tokens(self) -> tuple[str, ...]:
        """What the client sent in base64."""
        words = [line.split()[2:] if line.startswith("AUTH ") else [line] for line in self.sent]
        return tuple(word for found in words for word in found if len(word) > 8)

    def dialogue(self, last: str) -> str:
        """Return the dialogue, with its last reply."""
        return "\n".join((*self.lines, f"S: {last}"))


def _way(*lines: str, secrets: tuple[str, ...] = (PASSWORD,)) -> Way:
    return Way(lines, secrets)


_PLAIN = b64(f"\0{USER}\0{PASSWORD}")
_FIRST = b64(f"n,,n={USER},r={NONCE}")
_SERVER_FIRST = b64(f"r={NONCE}{SERVER_NONCE},s={SALT},i=4096")
_FINAL = b64(f"c=biws,r={NONCE}{SERVER_NONCE},p={PROOF}")
_SERVER_FINAL = b64(f"v={VERIFIER}")
_OF_SCRAM = (NONCE, SERVER_NONCE, SALT, PROOF, VERIFIER)
_XOAUTH2 = b64(f"user={USER}\x01auth=Bearer {BEARER}\x01\x01")
_OAUTHBEARER = b64(
    f"n,a={USER},\x01host=mail.example.org\x01port=587\x01auth=Bearer {BEARER}\x01\x01"
)
_ERROR = b64('{"status":"invalid_token","schemes":"bearer","scope":"mail"}')
_USER_PROMPT, _PASSWORD_PROMPT = b64("Username:"), b64("Password:")


def _scram(name: str) -> dict[str, Way]:
    steps = (f"S: 334 {_SERVER_FIRST}", f"C: {_FINAL}", f"S: 334 {_SERVER_FINAL}", "C: ")
    return {
        name: _way(f"C: AUTH {name} {_FIRST}", *steps, secrets=_OF_SCRAM),
        f"{name}, no initial response": _way(
            f"C: AUTH {name}", "S: 334 ", f"C: {_FIRST}", *steps, secrets=_OF_SCRAM
        ),
    }


WAYS: dict[str, Way] = {
    "PLAIN": _way(f"C: AUTH PLAIN {_PLAIN}"),
    "PLAIN, no initial response": _way("C: AUTH PLAIN", "S: 334 ", f"C: {_PLAIN}"),
    "LOGIN": _way(
        *("C: AUTH LOGIN", f"S: 334 {_USER_PROMPT}", f"C: {b64(USER)}"),
        *(f"S: 334 {_PASSWORD_PROMPT}", f"C: {b64(PASSWORD)}"),
    ),
    "LOGIN, initial response": _way(
        *(f"C: AUTH LOGIN {b64(USER)}", f"S: 334 {_PASSWORD_PROMPT}", f"C: {b64(PASSWORD)}"),
    ),
    "CRAM-MD5": _way(
        *("C: AUTH CRAM-MD5", f"S: 334 {b64('<1896.697170952@postoffice.example.org>')}"),
        f"C: {b64(f'{USER} {DIGEST}')}",
        secrets=(DIGEST,),
    ),
    **_scram("SCRAM-SHA-1"),
    **_scram("SCRAM-SHA-256"),
    "XOAUTH2": _way(f"C: AUTH XOAUTH2 {_XOAUTH2}", secrets=(BEARER,)),
    "XOAUTH2, refused": _way(
        *(f"C: AUTH XOAUTH2 {_XOAUTH2}", f"S: 334 {_ERROR}", "C: "), secrets=(BEARER,)
    ),
    "OAUTHBEARER, refused": _way(
        *(f"C: AUTH OAUTHBEARER {_OAUTHBEARER}", f"S: 334 {_ERROR}", "C: AQ=="), secrets=(BEARER,)
    ),
    "OAUTHBEARER, no initial response": _way(
        *("C: AUTH OAUTHBEARER", "S: 334 ", f"C: {_OAUTHBEARER}"), secrets=(BEARER,)
    ),
}
#: What none of them may leave anywhere: the secrets, and all that was sent in base64.
EVERY_SECRET = {name: (*way.secrets, *way.tokens) for name, way in WAYS.items()}
