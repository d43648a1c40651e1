"""Rule files, and rules of the command line, read into the model.

Every error names file, line, rule and what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from smtpproxy.codes import STAGES, stage_name
from smtpproxy.documents import (
    DocumentError,
    DocumentReader,
    Mapping,
    Node,
    Sequence,
    Text,
    nearest,
    quoted,
    read_documents,
    read_octets,
)
from smtpproxy.faults import FAULTS, Edit, Fault, FaultError, Value
from smtpproxy.faults.drop import WAYS
from smtpproxy.faults.tls import STAGE, TLS_FAULTS
from smtpproxy.rules.model import (
    ADDRESS_OF,
    DELIVER,
    FORWARD,
    NONE,
    UPSTREAM_WORDS,
    Rule,
)
from smtpproxy.rules.pattern import ANY_REPLY
from smtpproxy.rules.times import ALWAYS, Times, parse_times
from smtpproxy.rules.when import parse_when
from smtpproxy.smtp.verbs import KNOWN_VERBS
from smtpproxy.visible import visible_text

MAGIC = "smtpproxy-rules"
VERSION = "1"
FILE_KEYS = (MAGIC, "seed", "rules", "note")
RULE_KEYS = ("name", "when", "times", "note")
_Read = TypeVar("_Read")
#: Digits that a seed may have.
MOST_DIGITS = 20
KNOWN_STAGES = (*STAGES, *sorted(KNOWN_VERBS - STAGES.keys()))

#: Stage and code of a reply that upstream must keep up with, if the client hears it.
_NEED_UPSTREAM = {
    *(("CONNECT", 220), ("AUTH", 334), ("AUTH", 235), ("STARTTLS", 220)),
    *(("TURN", 250), ("ATRN", 250)),
}


class RuleFile(NamedTuple):
    """The rules of a file, in order, and its seed, if it has one."""

    rules: list[Rule]
    seed: int | None


def load_rules(path: Path) -> list[Rule]:
    """Return the rules of a file, in order. Raises DocumentError."""
    return load_rule_file(path).rules


def load_rule_file(path: Path) -> RuleFile:
    """Return what a rule file says. Raises DocumentError."""
    return read_rule_file(read_octets(path), str(path))


def read_rules(octets: bytes, source: str) -> list[Rule]:
    """Return the rules in a file's octets; `source` names it in errors. Raises DocumentError."""
    return read_rule_file(octets, source).rules


def read_rule_file(octets: bytes, source: str) -> RuleFile:
    """Return what a rule file's octets say. Raises DocumentError."""
    return _Loader(source).file(_document(octets, source))


def each_rule(octets: bytes, source: str) -> Iterator[tuple[int, Rule | DocumentError]]:
    """Yield each rule of a file with its line, or what is wrong with it.

    Raises DocumentError where more is wrong than a rule.
    """
    loader = _Loader(source)
    for number, node in enumerate(loader.items(_document(octets, source)), start=1):
        try:
            yield node.line, loader.rule(node, number)
        except DocumentError as error:
            yield node.line, error


def _document(octets: bytes, source: str) -> Mapping:
    documents = list(read_documents(octets, source))
    if not documents or not isinstance(documents[0], Mapping):
        raise DocumentError(source, 1, f"is not a rule file: expected '{MAGIC}: {VERSION}'")
    if len(documents) > 1 and MAGIC in documents[0].entries:
        raise DocumentError(source, documents[1].line, "expected one document, and no more")
    return documents[0]


def parse_rule(text: str) -> Rule:
    """Return the rule in a text such as "RCPT bob@example.net: 550". Raises DocumentError."""
    source = f"--rule {text!r}"
    if not text.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise DocumentError(source, 0, "is not UTF-8")
    head, colon, value = (part.strip() for part in text.partition(": "))
    if not colon:
        raise DocumentError(source, 0, "expected STAGE: REPLY, such as 'RCPT: 452'")
    node: Node = Text(0, value, plain=True)
    try:
        if value[:1] in ("{", '"', "'"):
            node, *others = read_documents(value.encode(), source)
            if others:
                raise DocumentError(source, 0, "expected one value")
        return _Loader(source).rule(Mapping(0, {head: node}, {head: 0}), 1)
    except DocumentError as error:
        raise DocumentError(source, 0, error.problem) from None


