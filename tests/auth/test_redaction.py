"""Secrets reach no log and no cassette, in whatever form they were sent or repeated."""

from pathlib import Path

import pytest

from tests.cassette.canary import (
    CRAM,
    DIGEST,
    OAUTHBEARER,
    PASSWORD,
    PLAIN,
    SECRET,
    USER,
    XOAUTH2,
    Watched,
    encoded,
    leaks,
)

READY = "S: 220 mail.example.org ESMTP ready"
CHALLENGE = encoded("<1896.697170952@postoffice.example.org>")
# Each way to authenticate; what follows is a reply that repeats what was sent.
EXCHANGES = {
    "PLAIN": f"C: AUTH PLAIN {PLAIN}",
    "PLAIN, no initial response": f"C: AUTH PLAIN\nS: 334 \nC: {PLAIN}",
    "LOGIN": f"C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {USER}\nS: 334 UGFzc3dvcmQ6\nC: {SECRET}",
    "LOGIN, initial response": f"C: AUTH LOGIN {USER}\nS: 334 UGFzc3dvcmQ6\nC: {SECRET}",
    "CRAM-MD5": f"C: AUTH CRAM-MD5\nS: 334 {CHALLENGE}\nC: {CRAM}",
    "XOAUTH2": f"C: AUTH XOAUTH2 {XOAUTH2}",
    "XOAUTH2, no initial response": f"C: AUTH XOAUTH2\nS: 334 \nC: {XOAUTH2}",
    "OAUTHBEARER": f"C: AUTH OAUTHBEARER {OAUTHBEARER}",
}
TOKENS = {"PLAIN": PLAIN, "LOGIN": SECRET, "CRAM-MD5": CRAM, "XOAUTH2": XOAUTH2}
TOKENS["OAUTHBEARER"] = OAUTHBEARER


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A session that is watched by all who keep or show anything."""
    return Watched(tmp_path)


@pytest.mark.parametrize("last", ["235 2.7.0 Welcome", "535 5.7.8 No", "501 5.5.2 What"])
@pytest.mark.parametrize("how", EXCHANGES)
def test_credentials_are_not_kept(watched: Watched, how: str, last: str) -> None:
    """Whatever the mechanism, and whatever became of it; the mechanism itself is kept."""
    mechanism = how.partition(",")[0]
    watched.play(f"{READY}\n{EXCHANGES[how]}\nS: {last}")
    kept = watched.over()
    assert leaks(kept, TOKENS[mechanism]) == []
    assert f'C: "AUTH {mechanism}' in kept
    assert last in kept


@pytest.mark.parametrize("form", ["token", "password", "both"])
@pytest.mark.parametrize("how", EXCHANGES)
def test_a_server_that_repeats_credentials(watched: Watched, how: str, form: str) -> None:
    """What the server repeats, as it was sent or decoded, is no less secret."""
    token = TOKENS[how.partition(",")[0]]
    clear = DIGEST if token is CRAM else PASSWORD
    said = {"token": token, "password": clear, "both": f"{token} is {clear}!"}[form]
    watched.play(f"{READY}\n{EXCHANGES[how]}\nS: 535-5.7.8 {said}\nS: 535 5.7.8 no '{said}'")
    assert leaks(watched.over(), token) == []


def test_a_password_that_begins_as_the_user_name(watched: Watched) -> None:
    """Where one secret is part of another, nothing of the longer one is left over."""
    user, password = encoded("canary-bird"), encoded("canary-bird-has-flown")
    watched.play(
        f"""
        {READY}
        C: AUTH LOGIN {user}
        S: 334 UGFzc3dvcmQ6
        C: {password}
        S: 535 5.7.8 canary-bird-has-flown is not canary-bird
        """
    )
    assert "flown" not in watched.over()


def test_a_server_that_repeats_credentials_later(watched: Watched) -> None:
    """Nor does a later reply, a reply that answers nothing, or half a line give them away."""
    said = f"{PLAIN} {PASSWORD}"
    watched.play(
        f"""
        {READY}
        C: AUTH PLAIN {PLAIN}
        S: 535 5.7.8 No
        C: MAIL FROM:<a@example.org>
        S: 530 5.7.0 Not with {said}
        S: 421 4.7.0 Too many errors with {said}
        S: debug: {said}
        """
    )
    watched.conversation.upstream(f"421 {said}".encode())
    watched.conversation.upstream_leaves()
    assert leaks(watched.kept(), PLAIN) == []


@pytest.mark.parametrize("stray", ["debug: {}", "220", "x {} y"])
def test_a_stray_line_before_the_reply(watched: Watched, stray: str) -> None:
    """A server's debugging output may come before AUTH is answered."""
    watched.play(
        f"""
        {READY}
        C: AUTH PLAIN {PLAIN}
        S: {stray.format(PLAIN)}
        S: (password is {PASSWORD})
        S: 235 Ok
        """
    )
    assert leaks(watched.over(), PLAIN) == []


