"""`smtpproxy derive CASSETTE -o FOLDER`: a rule file for each reply that may go wrong."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.cassette.deriving import KINDS, MOST_POINTS, Derived, derive_rules, points_of
from smtpproxy.cassette.store import load_cassette
from smtpproxy.cassette.whole import must_be_new, write_pieces
from smtpproxy.console import GOOD, UNABLE, counted, say
from smtpproxy.documents import DocumentError
from smtpproxy.options import OneLineOptions


class DeriveOptions(OneLineOptions):
    """Which cassette, and where the rule files go."""

    synopsis = "Usage: smtpproxy derive CASSETTE -o FOLDER [options]"
    examples = (
        "  smtpproxy derive signup.yaml -o faults/\n"
        "  for rules in faults/*.yaml; do\n"
        "      smtpproxy run --upstream sink: --rules $rules -- ./signup-test $rules\n"
        "  done\n"
    )
    longdesc = (
        "For each stage and each address of the cassette there are up to three files: a transient "
        "refusal, a permanent one, and a connection that ends in the place of the reply. What each "
        "tests stands in it."
    )
    optParameters = (("output", "o", None, "the folder"),)
    optFlags = (("replace", None, "write over files that are there"),)

    def parseArgs(self, *cassettes: str) -> None:
        """Take the cassette."""
        self.cassettes = [Path(cassette) for cassette in cassettes]


def derive(words: list[str]) -> int:
    """Write the files, and print which there are."""
    options = DeriveOptions()
    options.parseOptions(words)
    if len(options.cassettes) != 1 or not options["output"]:
        say("smtpproxy: expected one cassette, and -o with a folder")
        return UNABLE
    folder, replace = Path(options["output"]), bool(options["replace"])
    try:
        cassette = load_cassette(options.cassettes[0])
        files = list(derive_rules(cassette))
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            if not replace:
                must_be_new(folder / file.name)  # before anything is written
        for file in files:
            write_pieces(folder / file.name, [file.text.encode()], replace)
    except FileExistsError as error:
        say(f"smtpproxy: {error.filename} is there already; --replace takes its place")
        return UNABLE
    except (DocumentError, OSError) as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    if (many := len(points_of(cassette))) > MOST_POINTS:
        say(f"smtpproxy: of {many} reply points the first {MOST_POINTS} are made use of")
    _print(files)
    print(f"{folder}: {counted(len(files), 'rule file')}")
    return GOOD


def _print(files: list[Derived]) -> None:
    """Print the matrix: a line a reply point."""
    cells: dict[str, dict[str, str]] = {}
    for file in files:
        cells.setdefault(str(file.point), {})[file.kind] = file.what
    width = max(map(len, cells), default=0)
    print(f"{'':<{width}}  {'  '.join(f'{kind:<4}' for kind in KINDS)}".rstrip())
    for point, found in cells.items():
        row = "  ".join(f"{found.get(kind, '-'):<4}" for kind in KINDS)
        print(f"{point:<{width}}  {row}".rstrip())
