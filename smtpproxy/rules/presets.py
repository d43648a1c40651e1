"""The rule files that are shipped, by name.

Owns where they are, and what a word names that may be a file or a preset.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from smtpproxy.documents import DocumentError, nearest
from smtpproxy.rules.load import RuleFile, load_rule_file, read_rule_file

_FOLDER = files("smtpproxy") / "presets"
_SUFFIX = ".yaml"


class PresetError(ValueError):
    """There is no preset of a name. Says which name is near."""


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of all presets, in alphabetical order."""
    found = (file.name for file in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def preset_text(name: str) -> str:
    """Return a preset's rule file. Raises PresetError."""
    if name not in preset_names():
        raise PresetError(f"unknown preset {name!r}{nearest(name, preset_names())}")
    return (_FOLDER / f"{name}{_SUFFIX}").read_text("utf-8")


def about_preset(name: str) -> str:
    """Return what a preset is, in a line: the first of its comments. Raises PresetError."""
    return preset_text(name).partition("\n")[0].removeprefix("# ")


def load_preset(name: str) -> RuleFile:
    """Return what a preset says. Raises PresetError, or DocumentError."""
    return read_rule_file(preset_text(name).encode(), f"preset {name}")


def load_named(words: Iterable[str]) -> RuleFile:
    """Return the rules of files and presets, in order, and the first seed that one of them has.

    A file that is there comes before a preset. Raises DocumentError.
    """
    files = [_load_one(word) for word in words]
    seeds = (file.seed for file in files if file.seed is not None)
    return RuleFile([rule for file in files for rule in file.rules], next(seeds, None))


def _load_one(word: str) -> RuleFile:
    if not Path(word).exists():
        if word in preset_names():
            return load_preset(word)
        if near := nearest(word, preset_names()):
            raise DocumentError(word, 0, f"is neither a file nor a preset{near}")
    return load_rule_file(Path(word))
