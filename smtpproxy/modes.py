"""Who answers in a run, and with which cassette, as options ask for it."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.settings import MODES, Settings, SettingsError


def mode_and_cassette(settings: Settings) -> tuple[str, Path | None]:
    """Return the mode of a run, never `once`, and its cassette, if any. Raises SettingsError."""
    mode = settings.choice("mode", MODES)
    cassette = settings.path("cassette")
    if cassette is None and mode != "relay":
        raise SettingsError(f"--mode {mode} needs --cassette FILE")
    if cassette is not None and mode == "relay":
        raise SettingsError("--cassette needs --mode record, replay, once, append or diff")
    there = cassette is not None and cassette.exists()
    if mode == "once":
        mode = "replay" if there else "record"
    if mode == "diff" and not there:
        raise SettingsError(f"--mode {mode} needs a cassette to compare with: {cassette}")
    return mode, cassette
