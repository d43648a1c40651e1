"""Every row of the table of reply codes is known, listed, named, and can be injected."""

import pytest

from smtpproxy.classify import classify
from smtpproxy.codes import CODES, STAGES, meaning, wording
from smtpproxy.rules.load import parse_rule
from tests.reply_code_table import TABLE, Row, plain

every_row = pytest.mark.parametrize("row", TABLE.rows, ids=str)


def test_the_table_is_whole() -> None:
    """The table has 25 codes, and 111 rows over 16 commands, of which DATA is two stages."""
    assert len(TABLE.codes) == 25
    assert len(TABLE.rows) == len(set(TABLE.rows)) == 111
    assert len({row.command for row in TABLE.rows}) == 16
    assert len({row.stage for row in TABLE.rows}) == 17


def test_data_is_two_stages() -> None:
    """354 to 421 answer DATA, and what follows answers the end of mail data."""
    codes = {
        stage: [row.code for row in TABLE.rows if row.stage == stage]
        for stage in ("DATA", "END-OF-DATA")
    }
    assert codes == {
        "DATA": [354, 451, 554, 500, 501, 503, 421],
        "END-OF-DATA": [250, 552, 554, 451, 452],
    }


@pytest.mark.parametrize(("code", "words"), TABLE.codes.items())
def test_code(code: int, words: str) -> None:
    """The registry knows each code, and means by it what the table means."""
    assert plain(CODES[code].meaning) == plain(words)


@every_row
def test_row_is_known_and_listed(row: Row) -> None:
    """Each code is known, and listed for its stage, when it passes there."""
    found = classify(row.stage, row.code)
    assert row.code in STAGES[row.stage]
    assert (found.known, found.listed) == (True, True)


@every_row
def test_row_is_named(row: Row) -> None:
    """Each code is named at its stage as the table names it there."""
    assert plain(meaning(row.stage, row.code)) == plain(row.words)
    assert plain(classify(row.stage, row.code).meaning) == plain(row.words)


@every_row
def test_row_is_injected_by_stage_and_code(row: Row) -> None:
    """A rule of no more than stage and code is enough; it says that code in the table's words."""
    word = row.stage if row.stage == "END-OF-DATA" else row.command
    rule = parse_rule(f"{word}: {row.code}")
    assert (rule.stage, rule.code, len(rule.faults)) == (row.stage, row.code, 1)
    assert plain(wording(row.stage, row.code).text) == plain(row.words)


def test_plain_words_tell_meanings_apart() -> None:
    """The comparison by which these tests judge can fail: no two codes look alike to it."""
    rows = {(row.code, plain(row.words)) for row in TABLE.rows if row.stage != "EHLO"}
    assert len({words for _, words in rows}) == len(rows)
