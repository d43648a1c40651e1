"""How it is written what replay compares: in a cassette's header, and on the command line."""

import pytest

from smtpproxy.cassette.matching import NOISE, USUAL, Matching
from smtpproxy.cassette.matchwords import MatchError, matching_of, read_order
from smtpproxy.cassette.read import read_cassette
from smtpproxy.documents import DocumentError


@pytest.mark.parametrize(
    ("match", "ignored", "matching"),
    [
        ([], [], USUAL),
        (["verb"], [], Matching(envelope=False, parameters=False)),
        (["envelope", "message"], [], Matching(parameters=False, message=True)),
        ([], ["NOTIFY", "X-*"], Matching(ignored=(*NOISE, "NOTIFY", "X-*"))),
        ([], ["X-*", "none"], Matching(ignored=())),
        ([], ["none", "recipient"], Matching(ignored=("recipient",))),
    ],
)
def test_words_and_what_they_mean(match: list[str], ignored: list[str], matching: Matching) -> None:
    """What is named is compared; names come on top of the noise, unless `none` comes first."""
    assert matching_of(match, ignored) == matching


@pytest.mark.parametrize(
    ("match", "ignored", "words"),
    [
        (["envlope"], [], ["'envlope'", "did you mean 'envelope'?"]),
        ([""], [], ["verb, envelope, parameters and message"]),
        ([], ["X Y"], ["NOTIFY", "'X Y'"]),
        ([], ["*@example.net"], ["recipient", "'*@example.net'"]),
    ],
)
def test_what_can_not_be_meant(match: list[str], ignored: list[str], words: list[str]) -> None:
    """One line that says what there is."""
    with pytest.raises(MatchError) as raised:
        matching_of(match, ignored)
    assert all(word in str(raised.value) for word in words)


def test_a_cassette_says_what_is_compared() -> None:
    """`match:` and `ignore:` of the header are lists, or single words."""
    head = "smtpproxy-cassette: 1\nmatch: [envelope, message]\nignore: X-Mailer\n"
    cassette = read_cassette(head.encode(), "a.yaml")
    assert (cassette.match, cassette.ignore) == (("envelope", "message"), ("X-Mailer",))


@pytest.mark.parametrize("line", ["match: [verb, mesage]", "ignore: ['a b']", "order: strikt"])
def test_a_mistake_in_a_cassette_has_its_line(line: str) -> None:
    """The error names the file and the line of the header."""
    with pytest.raises(DocumentError) as raised:
        read_cassette(f"smtpproxy-cassette: 1\n{line}\n".encode(), "a.yaml")
    assert str(raised.value).startswith(f"a.yaml:2: {line.partition(':')[0]}: ")


@pytest.mark.parametrize(("words", "order"), [([], ""), (["any"], "any"), (["strict"], "strict")])
def test_the_order_is_one_word(words: list[str], order: str) -> None:
    """Or none, which leaves it to whoever asks next."""
    assert read_order(words) == order


@pytest.mark.parametrize("words", [["strickt"], [""], ["any", "strict"]])
def test_there_are_two_orders(words: list[str]) -> None:
    """Anything else is one line that names both."""
    with pytest.raises(MatchError, match=r"^order: expected any or strict, got '"):
        read_order(words)


def test_the_nearest_order_is_named() -> None:
    """As with all words."""
    with pytest.raises(MatchError, match="did you mean 'strict'"):
        read_order(["strickt"])
