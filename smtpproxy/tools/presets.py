"""`smtpproxy presets [NAME]`: the rule files that are shipped."""

from __future__ import annotations

from smtpproxy.console import UNABLE, say
from smtpproxy.options import OneLineOptions
from smtpproxy.rules.presets import PresetError, about_preset, preset_names, preset_text


class PresetsOptions(OneLineOptions):
    """Which of them."""

    synopsis = "Usage: smtpproxy presets [NAME]"
    examples = "  smtpproxy presets\n  smtpproxy presets greylisting > mine.yaml\n"
    longdesc = (
        "Without NAME, each is told in a line. --preset NAME uses one; what is printed is a rule "
        "file to change, and to use by --rules."
    )

    def parseArgs(self, name: str = "") -> None:
        """Take the name."""
        self.name = name


def presets(words: list[str]) -> int:
    """List the presets, or print one."""
    options = PresetsOptions()
    options.parseOptions(words)
    if not options.name:
        width = max(map(len, preset_names()))
        for name in preset_names():
            print(f"{name:<{width}}  {about_preset(name)}")
        return 0
    try:
        print(preset_text(options.name), end="")
    except PresetError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    return 0
