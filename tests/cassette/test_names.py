"""What lies beside a cassette is found by its name."""

from pathlib import Path

import pytest

from smtpproxy.cassette.names import cassette_of, name_to_keep, partial_of, unfinished

CASSETTE = Path("cassettes/signup.yaml")


def test_the_recording_is_named_after_the_cassette() -> None:
    """NAME.yaml grows as NAME.yaml.partial, and back."""
    assert partial_of(CASSETTE) == Path("cassettes/signup.yaml.partial")
    for name in ("signup.yaml", "signup.yaml.partial", "signup.yaml.partial.12"):
        assert cassette_of(CASSETTE.with_name(name)) == CASSETTE


@pytest.mark.parametrize("name", [".partial", "signup.partial.x", "partial", "signup.partially"])
def test_other_names_are_a_cassette_s_own(name: str) -> None:
    """Only what is named so is a recording."""
    assert cassette_of(Path(name)) == Path(name)


def test_the_recording_is_read_only_where_the_cassette_is_missing(tmp_path: Path) -> None:
    """Neither in the place of one that is there, nor of a link that leads nowhere."""
    path = tmp_path / "signup.yaml"
    assert unfinished(path) is None
    partial_of(path).touch()
    assert unfinished(path) == partial_of(path)
    path.symlink_to("nowhere")
    assert unfinished(path) is None
    assert unfinished(partial_of(path)) == partial_of(path)


def test_a_name_to_keep_is_nobody_s(tmp_path: Path) -> None:
    """Nothing is written over, not even a link that leads nowhere."""
    partial = tmp_path / "signup.yaml.partial"
    assert name_to_keep(partial).name == "signup.yaml.partial.1"
    partial.with_name("signup.yaml.partial.1").symlink_to("nowhere")
    assert name_to_keep(partial).name == "signup.yaml.partial.2"
