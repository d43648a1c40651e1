"""Options of a command line: mistakes in one line, help with examples, one version."""

from __future__ import annotations

import pytest

from smtpproxy.options import OneLineOptions
from smtpproxy.version import VERSION


class Plain(OneLineOptions):
    """A tool's options."""

    synopsis = "Usage: smtpproxy plain CASSETTE"
    examples = "  smtpproxy plain signup.yaml\n"
    optFlags = (("plain", "p", "no colours"),)
    optParameters = (("width", "w", None, "how wide"),)

    def parseArgs(self, cassette: str = "") -> None:
        """Take the cassette."""
        self.cassette = cassette


def test_what_is_right_is_taken() -> None:
    """Options and arguments are there after parsing."""
    options = Plain()
    options.parseOptions(["--plain", "-w", "80", "signup.yaml"])
    assert (options["plain"], options["width"]) == (True, "80")
    assert options.cassette == "signup.yaml"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--plian"], ["--plian", "did you mean '--plain'?"]),
        (["--widht", "80"], ["--widht", "did you mean '--width'?"]),
        (["--width"], ["--width"]),
        (["-x"], ["-x"]),
        (["one.yaml", "two.yaml"], ["arguments"]),
    ],
)
def test_a_mistake_is_one_line(
    capfd: pytest.CaptureFixture[str], words: list[str], expected: list[str]
) -> None:
    """A mistake ends the process with status 2 and one line, with the nearest right word."""
    with pytest.raises(SystemExit) as ended:
        Plain().parseOptions(words)
    out, err = capfd.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert err.startswith("smtpproxy: ")
    assert err.count("\n") == 1
    for word in expected:
        assert word in err


def test_nothing_near_is_suggested_where_nothing_is_near(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A suggestion that helps nobody is not made."""
    with pytest.raises(SystemExit):
        Plain().parseOptions(["--zzzzzz"])
    assert "did you mean" not in capfd.readouterr().err


def test_help_ends_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """Help has usage, every option and examples; it is no mistake."""
    with pytest.raises(SystemExit) as ended:
        Plain().parseOptions(["--help"])
    out = capsys.readouterr().out
    assert ended.value.code in (None, 0)
    assert out.startswith("Usage: smtpproxy plain CASSETTE")
    assert "--plain" in out
    assert "--width" in out
    assert out.rstrip().endswith("Examples:\n  smtpproxy plain signup.yaml")


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    """It is not Twisted's own, which would be printed otherwise."""
    with pytest.raises(SystemExit) as ended:
        Plain().parseOptions(["--version"])
    assert ended.value.code in (None, 0)
    assert capsys.readouterr().out == f"smtpproxy {VERSION}\n"
