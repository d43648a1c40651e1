"""The registry agrees with the RFCs, and what it would send is fit to be sent."""

import re

import pytest

from smtpproxy.codes import ANYWHERE, CODES, STAGES, meaning, stage_name, wording
from smtpproxy.smtp.verbs import KNOWN_VERBS

EVERY_ROW = [(stage, code) for stage, codes in STAGES.items() for code in codes]


@pytest.mark.parametrize(
    ("stage", "codes"),
    [
        # RFC 5321 §4.3.2
        ("CONNECT", {220, 554}),
        ("EHLO", {250, 504, 550, 502}),
        ("HELO", {250, 504, 550, 502}),
        ("MAIL", {250, 552, 451, 452, 550, 553, 503, 455, 555}),
        ("RCPT", {250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 455, 555}),
        ("DATA", {354, 503, 554}),
        ("END-OF-DATA", {250, 552, 554, 451, 452, 450, 550}),
        ("RSET", {250}),
        ("VRFY", {250, 251, 252, 550, 551, 553, 502, 504}),
        ("EXPN", {250, 252, 550, 500, 502, 504}),
        ("HELP", {211, 214, 502, 504}),
        ("NOOP", {250}),
        ("QUIT", {221}),
        ("STARTTLS", {220, 501, 454}),  # RFC 3207 §4
        ("AUTH", {235, 334, 432, 454, 500, 501, 503, 504, 534, 535, 538}),  # RFC 4954 §4 and §6
        ("MAIL", {530}),  # RFC 4954 §6
        ("BDAT", {250, 503}),  # RFC 3030 §2
        ("RCPT", {556}),  # RFC 7504
    ],
)
def test_codes_that_the_rfcs_list(stage: str, codes: set[int]) -> None:
    """Each code that an RFC lists for a stage is listed for it here."""
    assert codes - set(STAGES[stage]) == set()


def test_codes_that_may_come_anywhere() -> None:
    """RFC 5321 §4.3.2: any command can be answered with 500, 501 or 421."""
    assert {500, 501, 421} <= ANYWHERE


def test_stages_are_what_rules_can_name() -> None:
    """A stage is a known verb, the connection, or the end of mail data; each names itself."""
    assert STAGES.keys() - KNOWN_VERBS == {"CONNECT", "END-OF-DATA"}
    assert {stage_name(stage.lower()) for stage in STAGES} == STAGES.keys()


@pytest.mark.parametrize(("stage", "code"), EVERY_ROW)
def test_listed_codes_are_known(stage: str, code: int) -> None:
    """A code that is listed for a stage has a meaning there."""
    assert code in CODES
    assert meaning(stage, code)


def test_no_code_is_listed_twice() -> None:
    """A code stands once in the list of its stage."""
    assert len(set(EVERY_ROW)) == len(EVERY_ROW)


@pytest.mark.parametrize(
    ("stage", "code", "words"),
    [
        ("RCPT", 550, "Requested action not taken: mailbox unavailable"),
        ("EHLO", 550, "Not implemented"),
        ("CONNECT", 220, "<domain> Service ready"),
        ("STARTTLS", 220, "Ready to start TLS"),  # RFC 3207 §4
        ("XYZZY", 250, "Requested mail action okay, completed"),
        ("RCPT", 599, ""),
    ],
)
def test_meaning(stage: str, code: int, words: str) -> None:
    """A code means what it means at its stage, else what it means anywhere, else nothing."""
    assert meaning(stage, code) == words


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("RCPT", "RCPT"),
        ("rcpt", "RCPT"),
        ("VERFY", "VRFY"),
        ("verfy", "VRFY"),
        ("end-of-data", "END-OF-DATA"),
        ("RCTP", None),
        ("XFOO", None),
        ("", None),
    ],
)
def test_stage_name(word: str, stage: str | None) -> None:
    """A stage is found in any case and under its other spelling; what is unknown is None."""
    assert stage_name(word) == stage


@pytest.mark.parametrize(("stage", "code"), [*EVERY_ROW, ("RCPT", 299), ("RCPT", 599)])
def test_enhanced_status_code_belongs_to_the_code(stage: str, code: int) -> None:
    """RFC 3463 §3, RFC 2034 §4: of the same class; none with 3xx, in the greeting, at HELO."""
    enhanced = wording(stage, code).enhanced
    if stage in ("CONNECT", "HELO", "EHLO", "LHLO") or code // 100 == 3:
        assert enhanced == ""
    else:
        assert re.fullmatch(rf"{code // 100}\.[0-7]\.[0-9]{{1,3}}", enhanced)


@pytest.mark.parametrize(
    ("stage", "code", "enhanced"),
    [
        ("AUTH", 235, "2.7.0"),  # RFC 4954 §6, as are those to 538
        ("AUTH", 432, "4.7.12"),
        ("AUTH", 454, "4.7.0"),
        ("AUTH", 534, "5.7.9"),
        ("AUTH", 535, "5.7.8"),
        ("MAIL", 530, "5.7.0"),
        ("AUTH", 538, "5.7.11"),
        ("MAIL", 250, "2.1.0"),  # RFC 3463 §3.2: other address status
        ("RCPT", 250, "2.1.5"),  # destination address valid
        ("RCPT", 550, "5.1.1"),  # bad destination mailbox address
        ("RCPT", 551, "5.1.6"),  # mailbox has moved
        ("RCPT", 553, "5.1.3"),  # bad destination mailbox address syntax
        ("MAIL", 553, "5.1.7"),  # bad sender's mailbox address syntax
        ("RCPT", 552, "5.2.2"),  # RFC 3463 §3.3: mailbox full
        ("RCPT", 452, "4.3.1"),  # RFC 3463 §3.4: mail system full
        ("END-OF-DATA", 552, "5.3.4"),  # message too big for system
        ("RCPT", 421, "4.3.2"),  # system not accepting network messages
        ("NOOP", 500, "5.5.2"),  # RFC 3463 §3.6: syntax error
        ("DATA", 503, "5.5.1"),  # invalid command
        ("MAIL", 501, "5.5.4"),  # invalid command arguments
        ("RCPT", 556, "5.1.10"),  # RFC 7505
        ("RCPT", 599, "5.0.0"),  # RFC 3463 §3.1: other undefined status
    ],
)
def test_enhanced_status_code(stage: str, code: int, enhanced: str) -> None:
    """The enhanced status code says what the RFCs say for such a reply."""
    assert wording(stage, code).enhanced == enhanced


@pytest.mark.parametrize(("stage", "code"), EVERY_ROW)
def test_words_can_be_sent(stage: str, code: int) -> None:
    """RFC 5321 §4.2 and §4.5.3.1.5: printable ASCII, with room for a domain in 512 octets."""
    text = wording(stage, code).text
    assert text and text.isascii() and text.isprintable()
    assert len(text) < 200


@pytest.mark.parametrize(
    ("stage", "code"), [("CONNECT", 220), ("CONNECT", 421), ("QUIT", 221), ("RCPT", 421)]
)
def test_server_names_itself(stage: str, code: int) -> None:
    """RFC 5321 §4.2.3: these replies begin with the server's domain, for the caller to fill in."""
    assert wording(stage, code).text.startswith("<domain> ")


def test_words_for_an_unlisted_code() -> None:
    """A code that the registry does not know can be sent, too, and has words that own up to it."""
    assert wording("RCPT", 599) == ("5.0.0", "Unlisted reply code")
