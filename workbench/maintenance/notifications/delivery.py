"""Delivery of one message: by Apprise, or into a file."""

import logging
import warnings
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

__all__ = ["deliver"]

_MAX_REASON_LETTERS = 500
_MIN_SECRET_LETTERS = 4
_FILE = "file://"


def deliver(url: str, title: str, text: str) -> str:
    """Send a message, and return why it could not be delivered; empty where it was.

    Parameters
    ----------
    url : str
        Address as Apprise reads it, whose secrets are left out of the reason; or that of a file,
        `file:///var/log/alerts.txt`, behind which the message is written.
    title, text : str
        Words of the message.
    """
    if url.startswith(_FILE):
        return _write(Path(unquote(url.removeprefix(_FILE))), title, text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Apprise's own plugins
        import apprise

        service = apprise.Apprise()
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as apprise_log:
            try:
                if not service.add(url):
                    return "Apprise does not support this address"
                if service.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT):
                    return ""
                reason = " ".join(apprise_log.getvalue().split())
            except (OSError, TypeError, ValueError) as error:
                reason = f"{type(error).__name__}: {error}"
    return _without_secrets(reason or "the service refused the message", url)[:_MAX_REASON_LETTERS]


def _write(file: Path, title: str, text: str) -> str:
    """Write a message behind the others of a file, and return why that is not possible."""
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  {title}\n{text}\n\n")
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _without_secrets(reason: str, url: str) -> str:
    """Return a reason without the address itself, and without its password, path and query, which may be keys."""
    secrets = [url]
    try:
        parts = urlsplit(url)
        secrets += [parts.password or "", *parts.path.split("/"), *parts.query.split("&")]
    except ValueError:
        pass
    for secret in sorted({one for one in secrets if len(one) >= _MIN_SECRET_LETTERS}, key=len, reverse=True):
        for form in (secret, quote(secret, safe="")):
            reason = reason.replace(form, "***")
    return reason