def test_a_challenge_that_repeats_credentials(watched: Watched) -> None:
    """A 334 that is no prompt becomes another challenge, which can be decoded."""
    watched.play(
        f"""
        {READY}
        C: AUTH LOGIN {USER}
        S: 334 {PLAIN}
        C: {SECRET}
        S: 334 {PASSWORD}
        C: *
        S: 501 No
        """
    )
    assert leaks(watched.over(), PLAIN, SECRET) == []


@pytest.mark.parametrize(
    "line",
    [
        f"auth plain {PLAIN}",
        f"AUTH\tPLAIN\t{PLAIN}",
        f"  AUTH   PLAIN   {PLAIN}  ",
        f"AUTH PLAIN {PLAIN} {PLAIN}",
        f"AUTH PLAIN {PLAIN.rstrip('=')}",
        f"AUTH PLAIN ={PLAIN}",
        f"AUTH PLAIN={PLAIN}",
        f"AUTH=PLAIN {PLAIN}",
        f"AUTH PLAIN:{PLAIN}",
        f"AUTH: PLAIN {PLAIN}",
        f'AUTH "PLAIN" {PLAIN}',
        f"AUTH <PLAIN> {PLAIN}",
        f"AUTH PLAIN\x0b{PLAIN}",
        f"AUTH PLAIN,LOGIN {PLAIN}",
        f"AUTH A-MECHANISM-WITH-TOO-LONG-A-NAME {PLAIN}",
        f"AUTH {PLAIN}",
        f"AUTH PLAIN \0bob\0{PASSWORD}",
        f"AUTH LOGIN bob {PASSWORD}",
    ],
)
@pytest.mark.parametrize("echo", [False, True])
def test_odd_spellings(watched: Watched, line: str, echo: bool) -> None:
    """A client that gets AUTH wrong means its password all the same."""
    watched.play(READY)
    watched.conversation.client(f"{line}\r\n".encode())
    words = f"what is {line.strip()}?" if echo else "what?"
    watched.conversation.upstream(f"500 5.5.2 {words}\r\n".encode())
    kept = watched.over()
    assert leaks(kept, PLAIN) == []
    assert "500" in kept


def test_a_verb_that_only_begins_as_auth(watched: Watched) -> None:
    """What stands behind AUTH without a blank is no part of a stage, either."""
    watched.play(f"{READY}\nC: AUTH{PASSWORD.replace('&', '-')} x\nS: 500 5.5.2 What?")
    assert "TR0UB4DOR" not in watched.over().upper()


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b""])
@pytest.mark.parametrize("before", ["", " ", " " * 40])
def test_a_line_that_is_cut_short(watched: Watched, before: str, end: bytes) -> None:
    """Whole, ended by a bare LF, or not ended at all before the client left."""
    watched.play(READY)
    watched.conversation.client(f"{before}AUTH PLAIN {PLAIN}".encode() + end)
    assert leaks(watched.over(), PLAIN) == []


