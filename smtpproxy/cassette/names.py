"""The names of what lies beside a cassette: NAME.yaml.partial, the recording that did not end.

Another one that was found there is kept as NAME.yaml.partial.1, and so on.
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

_SUFFIX = ".partial"
_NAME = re.compile(r"(.+)\.partial(\.[0-9]+)?")


def partial_of(cassette: Path) -> Path:
    """Return where a cassette's recording grows."""
    return cassette.with_name(cassette.name + _SUFFIX)


def cassette_of(path: Path) -> Path:
    """Return the cassette that a file is, or is the unfinished recording of."""
    named = _NAME.fullmatch(path.name)
    return path.with_name(named[1]) if named else path


def unfinished(path: Path) -> Path | None:
    """Return the unfinished recording to be read where a cassette was asked for, if there is one.

    It may be asked for by its own name.
    """
    if cassette_of(path) != path:
        return path
    partial = partial_of(path)
    return partial if partial.is_file() and not os.path.lexists(path) else None


def name_to_keep(partial: Path) -> Path:
    """Return a name under which an earlier recording can be kept: NAME.partial.N."""
    numbers = (partial.with_name(f"{partial.name}.{number}") for number in itertools.count(1))
    return next(path for path in numbers if not os.path.lexists(path))
