"""Pages of the docs that are made of the code's own tables are up to date."""

import pytest

from tests.pages import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    """`python -m tests.pages` would change nothing."""
    assert (DOCS / name).read_text() == PAGES[name]()
