"""Postfix as the client keeps, retries, bounces, loses or duplicates its mail as foretold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.peers.identity import Identity
from tests.peers.postfix_client import LEVELS, transport_name
from tests.peers.queue_fates import Fate, Fates, Row
from tests.peers.queue_play import Played, play
from tests.peers.queue_postfix import KEPT, QueueingPostfix, run_queueing_postfix
from tests.peers.queue_rows import ROWS, page
from tests.peers.smtp_sink import SmtpSink

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"

pytestmark = pytest.mark.peer("postfix")


@pytest.fixture(scope="module")
def queueing_postfix(proxy_identity: Identity) -> Iterator[QueueingPostfix]:
    """A Postfix of this file's own: its queue is flushed."""
    with run_queueing_postfix(proxy_identity.authority) as postfix:
        yield postfix


@pytest.fixture(scope="module")
def played(
    queueing_postfix: QueueingPostfix,
    proxy_identity: Identity,
    smtp_sink: SmtpSink,
    lmtp_sink: SmtpSink,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> dict[str, Played]:
    """What became of the mail of every row that is asked for, by the row's name."""
    return play(
        _asked_for(request.session.items),
        queueing_postfix,
        {level: transport_name(level, proxy_identity.authority) for level in LEVELS},
        {"smtp": smtp_sink, "lmtp": lmtp_sink},
        tmp_path_factory.mktemp("queue"),
        f"SMTPPROXY_CA_FOLDER={proxy_identity.authority.parent}",
    )


def _asked_for(items: Sequence[pytest.Item]) -> list[Row]:
    """The rows of the tests that were chosen."""
    calls = [item.callspec for item in items if hasattr(item, "callspec")]
    return [row for row in ROWS if any(call.params.get("row") is row for call in calls)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_mail_ends_as_foretold(row: Row, played: dict[str, Played]) -> None:
    """Queue, bounces and upstream have what the row says, and in the end the queue is empty."""
    seen = played[row.name]
    assert seen.told.fired
    assert seen.left == []
    for expected, found in zip(_ordered(row.messages), _ordered(seen.fates), strict=True):
        assert found.keys() == expected.keys()
        for recipient, fate in expected.items():
            _assert_like(found[recipient], fate)


def _ordered(messages: Iterable[Fates]) -> list[Fates]:
    """Messages to the same recipients may change places: those that are put off come last."""
    return sorted(
        messages, key=lambda fates: [(one, fate.queue > "") for one, fate in fates.items()]
    )


def _assert_like(seen: Fate, expected: Fate) -> None:
    """Fail unless this is what was foretold; of a reason only its part was."""
    assert expected.shows(seen.queue), seen.queue
    assert seen == replace(expected, queue=seen.queue)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.transport == KEPT], ids=lambda row: row.name
)
def test_the_session_goes_on(row: Row, played: dict[str, Played]) -> None:
    """Behind a message that was refused, or swallowed, the next ones come in the same session."""
    assert len(row.messages) > 1
    assert len(played[row.name].told.sessions) == 1


def test_the_page_has_the_rows() -> None:
    """docs/peers.md has what `python -m tests.peers.queue_rows` prints."""
    assert page() in PAGE.read_text("utf-8")


def test_each_row_has_a_name_of_its_own() -> None:
    """No row stands in for another."""
    assert len({row.name for row in ROWS}) == len(ROWS)