class _Loader(DocumentReader):
    """Reads rules from one source."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._name = ""

    def file(self, node: Mapping) -> RuleFile:
        items = self.items(node)
        seed = self._seed(node.entries["seed"]) if "seed" in node.entries else None
        return RuleFile([self.rule(item, at) for at, item in enumerate(items, start=1)], seed)

    def items(self, node: Mapping) -> list[Node]:
        """Return what stands in a file's list of rules. Raises DocumentError."""
        if MAGIC not in node.entries:
            raise self.fail(node.line, f"is not a rule file: expected '{MAGIC}: {VERSION}'")
        version = node.entries[MAGIC]
        if not isinstance(version, Text) or version.value != VERSION:
            raise self.fail(version.line, f"this release reads rules of version {VERSION}")
        self.check_keys(node, FILE_KEYS)
        if "seed" in node.entries:
            self._seed(node.entries["seed"])
        rules = node.entries.get("rules")
        if isinstance(rules, Text) and rules.plain and not rules.value:
            return []  # all of them commented out
        if not isinstance(rules, Sequence):
            raise self.fail(node.line, "expected rules: and a list")
        return rules.items

    def _seed(self, node: Node) -> int:
        text = self.text(node)
        if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
            raise self.fail(node.line, "seed: expected a whole number")
        return int(text)

    def rule(self, node: Node, number: int) -> Rule:
        """Return one rule; `number` names it where it has no name. Raises DocumentError."""
        self._name = ""
        if not isinstance(node, Mapping):
            raise self.fail(node.line, "a rule is a mapping, such as RCPT: 452")
        heads = [key for key in node.entries if key not in RULE_KEYS and not key.startswith("x-")]
        stages = [key for key in heads if self._stage(key.partition(" ")[0])]
        name = node.entries.get("name")
        named = self.text(name) if name else (stages or heads or [f"rule {number}"])[0]
        self._name = " ".join(visible_text(named).split())
        if len(heads) > 1 and len(stages) == 1:
            strange = next(key for key in heads if key not in stages)
            near = nearest(strange, RULE_KEYS)
            raise self.fail(node.key_lines[strange], f"unknown key {strange!r}{near}")
        if len(heads) != 1:
            got = ", ".join(map(repr, heads)) or "none"
            raise self.fail(node.line, f"expected one stage, got {got}")
        head = heads[0]
        stage, pattern = self._head(head, node.key_lines[head])
        value = node.entries[head]
        faults, upstream = self._experience(value, stage)
        rule = self._with_conditions(node, stage, pattern, faults, upstream)
        self._check(rule, upstream, value.line)
        return rule

    def _head(self, head: str, line: int) -> tuple[str, str]:
        word, _, pattern = head.partition(" ")
        stage = self._stage(word)
        if stage is None:
            raise self.fail(line, f"unknown stage {word!r}{nearest(word, KNOWN_STAGES)}")
        if pattern and stage not in ADDRESS_OF:
            raise self.fail(line, f"{stage} has no address for the pattern {pattern!r}")
        pattern = pattern.strip()
        if pattern[:1] in ("'", '"') and pattern[-1:] == pattern[:1]:
            pattern = pattern[1:-1]  # in YAML one is used to quoting a `*`
        return stage, pattern

    def _stage(self, word: str) -> str | None:
        return stage_name(word) or (word.upper() if word.upper() in KNOWN_VERBS else None)

    def _experience(self, node: Node, stage: str) -> tuple[tuple[Fault, ...], str]:
        """Return what the client experiences, and what is said of upstream, or ""."""
        if isinstance(node, Text):
            return (self._short(node, stage),), ""
        if not isinstance(node, Mapping):
            raise self.fail(node.line, "expected a reply, or a mapping such as {delay: 30 s}")
        self._check_experience(node, stage)
        upstream = self.text(node.entries["upstream"]) if "upstream" in node.entries else ""
        if upstream and upstream not in UPSTREAM_WORDS:
            raise self.fail(
                node.entries["upstream"].line,
                f"upstream: expected none, forward or deliver, got {upstream!r}"
                + nearest(upstream, UPSTREAM_WORDS),
            )
        faults = [
            self._fault(key, node.entries[key], stage) for key in FAULTS if key in node.entries
        ]
        if not faults:
            raise self.fail(node.line, f"expected one of {', '.join(FAULTS)}")
        if sum(fault.answers for fault in faults) > 1:
            raise self.fail(node.line, "reply: and client: exclude one another, and refuse:, too")
        return tuple(faults), upstream

    def _short(self, node: Text, stage: str) -> Fault:
        """Return the fault that the short form says: a reply, or one word."""
        key = "client" if node.value in WAYS else "reply"
        if stage == STAGE and _is_of_tls(node.value):
            key = "tls"
        near = "" if key == "tls" else nearest(node.value, WAYS)
        return self._read(FAULTS[key].parse, node, stage, f"{key}: ", near)

    def _check_experience(self, node: Mapping, stage: str) -> None:
        """Refuse what is no key in here, and say where it was meant to be."""
        known = (*FAULTS, "upstream")
        for key, line in node.key_lines.items():
            value = node.entries[key]
            if key in known:
                continue
            if key in RULE_KEYS:
                problem = f"unknown key {key!r}; it stands beside {stage!r}, not in it"
                raise self.fail(line, problem)
            if isinstance(value, Text) and value.plain and not value.value and " " in key.strip():
                problem = f"unknown key {quoted(key)}; a text with a comma in it is quoted here"
                raise self.fail(line, problem)
        self.check_keys(node, known)

    def _fault(self, key: str, node: Node, stage: str) -> Fault:
        return self._read(FAULTS[key].parse, node, stage, f"{key}: ")

    def _with_conditions(
        self, node: Mapping, stage: str, pattern: str, faults: tuple[Fault, ...], upstream: str
    ) -> Rule:
        when = node.entries.get("when")
        if when is not None and not isinstance(when, Mapping):
            raise self.fail(when.line, "when: is a mapping such as {recipient: '*@example.net'}")
        line = when.line if when else node.line
        found, lines = (dict(when.entries), dict(when.key_lines)) if when else ({}, {})
        if pattern:
            key = ADDRESS_OF[stage]
            if key in found:
                raise self.fail(found[key].line, f"{key}: stands beside the stage already")
            lines[key] = node.key_lines[next(key for key in node.key_lines if pattern in key)]
            found = {key: Text(lines[key], pattern, plain=True), **found}
        conditions = self._read(parse_when, Mapping(line, found, lines), stage)
        times = node.entries.get("times")
        rule = Rule(
            self._name,
            stage,
            faults,
            upstream,
            conditions,
            self._times(times, stage) if times is not None else ALWAYS,
        )
        default = FORWARD if rule.needs_reply else _default_upstream(faults)
        return rule if upstream else replace(rule, upstream=default)

    def _times(self, node: Node, stage: str) -> Times:
        return self._read(parse_times, node, stage, "times: ")

    def _read(
        self,
        parse: Callable[[Value, str], _Read],
        node: Node,
        stage: str,
        before: str = "",
        hint: str = "",
    ) -> _Read:
        try:
            return parse(_value(node), stage)
        except FaultError as error:
            near = nearest(error.word, error.known) or hint
            raise self.fail(_line(node, error.path), f"{before}{error}{near}") from None

    def _check(self, rule: Rule, upstream: str, line: int) -> None:
        """Refuse what can't be kept consistent with upstream."""
        code, stage = rule.code, rule.stage
        other = {"DATA": "END-OF-DATA", "END-OF-DATA": "DATA"}.get(stage)
        if code and other and code not in STAGES[stage] and code in STAGES[other]:
            raise self.fail(
                line, f"{code} is not listed for {stage}, but for {other}; did you mean {other!r}?"
            )
        if upstream == DELIVER and stage not in ("END-OF-DATA", "BDAT"):
            raise self.fail(line, "upstream: deliver is for END-OF-DATA; elsewhere say forward")
        if rule.upstream == NONE and not rule.answers:
            raise self.fail(line, "upstream: none needs an answer: reply: or client:")
        rewrites = any(fault.rewrites for fault in rule.faults)
        if rewrites and rule.needs_reply:
            raise self.fail(line, "rewrite: comes too late where upstream has replied already")
        if rewrites and rule.upstream == NONE:
            raise self.fail(line, "rewrite: is for upstream, which is not asked: say forward")
        if rule.needs_reply and (stage, code) == ("AUTH", 334):
            raise self.fail(line, "334 at AUTH promises what only upstream can keep")
        if rule.upstream == NONE and rule.needs_reply:
            raise self.fail(line, "a rule that looks at upstream's reply can't say upstream: none")
        if rule.upstream == NONE and (stage, code) in _NEED_UPSTREAM:
            raise self.fail(line, f"{code} at {stage} promises what only upstream can keep")
        edited = next((fault.code for fault in rule.faults if isinstance(fault, Edit)), 0)
        if edited and rule.answers:
            raise self.fail(
                line, "edit: has a code, and the rule answers: give the answer that code"
            )
        if (stage, edited) in _NEED_UPSTREAM:
            raise self.fail(line, f"{edited} at {stage} promises what only upstream can keep")
        if not upstream and _turns_round(rule, code, edited):
            raise self.fail(
                line,
                "turns what upstream said into its contrary: "
                "say upstream: forward (or deliver) to mean it",
            )

    def fail(self, line: int, problem: str) -> DocumentError:
        """Return the error to raise, which names the rule."""
        return super().fail(line, f"rule {self._name!r}: {problem}" if self._name else problem)


