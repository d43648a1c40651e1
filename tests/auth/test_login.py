"""The proxy logs in to upstream: by which mechanism, in which lines, and what it says if not."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.auth.login import Credentials, LoginError, logging_in, offered
from smtpproxy.auth.scram import prepared
from smtpproxy.smtp.facts import Reply
from tests.saslserver import SaslServer, challenge, hello, log_in, reply

STRONGEST_FIRST = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
TIM = Credentials("tim", "tanstaaftanstaaf")


def encoded(text: str) -> str:
    """Return a text in base64."""
    return base64.b64encode(text.encode()).decode()


def said(credentials: Credentials, offer: Reply, *replies: str) -> list[bytes]:
    """Return what is sent to an upstream that says these. Raises LoginError."""
    steps = logging_in(credentials, offer, nonce=lambda: b"rOprNGfwEbeRWgbNEkqO")
    sent = [next(steps)]
    try:
        for text in replies:
            sent.append(steps.send(reply(text)))
    except StopIteration:
        sent.append(b"")
    return sent


@pytest.mark.parametrize("name", STRONGEST_FIRST)
def test_each_mechanism(name: str) -> None:
    """A server that knows the user lets the proxy in."""
    sent = log_in(TIM, hello(name), SaslServer(b"tim", b"tanstaaftanstaaf"))
    assert sent[0].split()[:2] == [b"AUTH", name.encode()]


@pytest.mark.parametrize("name", STRONGEST_FIRST)
def test_a_wrong_password(name: str) -> None:
    """Upstream's refusal is told, with its code and text."""
    with pytest.raises(LoginError, match=r"^upstream refused the login: 535 5\.7\.8 No$") as error:
        log_in(TIM, hello(name), SaslServer(b"tim", b"another"))
    assert error.value.reply == Reply(535, b"535 5.7.8 No\r\n")


def test_plain_as_in_its_rfc() -> None:
    """RFC 4616 §4, in one line (RFC 4954 §4.1)."""
    line = f"AUTH PLAIN {encoded(chr(0) + 'tim' + chr(0) + 'tanstaaftanstaaf')}\r\n".encode()
    assert said(TIM, hello("PLAIN"), "235 2.7.0 Ok") == [line, b""]


def test_cram_md5_as_in_its_rfc() -> None:
    """RFC 2195 §2: the challenge of its example, and the digest that it gives."""
    asked = challenge(b"<1896.697170952@postoffice.reston.mci.net>")
    assert said(TIM, hello("CRAM-MD5"), asked, "235 Ok") == [
        b"AUTH CRAM-MD5\r\n",
        encoded("tim b913a602c7eda7a495b4e6e7334d3890").encode() + b"\r\n",
        b"",
    ]


def test_login_is_asked_for_both() -> None:
    """User name and password, whatever the prompts say."""
    assert said(TIM, hello("LOGIN"), "334 ", "334 VXNlcm5hbWU6", "235 Ok") == [
        b"AUTH LOGIN\r\n",
        encoded("tim").encode() + b"\r\n",
        encoded("tanstaaftanstaaf").encode() + b"\r\n",
        b"",
    ]


def test_scram_as_in_its_rfc() -> None:
    """RFC 7677 §3 in the lines of RFC 4954: the server's proof is answered by an empty line."""
    first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    final = (
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    proof = challenge(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    pencil = Credentials("user", "pencil")
    assert said(pencil, hello("SCRAM-SHA-256"), challenge(first.encode()), proof, "235 Ok") == [
        f"AUTH SCRAM-SHA-256 {encoded('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')}\r\n".encode(),
        encoded(final).encode() + b"\r\n",
        b"\r\n",
        b"",
    ]


@pytest.mark.parametrize("at", range(len(STRONGEST_FIRST)))
def test_the_strongest_is_taken(at: int) -> None:
    """In whatever order, and among whatever else, upstream offers them."""
    offer = hello("GSSAPI", *reversed(STRONGEST_FIRST[at:]), "XOAUTH2")
    assert next(logging_in(TIM, offer)).split()[1] == STRONGEST_FIRST[at].encode()


def test_a_mechanism_that_upstream_does_not_know_after_all() -> None:
    """504: the next one is tried, until there is none."""
    sent = said(TIM, hello("CRAM-MD5", "PLAIN"), "504 5.5.4 What?", "235 Ok")
    assert [line.split()[1] for line in sent[:2]] == [b"CRAM-MD5", b"PLAIN"]
    with pytest.raises(LoginError, match=r"504 5\.5\.4 What"):
        said(TIM, hello("PLAIN"), "504 5.5.4 What?")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("250-a\n250 AUTH PLAIN LOGIN", ["PLAIN", "LOGIN"]),
        ("250-a\n250-AUTH=PLAIN LOGIN\n250 AUTH PLAIN cram-md5", ["PLAIN", "LOGIN", "CRAM-MD5"]),
        ("250-AUTH PLAIN\n250 8BITMIME", []),
        ("250-a\n250-AUTHX PLAIN\n250 AUTH", []),
        ("250-a\n250-\n250 8BITMIME", []),
        ("250 a", []),
    ],
)
def test_what_is_offered(lines: str, expected: list[str]) -> None:
    """The words behind AUTH; the first line is upstream's name."""
    assert offered(reply(lines)) == expected


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (reply("250 mail.example.org"), "offers no AUTH"),
        (hello("GSSAPI", "XOAUTH2"), "can be used: GSSAPI XOAUTH2"),
        (hello("\x1b[31m"), r"can be used: \\x1b"),
    ],
)
def test_nothing_that_fits(offer: Reply, words: str) -> None:
    """It is said what upstream offers instead, fit to be shown."""
    with pytest.raises(LoginError, match=words) as error:
        next(logging_in(TIM, offer))
    assert error.value.reply is None


