"""Credentials for upstream: where they come from, and that they are never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.auth.login import Credentials
from smtpproxy.documents import DocumentError
from smtpproxy.net.credentials import PASSWORD, USER, load_credentials
from smtpproxy.settings import OPTIONS, SettingsError, settle
from smtpproxy.tools.serve import config

SECRET = "Tr0ub4dor&3-canary"
BOTH = f'user: "bob"\npassword: "{SECRET}"\n'


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    """Return a file that holds a text."""
    file = folder / "login.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    file.chmod(mode)
    return file


@pytest.fixture(autouse=True)
def no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds no options but those of the test."""
    for name in [USER, PASSWORD, *(option.variable for option in OPTIONS)]:
        monkeypatch.delenv(name, raising=False)


def test_none() -> None:
    """Where nothing is given, upstream is not logged in to."""
    assert load_credentials({"SMTPPROXY_UPSTREAM": "sink:"}, None) is None


def test_from_the_environment() -> None:
    """Two variables, taken as they are."""
    found = load_credentials({USER: " bob", PASSWORD: "a: b # c"}, None)
    assert found == Credentials(" bob", "a: b # c")


@pytest.mark.parametrize("text", [BOTH, f"password: {SECRET}\nuser: bob\n", f"---\n{BOTH}"])
def test_from_a_file(tmp_path: Path, text: str) -> None:
    """Two keys, in any order."""
    assert load_credentials({}, written(tmp_path, text)) == Credentials("bob", SECRET)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"))))
