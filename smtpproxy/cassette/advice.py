"""What to do about a miss: for people, as a few aligned lines, and for the report as data.

Owns the words, and the YAML that is pasted into the cassette. The verdict is the affair of
`replay`.
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpproxy.cassette.closest import DIFFERS, FITS, IGNORED, Compared
from smtpproxy.cassette.misses import ALREADY_USED, DIFFERENT, MISSING, Miss
from smtpproxy.cassette.scalars import write_line
from smtpproxy.cassette.undertls import CONNECTION, RECORDING
from smtpproxy.cassette.write import write_group
from smtpproxy.codes import STAGES, wording
from smtpproxy.reports.reported import ReportedField, ReportedMiss

#: Fields of each outcome that are told to people, and characters of each value.
_MOST, _LONGEST = 8, 60
_COLOURS = {FITS: "32", DIFFERS: "31", "instead": "1", "add": "1"}
#: What helps where TLS is the difference.
_TLS = {
    RECORDING: "let the client begin TLS, or replay with --tls originate, which needs none",
    CONNECTION: "let the client do without TLS, or replay with --tls terminate",
}
#: Fields that are no noise by any name.
_NO_NAMES = frozenset(
    {"verb", "local part", "domain", "line", "mechanism", "initial response", "continuation"}
    | {"argument", "LAST", "message", "body"}
)


def explained(miss: Miss, colour: bool = False) -> str:
    """Return what is to be said of a miss beneath its line."""
    lines = [(word, text.replace("\n", f"\n{' ' * 11}")) for word, text in _lines(miss)]
    return "\n".join(f"  {_painted(word, colour)}  {text}" for word, text in lines)


def reported(miss: Miss) -> ReportedMiss:
    """Return a miss as the report has it."""
    place, paste = _paste(miss)
    return ReportedMiss(
        number=miss.number,
        session=miss.session,
        verdict=miss.verdict,
        stage=miss.stage,
        sent=miss.sent,
        closest=miss.closest,
        source=miss.source,
        line=miss.line,
        tls=miss.tls,
        compared=[ReportedField(*field) for field in miss.compared],
        expected=list(miss.expected),
        paste=paste,
        paste_at=place,
    )


def _painted(word: str, colour: bool) -> str:
    padded = f"{word:<7}"
    return f"\x1b[{_COLOURS[word]}m{padded}\x1b[0m" if colour and word in _COLOURS else padded


def _lines(miss: Miss) -> Iterator[tuple[str, str]]:
    if miss.verdict == ALREADY_USED:
        yield "used", "as often as it was recorded; --repeat lets it be replayed again"
        return
    if miss.tls:
        yield "tls", _TLS[miss.tls]
    for outcome in (FITS, IGNORED, DIFFERS):
        fields = [field for field in miss.compared if field.outcome == outcome]
        if outcome == DIFFERS:
            for field in fields[:_MOST]:
                yield DIFFERS, _difference(field)
            if more := len(fields[_MOST:]):
                yield DIFFERS, f"and {more} fields more"
        elif fields:
            yield outcome, ", ".join(field.name for field in fields[:_MOST])
    if miss.verdict == MISSING and miss.expected:
        yield "here", f"the cassette has {' or '.join(map(_cut, miss.expected))}"
    place, paste = _paste(miss)
    if paste:
        word = "instead" if miss.verdict == DIFFERENT else "add"
        yield word, f"{place}:{' ' if miss.verdict == DIFFERENT else chr(10)}{paste}"
    if names := _ignorable(miss):
        yield "or", " ".join(f"--ignore {name}" for name in names)


def _difference(field: Compared) -> str:
    sent = _cut(field.sent) or "not there"
    recorded = _cut(field.recorded) or "not there"
    return f"{field.name}: {sent}, recorded: {recorded}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _ignorable(miss: Miss) -> list[str]:
    """Return the names that make it fit if they are ignored, or none where that is not enough."""
    names = [field.name for field in miss.compared if field.outcome == DIFFERS]
    if len(names) > _MOST or any(name in _NO_NAMES for name in names):
        return []
    return [name.removeprefix("header ") for name in names]


def _paste(miss: Miss) -> tuple[str, str]:
    """Return where something belongs that makes a miss fit, and what, as YAML; or nothing."""
    wanted = miss.wanted
    if wanted is None or miss.verdict == ALREADY_USED or miss.tls:
        return "", ""
    if miss.verdict == DIFFERENT:
        return f"{miss.source}:{miss.line}", f"C: {write_line(wanted.sent, '  ')}"
    if not miss.behind:
        return "", ""
    reply = _usual_reply(miss.stage)
    written = write_group([wanted._replace(said=(reply,))]).removesuffix("\n")
    return f"behind {miss.source}:{miss.behind}", written


def _usual_reply(stage: str) -> bytes:
    """Return what a server says at a stage where all is well."""
    good = sorted(code for code in STAGES.get(stage, ()) if 200 <= code < 400)
    code = good[0] if good else 250
    enhanced, text = wording(stage, code)
    words = " ".join(filter(None, (str(code), enhanced, text)))
    return words.encode("ascii", "replace") + b"\r\n"
