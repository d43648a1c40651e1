"""The labelled replies, as data."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import yaml

_HERE = Path(__file__).parent


class Labelled(msgspec.Struct, frozen=True):
    """A real reply, and what a person says that it means."""

    reply: str
    at: str
    server: str
    reason: str
    retryable: bool
    source: str


def _load(name: str) -> list[Labelled]:
    found = yaml.load((_HERE / name).read_text(), yaml.CSafeLoader)
    return msgspec.convert(found, list[Labelled])


HELD_OUT = _load("held-out.yaml")
TUNING = [*_load("tuning.yaml"), *_load("tuning-2.yaml")]


def guide() -> set[str]:
    """Return the reasons that README.md explains."""
    return set(re.findall(r"(?m)^\| `([A-Za-z]+)` \|", (_HERE / "README.md").read_text()))
