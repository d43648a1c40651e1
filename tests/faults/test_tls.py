"""What can be wrong with TLS: its names, and where it is written."""

from __future__ import annotations

import pytest

from smtpproxy.faults import FaultError, SpoiltTls, Telling
from smtpproxy.faults.tls import ENDLESS, TLS_FAULTS, WITHOUT
from smtpproxy.net.flaws import FLAWS
from smtpproxy.smtp.facts import Reply


def test_each_is_brought_about_by_somebody() -> None:
    """What is no flaw of a handshake is one in which none begins, and there are no others."""
    assert set(TLS_FAULTS) == set(FLAWS) | WITHOUT
    assert not set(FLAWS) & WITHOUT
    assert set(TLS_FAULTS) >= ENDLESS


@pytest.mark.parametrize("word", TLS_FAULTS)
def test_it_leaves_the_reply_as_it_is(word: str) -> None:
    """The client hears 220 as it came; what is wrong follows it."""
    reply = Reply(220, b"220 Go ahead\r\n")
    telling = Telling(reply)
    SpoiltTls.parse(word, "STARTTLS").apply(telling)
    assert (telling.reply, telling.before, telling.after) == (reply, [], [])
    assert telling.flaw == word


@pytest.mark.parametrize("word", ["", "Expired", "expired untrusted", "454"])
def test_no_word_for_it(word: str) -> None:
    """Every other word is refused, with those that are known."""
    with pytest.raises(FaultError, match=r"expected plain-text, silence, .* or old-version, got"):
        SpoiltTls.parse(word, "STARTTLS")


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO", "RCPT"])
def test_no_tls_begins_elsewhere(stage: str) -> None:
    """It stands at STARTTLS, and the error says so."""
    with pytest.raises(FaultError, match=f"expected at STARTTLS alone: at {stage} no TLS begins"):
        SpoiltTls.parse("expired", stage)


def test_it_does_not_answer() -> None:
    """A later rule may still refuse TLS, and then there is nothing to spoil."""
    assert not SpoiltTls.answers
