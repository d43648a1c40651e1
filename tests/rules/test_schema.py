"""The JSON Schema of rule files: editors that follow it mark what the reader would refuse."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from smtpproxy.documents import DocumentError, read_documents
from smtpproxy.faults import FAULTS
from smtpproxy.rules.load import FILE_KEYS, KNOWN_STAGES, RULE_KEYS, read_rules
from smtpproxy.rules.presets import preset_names, preset_text
from smtpproxy.rules.schema import schema
from smtpproxy.rules.when import KEYS
from tests.cassette.test_schema import as_an_editor
from tests.pages import DOCS
from tests.reply_code_table import TABLE

PUBLISHED = json.loads((DOCS / "rules-schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(schema())
HEAD = "smtpproxy-rules: 1\nrules:\n"
BLOCKS = re.findall(r"```yaml\n(.*?)```", (DOCS / "rules.md").read_text(), re.DOTALL)
EXAMPLES = [block for block in BLOCKS if block.startswith("smtpproxy-rules:")]


def fits(text: str) -> bool:
    """Does a rule file fit the schema?"""
    (document,) = read_documents(text.encode(), "rules.yaml")
    return VALIDATOR.is_valid(as_an_editor(document))


def test_the_schema_is_one() -> None:
    """What is published is a JSON Schema of the draft that it names."""
    jsonschema.Draft7Validator.check_schema(PUBLISHED)
    assert PUBLISHED["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_it_has_every_key_of_the_reader() -> None:
    """Each key that is read is in it, with words for who hovers over it, and each stage."""
    told = schema()
    parts = told["definitions"]
    assert list(told["properties"]) == list(FILE_KEYS)
    assert list(parts["rule"]["properties"]) == [*RULE_KEYS, *KNOWN_STAGES]
    assert list(parts["when"]["properties"]) == list(KEYS)
    assert all(of["description"] for of in parts["when"]["properties"].values())
    (mapping,) = (one for one in parts["experience"]["anyOf"] if "properties" in one)
    assert list(mapping["properties"]) == [*FAULTS, "upstream"]
    assert all(of["description"] for of in mapping["properties"].values())


@pytest.mark.parametrize("name", preset_names())
def test_presets_fit(name: str) -> None:
    """No preset is a mistake, for the reader or for an editor."""
    read_rules(preset_text(name).encode(), name)
    assert fits(preset_text(name))


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_examples_fit(text: str) -> None:
    """No example of the documentation is a mistake."""
    assert fits(text)


def test_every_row_of_the_table_fits() -> None:
    """Each code of each command is written as shortly as that."""
    rows = TABLE.rows
    assert len(rows) == 111
    assert fits(HEAD + "".join(f"- {row.stage}: {row.code}\n" for row in rows))


GOOD = [
    "- rcpt: 452",
    "- RCPT *@example.net: 450 Later",
    '- {RCPT: "450", when: {recipient: "*", reply: 45x, tls: true}}',
    "- {name: 4, MAIL: drop, note: mine, x-mine: [1]}",
    "- VRFY: |\n    250-a\n    250 b",
    "- STARTTLS: expired",
    "- STARTTLS: {tls: expired, delay: 5 s}",
    "- EHLO: {keywords: {remove: DSN, set: {SIZE: 5}}}",
    "- END-OF-DATA: {upstream: deliver, client: reset}",
    "- MAIL: {rewrite: {sender: ''}}",
    "- RCPT: {rewrite: {recipient: other@example.net}}",
    "- {RCPT: 450, times: 2}",
    "- {RCPT: 450, times: {until: 5 min after first, per: triplet, forget: 1 day}}",
    "- {RCPT: 450, times: {above: 3, within: 1 min, per: client}, when: {chance: 0.2}}",
    "- {RCPT: 450, when: {any: [{sender: a@b}, {not: {command: 3-}}], all: [{chance: 1}]}}",
    "- {MAIL: 550, when: {parameters: {SIZE: /1.*/}, client: 192.0.2.0/24}}",
    "- {END-OF-DATA: 552, when: {size: over 10 MiB, header: {Subject: spam*}}}",
]
BAD = [
    "- RCTP: 452",
    "- RCPT: 199",
    "- RCPT: 600 No",
    "- RCPT: {}",
    "- RCPT: {dleay: 5 s}",
    "- RCPT: expired",
    "- EHLO x: 500",
    "- {RCPT: 450, whne: {tls: true}}",
    "- {RCPT: 450, when: {tsl: true}}",
    "- {RCPT: 450, when: {reply: 6xx}}",
    "- {RCPT: {reply: 450, upstream: nobody}}",
    "- EHLO: {keywords: {removed: DSN}}",
    "- EHLO: {rewrite: {helo: other.example.org}}",
    "- RCPT: {rewrite: {recipient: ''}}",
    "- RCPT",
    "- {}",
    "- {RCPT: 450, times: {frist: 2}}",
    "- {RCPT: 450, times: 0}",
    "- {RCPT: 450, times: {first: 1, per: nobody}}",
    "- {RCPT: 450, when: {any: [{sneder: a}]}}",
    "- {RCPT: 450, when: {any: []}}",
    "- {END-OF-DATA: 552, when: {size: large}}",
]


@pytest.mark.parametrize("rule", GOOD)
def test_what_the_reader_takes_fits(rule: str) -> None:
    """What can be written is no mistake."""
    assert read_rules((HEAD + rule + "\n").encode(), "rules.yaml")
    assert fits(HEAD + rule + "\n")


@pytest.mark.parametrize("rule", BAD)
def test_what_the_reader_refuses_does_not_fit(rule: str) -> None:
    """A mistake is marked."""
    with pytest.raises(DocumentError):
        read_rules((HEAD + rule + "\n").encode(), "rules.yaml")
    assert not fits(HEAD + rule + "\n")


@pytest.mark.parametrize(
    "text",
    [
        "rules: []\n",
        "smtpproxy-rules: 2\nrules: []\n",
        "smtpproxy-rules: 1\n",
        "smtpproxy-rules: 1\nrule: []\n",
        "smtpproxy-rules: 1\nseed: soon\nrules: []\n",
        "smtpproxy-rules: 1\nrules: {RCPT: 450}\n",
    ],
)
def test_a_mistake_around_the_rules(text: str) -> None:
    """What the reader refuses in the file does not fit either."""
    with pytest.raises(DocumentError):
        read_rules(text.encode(), "rules.yaml")
    assert not fits(text)


def test_no_rules_at_all_fit() -> None:
    """A file whose rules are all commented out is no mistake."""
    assert fits("smtpproxy-rules: 1\nrules:\n")
