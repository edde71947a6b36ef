"""What links look like that let people in; importing this loads nothing, as the dashboard's server always does it."""

import re

__all__ = ["LINK_PATH", "SECRET"]

LINK_PATH = "/workbench/acknowledge/"
"""Path of the dashboard under which the links of messages are answered."""

SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""Pattern of the secret of a link to a calendar, to orders or to the page that reports problems."""
