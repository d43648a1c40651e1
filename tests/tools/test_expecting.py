"""How `--expect` is written."""

import pytest

from smtpproxy.tools.expecting import ExpectationError, read_expectation


@pytest.mark.parametrize(
    ("text", "word", "value"),
    [
        ("messages=1", "messages", "1"),
        ("misses=007", "misses", "7"),
        ("recipient=*@example.net", "recipient", "*@example.net"),
        ("subject=a=b", "subject", "a=b"),
        ("sender=", "sender", ""),
    ],
)
def test_a_word_and_a_value(text: str, word: str, value: str) -> None:
    """A count has a number, all else a pattern; the sender of a bounce is empty."""
    assert read_expectation(text)[:2] == (word, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mesages=1", ["'mesages'", "did you mean 'messages'?"]),
        ("Recipient=x", ["'Recipient'", "did you mean 'recipient'?"]),
        ("messages", ["WORD=VALUE", "'messages'"]),
        ("messages=many", ["messages=", "a number", "'many'"]),
        ("messages=-1", ["a number"]),
        ("messages=", ["a number"]),
        ("messages=" + "9" * 5000, ["a number"]),
        ("recipient=", ["recipient=", "a pattern"]),
        ("subject=/(/", ["subject=", "can't be read"]),
    ],
)
def test_what_can_not_be_expected(text: str, words: list[str]) -> None:
    """One short line that says what there is."""
    with pytest.raises(ExpectationError) as raised:
        read_expectation(text)
    told = str(raised.value)
    assert all(word in told for word in words)
    assert "\n" not in told
    assert len(told) < 300