def test_a_leg_that_is_not_encrypted() -> None:
    """Where that is asked for, the password is not sent where others may read along."""
    steps = logging_in(TIM, hello("PLAIN", "CRAM-MD5"), secure=False)
    assert next(steps) == b"AUTH CRAM-MD5\r\n"
    with pytest.raises(LoginError, match="not encrypted"):
        next(logging_in(TIM, hello("PLAIN", "LOGIN"), secure=False))


@pytest.mark.parametrize("before", [1, 2])
def test_a_login_without_the_servers_proof(before: int) -> None:
    """SCRAM: a 235 that comes before upstream has proved anything is none."""
    first = challenge(b"r=rOprNGfwEbeRWgbNEkqOx,s=QQ==,i=1")
    with pytest.raises(LoginError, match="did not prove"):
        said(TIM, hello("SCRAM-SHA-256"), *[first, "235 Ok"][2 - before :])


@pytest.mark.parametrize(
    ("name", "replies", "words"),
    [
        ("CRAM-MD5", ["334 ?"], "not base64"),
        ("PLAIN", ["334 "], "too much"),
        ("LOGIN", ["334 ", "334 ", "334 "], "too much"),
        ("SCRAM-SHA-1", ["334 "], "can't be read"),
        ("SCRAM-SHA-256", [challenge(b"r=x,s=QQ==,i=1")], "nonce"),
    ],
)
def test_a_challenge_that_makes_no_sense(name: str, replies: list[str], words: str) -> None:
    """The login is cancelled by `*` (RFC 4954 §4), and it is said why."""
    assert said(TIM, hello(name), *replies)[-1] == b"*\r\n"
    with pytest.raises(LoginError, match=words):
        said(TIM, hello(name), *replies, "501 5.7.0 Cancelled")


@pytest.mark.parametrize("name", ["PLAIN", "SCRAM-SHA-256"])
def test_an_initial_response_that_is_too_long(name: str) -> None:
    """RFC 4954 §4: beyond 512 octets it is sent when upstream asks for it."""
    user = "u" * 400
    sent = log_in(Credentials(user, "secret"), hello(name), SaslServer(user.encode(), b"secret"))
    assert sent[0] == f"AUTH {name}\r\n".encode()


@pytest.mark.parametrize(
    "text",
    [
        "535 5.7.8 {password} is wrong",
        "535-5.7.8 No\n535 5.7.8 {token}",
        "535 5.7.8 got {token:.12}…",
        "535 {encoded}",
    ],
)
def test_a_refusal_that_repeats_the_password(text: str) -> None:
    """Whatever upstream makes of it, no secret is said."""
    token = encoded("\0tim\0tanstaaftanstaaf")
    words = {"password": TIM.password, "token": token, "encoded": encoded(TIM.password)}
    with pytest.raises(LoginError) as error:
        said(TIM, hello("PLAIN"), text.format(**words))
    assert error.value.reply is not None
    shown = f"{error.value} {error.value.reply}"
    for secret in words.values():
        assert not any(secret[at : at + 8] in shown for at in range(len(secret) - 7))
    assert "535" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("shown", [repr(TIM), str(TIM), f"{TIM}", f"{[TIM]}"])
def test_credentials_do_not_show_the_password(shown: str) -> None:
    """Neither alone nor within something else."""
    assert "tim" in shown
    assert "tanstaaf" not in shown


# Whatever can be written in UTF-8, but NUL, which no file and no environment gives.
TEXTS = st.text(
    st.characters(exclude_characters="\0", codec="utf-8") | st.sampled_from(",=ü ß"),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(STRONGEST_FIRST))
def test_odd_user_names_and_passwords(user: str, password: str, name: str) -> None:
    """They arrive as they are, or as SASLprep has them for SCRAM; if that can't be, by PLAIN."""
    scram = name.startswith("SCRAM")
    known = [prepared(user), prepared(password)] if scram else [user.encode(), password.encode()]
    offer = hello(name, "PLAIN")
    if not all(known):
        known = [user.encode(), password.encode()]
    sent = log_in(Credentials(user, password), offer, SaslServer(known[0], known[1]))
    assert sent[0].startswith(b"AUTH ")
