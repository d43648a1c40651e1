"""What is found of secrets in what a server says, and what is left alone."""

from __future__ import annotations

import base64
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.auth.echoes import PIECE, PLACEHOLDER, Echoes

SECRET = b"Tr0ub4dor&3-canary"


def knowing(*secrets: bytes) -> Echoes:
    """Return what has learned secrets of which each part is one."""
    echoes = Echoes()
    for secret in secrets:
        echoes.learn_parts(secret)
    return echoes


def test_nothing_learned_nothing_hidden() -> None:
    """A session without secrets is shown as it is, and the same object."""
    text = b"250 mail.example.org"
    assert Echoes().without(text) is text


@pytest.mark.parametrize("around", [(b"", b""), (b"what is ", b"?"), (b"=", b"=="), (b"~", b"~")])
@pytest.mark.parametrize("before", range(4))
def test_each_piece_of_each_form(before: int, around: tuple[bytes, bytes]) -> None:
    """As it is and in base64, at every alignment, wherever it is cut, up to the shortest piece."""
    echoes = knowing(SECRET)
    begin, end = around
    forms = [SECRET, base64.b64encode(SECRET)]
    # Within something else: of the first and last character only a part is the secret's.
    inner = base64.b64encode(b"\0" * before + SECRET)
    forms.append(inner[-(-before * 8 // 6) : (before + len(SECRET)) * 8 // 6])
    for form in forms:
        form = form.rstrip(b"=")
        for at in range(len(form) - PIECE + 1):
            for stop in range(at + PIECE, len(form) + 1):
                shown = echoes.without(begin + form[at:stop] + end)
                assert shown == begin + PLACEHOLDER + end, form[at:stop]


@given(st.binary(min_size=PIECE, max_size=60), st.binary(max_size=20), st.binary(max_size=20))
def test_no_piece_of_any_secret_is_left(secret: bytes, before: bytes, after: bytes) -> None:
    """Whatever the secret and what is around it, as it is and in base64."""
    echoes = knowing(secret)
    shown = echoes.without(before + secret + after)
    whole = base64.b64encode(before + secret + after)
    encoded = echoes.without(whole)
    pieces = [secret[at : at + PIECE] for at in range(len(secret) - PIECE + 1)]
    # What is of the placeholder itself says nothing.
    assert not any(piece in part for piece in pieces for part in shown.split(PLACEHOLDER))
    begin = -(-len(before) * 8 // 6)
    end = (len(before) + len(secret)) * 8 // 6
    for at in range(begin, end - PIECE + 1):
        assert whole[at : at + PIECE] not in encoded


@pytest.mark.parametrize(
    "form",
    [SECRET.upper(), SECRET.lower(), base64.b64encode(b"\xff\xfe>" * 4).replace(b"/", b"_")],
)
def test_other_spellings(form: bytes) -> None:
    """In capitals or small letters, and in the base64 of URLs."""
    assert knowing(SECRET, b"\xff\xfe>" * 4).without(b"No: " + form) == b"No: " + PLACEHOLDER


@pytest.mark.parametrize(
    "text", [b"Tr0ub4d", b"3-canar", b"2.7.0 Authentication successful", b"mail.example.org", b""]
)
def test_what_is_left_alone(text: bytes) -> None:
    """Less than a piece, and what has nothing to do with it."""
    assert knowing(SECRET).without(text) == text


def test_a_secret_known_by_its_whole() -> None:
    """Where only the whole is a secret, parts of it are common words."""
    echoes = Echoes()
    echoes.learn(b"bob@mail.example.org")
    assert echoes.without(b"hello bob@mail.example.org!") == b"hello [redacted]!"
    assert echoes.without(b"mail.example.org") == b"mail.example.org"


@pytest.mark.parametrize("secret", [b"abcd", b"abcdefg"])
def test_a_short_secret(secret: bytes) -> None:
    """Too short to be cut: it is found as a whole, encoded too; below 4 octets it is too common."""
    echoes = knowing(secret, b"No!")
    assert echoes.without(b"not " + secret) == b"not " + PLACEHOLDER
    encoded = base64.b64encode(b"\0bob\0" + secret)
    assert PLACEHOLDER in echoes.without(encoded)
    assert echoes.without(b"No!") == b"No!"


def test_a_whole_within_a_longer_secret() -> None:
    """No shorter secret cuts a longer one into pieces that are too short to be found."""
    echoes = knowing(b"abcdef-bob1-ghijkl")
    echoes.learn(b"bob1")
    assert echoes.without(b"abcdef-bob1-ghijkl") == PLACEHOLDER


def test_the_codes_of_a_reply_stay() -> None:
    """A password that reads like a reply can't make one unreadable."""
    echoes = knowing(b"535-5.7.8 No", b"35 5.7.8 Authentication")
    wire = b"535-5.7.8 Authentication failed\r\n535 5.7.8 Not so\r\n"
    lines = echoes.without_lines(wire).split(b"\r\n")
    assert [line[:4] for line in lines] == [b"535-", b"535 ", b""]
    assert b"Authentic" not in b"".join(lines)


def test_a_line_without_a_code() -> None:
    """A line of a reply may have no code, or no blank behind it: all of its text is looked at."""
    wire = b"535-5.7.8 No\r\n" + SECRET + b"\r\n535" + SECRET + b"\r\n"
    shown = knowing(SECRET).without_lines(wire)
    assert shown == b"535-5.7.8 No\r\n[redacted]\r\n535[redacted]\r\n"


def test_a_secret_that_is_taken_for_a_code() -> None:
    """A line of it that begins with three digits is a reply with that code, which stays."""
    assert knowing(b"913a602c").without_lines(b"913a602c\r\n") == b"913[redacted]\r\n"


def test_what_is_kept_is_bounded() -> None:
    """However many secrets are learned, of whatever length, the last ones are known."""
    echoes = Echoes()
    for number in range(300):
        echoes.learn_parts(b"%08d" % number * 1500)
        echoes.learn(b"whole %08d" % number * 100)
    assert sum(map(len, echoes._forms)) <= 32 * 1024
    assert len(echoes._wholes) == 32
    assert echoes.without(b"<00000299>") == b"<[redacted]>"


def test_what_would_take_too_long_is_hidden_whole() -> None:
    """The longest reply beside the longest secret costs no more than a moment."""
    echoes = knowing(bytes(range(1, 128)) * 100)
    begin = perf_counter()
    assert echoes.without(b"no such " * 60_000) == PLACEHOLDER
    assert perf_counter() - begin < 1