@pytest.mark.parametrize("before", ["", " " * 20])
@pytest.mark.parametrize("continued", [False, True])
def test_a_line_that_is_too_long(watched: Watched, before: str, continued: bool) -> None:
    """Credentials longer than any line may be are not quoted in the complaint."""
    token = PLAIN * 1000
    watched.play(READY)
    if continued:
        watched.play("C: AUTH PLAIN\nS: 334 ")
        watched.conversation.client(f"{before}{token}".encode())
    else:
        watched.conversation.client(f"{before}AUTH PLAIN {token}".encode())
    assert leaks(watched.over(), PLAIN) == []


def test_what_is_relayed_is_not_touched(watched: Watched) -> None:
    """Client and server hear what was said: redaction is for those who watch."""
    watched.play(f"{READY}\nC: AUTH PLAIN {PLAIN}\nS: 535 5.7.8 {PASSWORD}?")
    assert watched.conversation.asked == f"AUTH PLAIN {PLAIN}\r\n".encode()
    assert watched.conversation.heard.endswith(f"535 5.7.8 {PASSWORD}?\r\n".encode())


def test_the_length_is_not_kept(tmp_path: Path) -> None:
    """A short password and a long one leave the same cassette."""
    found = []
    for name, password in (("short", "abcde"), ("long", "abcde" * 20)):
        (tmp_path / name).mkdir()
        watched = Watched(tmp_path / name)
        token = encoded(f"\0bob\0{password}")
        watched.play(
            f"{READY}\nC: AUTH PLAIN {token}\nS: 535 no\nC: AUTH PLAIN\nS: 334 \nC: {token}"
        )
        watched.over()
        found.append(watched.cassette())
    assert found[0] == found[1]


def test_prompts_stay(watched: Watched) -> None:
    """What asks for user name and password is no secret, and a cassette needs it."""
    watched.play(f"{READY}\n{EXCHANGES['LOGIN']}\nS: 235 Ok")
    watched.over()
    for prompt in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"):
        assert f'S: "334 {prompt}"' in watched.cassette()


def test_a_challenge_becomes_another_one(watched: Watched) -> None:
    """A challenge is replaced by one that a client can decode, and that says nothing."""
    watched.play(f"{READY}\n{EXCHANGES['CRAM-MD5']}\nS: 235 Ok")
    watched.over()
    assert CHALLENGE not in watched.cassette()
    assert f'S: "334 {encoded("<smtpproxy@localhost>")}"' in watched.cassette()


def test_giving_up_is_no_secret(watched: Watched) -> None:
    """`*` (RFC 4954 §4) is kept: the client cancelled."""
    watched.play(f"{READY}\nC: AUTH PLAIN\nS: 334 \nC: *\nS: 501 5.0.0 Cancelled")
    watched.over()
    assert '- C: "*"\n  S: "501 5.0.0 Cancelled"\n' in watched.cassette()


def test_what_follows_auth_is_kept(watched: Watched) -> None:
    """Once the client is authenticated, its commands are commands, also unknown ones."""
    watched.play(
        f"""
        {READY}
        C: AUTH PLAIN {PLAIN}
        S: 235 2.7.0 Ok
        C: XEXCH50 1 2
        S: 354 go
        C: MAIL FROM:<a@example.org> AUTH=<>
        S: 250 2.1.0 Ok
        """
    )
    watched.over()
    assert '- C: "XEXCH50 1 2"\n  S: "354 go"\n' in watched.cassette()
    assert '- C: "MAIL FROM:<a@example.org> AUTH=<>"\n' in watched.cassette()


def test_without_auth_everything_is_kept(watched: Watched) -> None:
    """Nothing is taken for a secret where no AUTH was sent."""
    watched.play(f"{READY}\nC: XYZZY {SECRET}\nS: 500 5.5.2 What is {SECRET}?")
    watched.over()
    assert f'- C: "XYZZY {SECRET}"\n  S: "500 5.5.2 What is {SECRET}?"\n' in watched.cassette()
