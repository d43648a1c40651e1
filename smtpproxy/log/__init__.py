"""The log: one record a reply, as text that reads like a dialogue, or as JSON lines.

Both forms are observers, and write to a callable; where that leads is the shell's affair.
"""

from smtpproxy.log.jsonlog import JsonLog
from smtpproxy.log.textlog import TextLog

__all__ = ["JsonLog", "TextLog"]
