"""Each fuzz target holds for what chance puts together, and for all that fuzzing has reached.

This runs where there is no fuzzer, too.
"""

import random
from pathlib import Path

import pytest

from tests.fuzz.seeding import seeds
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
TOKENS = (
    *(b"\xfeC", b"\xfeU", b"EHLO x\r\n", b"LHLO x\r\n", b"DATA\r\n", b"354 go\r\n", b"250 Ok\r\n"),
    *(b"RCPT TO:<b@example.net>\r\n", b"BDAT 3 LAST\r\n", b"\r\n.\r\n", b"\n.\n", b".", b"\0"),
    *(b"AUTH PLAIN\r\n", b"334 \r\n", b"353 go\r\n", b"250-x\r\n", b"XCLIENT A=b\r\n", b"\xff"),
)


@pytest.mark.parametrize("name", TARGETS)
def test_target_finds_nothing(name: str) -> None:
    """A target's check, which raises where something is wrong, does not."""
    chance = random.Random(5321)
    for _ in range(200):
        run(name, b"".join(chance.choices(TOKENS, k=chance.randrange(20))))


@pytest.mark.parametrize("name", TARGETS)
def test_target_finds_nothing_in_the_seeds(name: str) -> None:
    """What fuzzing begins from is right."""
    for octets in seeds()[name]:
        run(name, octets)


@pytest.mark.parametrize("name", TARGETS)
def test_target_finds_nothing_in_its_corpus(name: str) -> None:
    """What once reached another branch reaches it in every run of the tests."""
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    for path in inputs:
        run(name, path.read_bytes())


def run(name: str, octets: bytes) -> None:
    """Run a target's check, and say for which octets it failed."""
    try:
        TARGETS[name](octets)
    except Exception as error:
        raise AssertionError(f"{name}: {octets!r}") from error
