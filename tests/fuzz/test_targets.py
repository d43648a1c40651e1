"""Each fuzz target holds for what chance puts together, also where there is no fuzzer."""

import random

import pytest

from tests.fuzz.targets import TARGETS

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
        octets = b"".join(chance.choices(TOKENS, k=chance.randrange(20)))
        try:
            TARGETS[name](octets)
        except AssertionError as error:
            raise AssertionError(f"{name}: {octets!r}") from error