def test_any_text_in_quotes(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever a password consists of, it can be written down."""
    quoted = text.replace("'", "''")
    file = written(tmp_path_factory.mktemp("login"), f"user: bob\npassword: 'x{quoted}'\n")
    if any(one in text for one in "\u2028\u2029\ufeff"):
        return  # line breaks of YAML, and its mark: to be escaped in double quotes
    assert load_credentials({}, file) == Credentials("bob", f"x{text}")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({USER: "bob"}, f"{USER} is set, but not {PASSWORD}"),
        ({PASSWORD: SECRET}, f"{PASSWORD} is set, but not {USER}"),
        ({USER: "", PASSWORD: SECRET}, f"{USER} is empty"),
        ({USER: "bob", PASSWORD: ""}, f"{PASSWORD} is empty"),
        ({USER: "bob", PASSWORD: f"{SECRET}\0"}, f"{PASSWORD} holds a NUL"),
        ({USER: "bob", PASSWORD: f"{SECRET}\udcff"}, f"{PASSWORD} is not UTF-8"),
        ({USER: "bob", PASSWORD: SECRET * 200}, f"{PASSWORD} is longer than 2048 octets"),
    ],
)
def test_variables_that_can_not_be_used(environment: dict[str, str], words: str) -> None:
    """One line that names the variable, and not what is in it."""
    with pytest.raises(SettingsError) as error:
        load_credentials(environment, None)
    assert words in str(error.value)
    assert_is_clear(error.value)


@pytest.mark.parametrize("name", [USER, PASSWORD])
def test_a_file_and_variables(tmp_path: Path, name: str) -> None:
    """It must be plain which of them is meant."""
    with pytest.raises(SettingsError, match=f"--upstream-login and {name} are both set"):
        load_credentials({name: SECRET}, written(tmp_path, BOTH))


@pytest.mark.skipif(os.name != "posix", reason="file modes mean this on POSIX alone")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o602, 0o777])
def test_a_file_that_others_can_use(tmp_path: Path, mode: int) -> None:
    """It is refused, however good what is in it, and the way out is said."""
    with pytest.raises(DocumentError, match="chmod 600") as error:
        load_credentials({}, written(tmp_path, BOTH, mode))
    assert f"{mode:04o}" in str(error.value)
    assert_is_clear(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 'login.yaml:1: expected two lines, user: "…"'),
        (SECRET, "login.yaml:1: expected"),
        (f"- bob\n- {SECRET}\n", "login.yaml:1: expected"),
        (f"{BOTH}---\n{BOTH}", "login.yaml:1: expected"),
        ("user: bob\n", "login.yaml:1: password: is missing"),
        (f"password: {SECRET}\n", "login.yaml:1: user: is missing"),
        (f"user: bob\npasswrod: {SECRET}\n", "login.yaml:2: expected"),
        (f"user: bob\npassword: {SECRET}\n{SECRET}: x\n", "login.yaml:3: expected"),
        (f"user: bob\npassword: [{SECRET}]\n", "login.yaml:2: password: is no text in quotes"),
        (f"user: bob\npassword: {SECRET} #1\n", "login.yaml:2: password: is no text in quotes"),
        ("user: bob\npassword: ''\n", "login.yaml:2: password: is empty"),
        ("user:\npassword: x\n", "login.yaml:1: user: is empty"),
        (f'user: bob\npassword: "{SECRET}\\0"\n', "login.yaml:2: password: holds a NUL"),
        (f"user: bob\npassword: !{SECRET}\n", "login.yaml:2: expected"),
        (f"user: bob\npassword: !{SECRET} x\n", "login.yaml:2: expected"),
        (f"user: bob\npassword: *{SECRET}\n", "login.yaml:2: expected"),
        (f"user: bob\npassword: %{SECRET}\n", "login.yaml:2: expected"),
        (f"user: bob\npassword: {SECRET}: x\n", "login.yaml:2: expected"),
        (f"user: bob\npassword: {SECRET}\udcff\n", "login.yaml:2: expected"),
        (f"user: bob\npassword: '{SECRET}\n", "login.yaml:"),
        (f"user: bob\npassword: x\npassword: {SECRET}\n", "login.yaml:3: expected"),
        (f"user: bob\npassword: {SECRET * 200}\n", "login.yaml:2: password: is longer than 2048"),
        ("#" * 70_000, "login.yaml: is larger than 65,536 octets"),
    ],
)
def test_a_file_that_can_not_be_used(tmp_path: Path, text: str, words: str) -> None:
    """One line with the place and what was expected there, and nothing of what is there."""
    with pytest.raises(DocumentError) as error:
        load_credentials({}, written(tmp_path, text))
    assert words in str(error.value)
    assert_is_clear(error.value)


def test_a_key_that_is_nearly_right(tmp_path: Path) -> None:
    """The nearest right word is named."""
    with pytest.raises(DocumentError, match="did you mean 'password'"):
        load_credentials({}, written(tmp_path, f"user: bob\npasswrod: {SECRET}\n"))


@pytest.mark.parametrize(("name", "words"), [("none", "No such file"), ("", "not a regular file")])
def test_a_file_that_is_none(tmp_path: Path, name: str, words: str) -> None:
    """It is said which, and why."""
    with pytest.raises(DocumentError, match=words):
        load_credentials({}, tmp_path / name)


def test_config_shows_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`smtpproxy config` tells where they come from, at the most."""
    monkeypatch.setenv(USER, "bob-the-user")
    monkeypatch.setenv(PASSWORD, SECRET)
    file = written(tmp_path, BOTH)
    assert config(["--upstream-login", str(file)]) == 0
    told = "".join(capfd.readouterr())
    assert f"upstream-login {file}" in " ".join(told.split())
    assert SECRET not in told
    assert "bob-the-user" not in told


def test_they_are_no_options() -> None:
    """Neither on the command line, nor as keys of a configuration file."""
    assert {option.variable for option in OPTIONS}.isdisjoint({USER, PASSWORD})
    lines = settle({}, {USER: "bob", PASSWORD: SECRET}).lines()
    assert not any(SECRET in word for line in lines for word in line)


def assert_is_clear(error: Exception) -> None:
    """One line, and no secret in it."""
    assert len(str(error).splitlines()) == 1
    assert SECRET[:8] not in str(error)
