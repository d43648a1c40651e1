"""A recording and replaying SMTP proxy."""

from smtpproxy.version import VERSION as __version__

__all__ = ["__version__"]
