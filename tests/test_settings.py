"""Options: where each value comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.settings import OPTIONS, Settings, SettingsError, settle

# The command line is fixed in these names.
FIXED = {
    "listen",
    "upstream",
    "mode",
    "cassette",
    "rules",
    "rule",
    "log",
    "log-format",
    "protocol",
    "ready-file",
    "config",
}


def _config(tmp_path: Path, text: str) -> dict[str, tuple[str, ...]]:
    path = tmp_path / "proxy.yaml"
    path.write_text(text)
    return {"config": (str(path),)}


def _origins(settings: Settings) -> dict[str, tuple[str, str]]:
    return {name: (value, origin) for name, value, origin in settings.lines()}


def test_the_names_that_are_fixed_are_there() -> None:
    """Every option that users were promised exists, once."""
    names = [option.name for option in OPTIONS]
    assert set(names) >= FIXED
    assert len(names) == len(set(names))


def test_the_defaults() -> None:
    """Without a word it relays from port 2525 and logs text to standard output."""
    settings = settle({}, {})
    assert settings.many("listen") == ("2525",)
    assert settings.text("mode") == "relay"
    assert settings.text("log-format") == "text"
    assert settings.text("upstream") == ""
    assert settings.path("cassette") is None
    assert settings.count("max-connections") == 10_000
    assert not settings.flag("allow-remote")
    assert {origin for _, origin in _origins(settings).values()} == {"default"}


def test_every_option_is_an_environment_variable() -> None:
    """Each is SMTPPROXY_ and its name, in capitals, with _ for -."""
    for option in OPTIONS:
        variable = "SMTPPROXY_" + option.name.upper().replace("-", "_")
        assert option.variable == variable
    settings = settle({}, {"SMTPPROXY_LOG_FORMAT": "json", "SMTPPROXY_READY_FILE": "ready"})
    assert settings.text("log-format") == "json"
    assert settings.path("ready-file") == Path("ready")


def test_the_order_of_origins(tmp_path: Path) -> None:
    """The command line wins over the environment, that over the file, that over the default."""
    given = _config(tmp_path, "mode: record\nupstream: mail.example.net\ndrain: 9\n")
    environment = {"SMTPPROXY_MODE": "once", "SMTPPROXY_UPSTREAM": "mail.example.org"}
    settings = settle(given | {"mode": ("replay",)}, environment)
    found = _origins(settings)
    assert found["mode"] == ("replay", "command line")
    assert found["upstream"] == ("mail.example.org", "SMTPPROXY_UPSTREAM")
    assert found["drain"] == ("9", str(tmp_path / "proxy.yaml"))
    assert found["log"][1] == "default"


def test_a_tools_own_defaults_come_last() -> None:
    """A tool may change a default; whatever the user says wins over it."""
    defaults = {"listen": "0", "log": "none"}
    assert settle({}, {}, defaults).many("listen") == ("0",)
    assert settle({}, {"SMTPPROXY_LISTEN": "2526"}, defaults).many("listen") == ("2526",)


def test_repeated_options_are_all_kept(tmp_path: Path) -> None:
    """What may be repeated keeps its order; of what may not, the last counts."""
    given = {"rule": ("RCPT: 550", "MAIL: 451"), "mode": ("record", "replay")}
    settings = settle(given, {})
    assert settings.many("rule") == ("RCPT: 550", "MAIL: 451")
    assert settings.text("mode") == "replay"
    from_file = settle(_config(tmp_path, "rule: ['RCPT: 550', 'MAIL: 451']\n"), {})
    assert from_file.many("rule") == ("RCPT: 550", "MAIL: 451")


def test_the_file_may_be_named_in_the_environment(tmp_path: Path) -> None:
    """--config is an option like others."""
    (config,) = _config(tmp_path, "mode: record\n")["config"]
    settings = settle({}, {"SMTPPROXY_CONFIG": config})
    assert _origins(settings)["mode"] == ("record", config)


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", "True", "YES"])
def test_a_flag_is_on(value: str) -> None:
    """Whatever people write for yes turns a flag on."""
    assert settle({}, {"SMTPPROXY_REPEAT": value}).flag("repeat")


@pytest.mark.parametrize("value", ["", "0", "false", "no", "off", "No"])
def test_a_flag_is_off(value: str) -> None:
    """Whatever people write for no leaves it off, above all that of listening to the world."""
    assert not settle({}, {"SMTPPROXY_ALLOW_REMOTE": value}).flag("allow-remote")


def test_a_flag_is_nothing_else() -> None:
    """What is neither yes nor no is refused, with the place that it came from."""
    with pytest.raises(SettingsError, match=r"SMTPPROXY_ALLOW_REMOTE.*'perhaps'"):
        settle({}, {"SMTPPROXY_ALLOW_REMOTE": "perhaps"})


def test_a_choice() -> None:
    """A word that is none of those known is refused, with all of them and the nearest."""
    settings = settle({"mode": ("repaly",)}, {})
    with pytest.raises(SettingsError) as refused:
        settings.choice("mode", ("relay", "record", "replay"))
    told = str(refused.value)
    for word in ("--mode", "'repaly'", "relay", "record", "replay", "did you mean 'replay'?"):
        assert word in told
    assert "\n" not in told
    assert settle({"mode": ("replay",)}, {}).choice("mode", ("relay", "replay")) == "replay"


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("5", 5.0), ("0.25", 0.25)])
def test_seconds(value: str, seconds: float) -> None:
    """Seconds may have a fraction, and may be none."""
    assert settle({"drain": (value,)}, {}).seconds("drain") == seconds


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", "5 s"])
def test_what_are_no_seconds(value: str) -> None:
    """What no timer can wait for is refused."""
    with pytest.raises(SettingsError, match="--drain: expected a number of seconds"):
        settle({"drain": (value,)}, {}).seconds("drain")


@pytest.mark.parametrize("value", ["", "0", "-1", "many", "1.5", "1e3", "\u00b2", "1" * 10])
def test_what_is_no_count(value: str) -> None:
    """What does not count anything is refused."""
    with pytest.raises(SettingsError, match="--max-connections: expected a number from 1"):
        settle({"max-connections": (value,)}, {}).count("max-connections")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mode: record\nlog-fromat: json\n", ":2: .*'log-fromat'; did you mean 'log-format'"),
        ("- mode: record\n", ":1: expected options"),
        ("", ":1: expected options"),
        ("mode: record\n---\nmode: relay\n", ":1: expected options"),
        ("mode: [record, replay]\n", ":1: "),
        ("rule:\n- RCPT: 550\n", ":2: "),
        ("mode: record\nmode: relay\n", ":2: .*'mode'.*twice"),
        ("mode: &a record\n", ":1: "),
        ("mode: 'record\n", "proxy.yaml:"),
    ],
)
def test_a_file_that_can_not_be_used(tmp_path: Path, text: str, problem: str) -> None:
    """Every problem of a configuration file has its file and line."""
    with pytest.raises(DocumentError, match=problem) as refused:
        settle(_config(tmp_path, text), {})
    assert str(refused.value).startswith(str(tmp_path / "proxy.yaml"))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing configuration file is never taken for an empty one."""
    with pytest.raises(DocumentError, match="No such file"):
        settle({"config": (str(tmp_path / "missing.yaml"),)}, {})


def test_the_files_comments_are_free(tmp_path: Path) -> None:
    """Keys that begin with x- are the user's own."""
    assert settle(_config(tmp_path, "mode: record\nx-why: a test\n"), {}).text("mode") == "record"