def _is_of_tls(word: str) -> bool:
    """Does a word at STARTTLS say what is to be wrong with TLS? `silence` does."""
    return word in TLS_FAULTS or not (word in WAYS or word[:1].isdigit())


def _value(node: Node) -> Value:
    """Return what a node holds."""
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Sequence):
        return [_value(item) for item in node.items]
    return {key: _value(entry) for key, entry in node.entries.items()}


def _line(node: Node, path: tuple[str | int, ...]) -> int:
    """Return the line of the part of a node that a path leads to."""
    line = node.line
    for step in path:
        if isinstance(node, Mapping) and step in node.entries:
            line, node = node.key_lines[str(step)], node.entries[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int):
            node = node.items[step]
            line = node.line
    return line


def _default_upstream(faults: tuple[Fault, ...]) -> str:
    """A refusal or a drop is made here; a success only changes upstream's words."""
    if any(fault.relays for fault in faults):
        return FORWARD
    code = next((getattr(fault, "code", 0) for fault in faults if fault.answers), None)
    return FORWARD if code is None or 0 < code < 400 else NONE


def _turns_round(rule: Rule, code: int, edited: int) -> bool:
    """May the client hear the contrary of what upstream says, though upstream is asked?"""
    if not rule.needs_reply:
        return bool(edited)  # whatever it says
    return (rule.answers or bool(edited)) and _turns(rule, edited or code)


def _turns(rule: Rule, code: int) -> bool:
    """May the client hear the contrary of what upstream said? A drop is a failure, too."""
    reply = rule.reply.code if rule.reply else ANY_REPLY
    told_failure = code == 0 or code >= 400
    return reply.low < 400 <= reply.high or (reply.low >= 400) != told_failure
