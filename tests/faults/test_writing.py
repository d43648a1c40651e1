"""What docs/faults.md says of writing a fault: its example is complete, and does what it says."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.faults import FAULTS
from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.sentences import sentence
from tests.dialogue import READY, Conversation, rules_in
from tests.test_documentation import blocks

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
RULE = "RCPT *@example.net: {reply: 450 4.7.1 later, shout: 3}"


@pytest.fixture(autouse=True)
def fault(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example's module, and its line in the table."""
    module = types.ModuleType("smtpproxy.faults.shout")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    (code,) = blocks(PAGE, "python")
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    monkeypatch.setitem(FAULTS, "shout", module.__dict__["Shout"])
    yield


def test_it_does_what_the_page_says() -> None:
    """The client hears the reply of the rule, shouted, and the session goes on."""
    assert f"- {RULE}\n" in PAGE.read_text("utf-8")
    Conversation(book=rules_in(RULE)).play(
        READY
        + """
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        S: 450 4.7.1 LATER!!!
        C: RCPT TO:<b@example.org>
        > RCPT TO:<b@example.org>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        """
    )


@pytest.mark.parametrize("value", ["0", "10", "loud", "[1]"])
def test_it_refuses_what_its_schema_refuses(value: str) -> None:
    """What is no value of it is an error that says what was expected."""
    with pytest.raises(DocumentError, match="shout: expected a "):
        parse_rule(f"RCPT: {{shout: {value}}}")
    schema = FAULTS["shout"].schema
    assert not jsonschema.Draft7Validator(schema).is_valid(value)
    assert jsonschema.Draft7Validator(schema).is_valid(3)


def test_it_reads_as_a_sentence() -> None:
    """Its words fit in."""
    assert sentence(parse_rule("RCPT: {shout: 2}")) == (
        "at RCPT, the reply is shouted, with 2 exclamation marks."
    )
