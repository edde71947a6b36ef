"""Links that acknowledge one alert for one person: signed, of limited life, good for one announcement of the alert."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from workbench.exceptions import LinkError
from workbench.maintenance.database import microseconds
from workbench.maintenance.link_paths import LINK_PATH

__all__ = ["AlertLink", "LinkSigner"]

_KEY_BYTES = 32
_MAX_TOKEN_LETTERS = 2_000
_FORMAT = 1


@dataclass(frozen=True)
class AlertLink:
    """What a link says.

    Attributes
    ----------
    alert : int
        Number of the alert.
    person : str
        Person whom it was sent to, who acknowledges with it.
    announced : int
        When the alert was announced that the message told of, microseconds since 1970.
    expires : int
        When the link ends, microseconds since 1970.
    """

    alert: int
    person: str
    announced: int
    expires: int


class LinkSigner:
    """Makes links and reads them; the key lies in a file of the home that only its owner may read.

    Parameters
    ----------
    key_file : Path
        File of the key; it is made when the first link is.
    address : str
        Public address of the dashboard.
    hours : float
        Hours for which a link is good.
    """

    def __init__(self, key_file: Path, address: str, hours: float) -> None:
        self.key_file = key_file
        self._address = address.rstrip("/")
        self._life = timedelta(hours=hours)

    def url(self, alert: int, person: str, announced: datetime, present: datetime) -> str:
        """Return the address of the page that acknowledges an alert for a person.

        Raises
        ------
        LinkError
            The key cannot be made or read, or others may read it.
        """
        values = [_FORMAT, alert, person, microseconds(announced), microseconds(present + self._life)]
        content = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
        return f"{self._address}{LINK_PATH}{_text(content)}.{_text(self._sign(content, make=True))}"

    def read(self, token: str, present: datetime) -> AlertLink:
        """Return what a link says, after its signature and its life were checked.

        Parameters
        ----------
        token : str
            Last part of the address.
        present : datetime
            Present time, aware.

        Raises
        ------
        LinkError
            The link is not one of this workbench, was changed, or its life has ended.
        """
        content, signature = _parts(token)
        if not hmac.compare_digest(signature, self._sign(content, make=False)):
            raise _bad_link()
        version, alert, person, announced, expires = json.loads(content)
        if version != _FORMAT:
            raise _bad_link()
        if microseconds(present) >= expires:
            raise LinkError("This link has expired.", "Use the link of a newer message, or the dashboard.")
        return AlertLink(alert, person, announced, expires)

    def check(self) -> None:
        """Check that the key can be read, and by its owner only; one that is not made yet is right.

        Raises
        ------
        LinkError
            It cannot, or others may read it.
        """
        if self.key_file.exists():
            self._key(make=False)

    def _sign(self, content: bytes, *, make: bool) -> bytes:
        return hmac.new(self._key(make=make), content, hashlib.sha256).digest()

    def _key(self, *, make: bool) -> bytes:
        try:
            if make and not self.key_file.exists():
                self._make()
            mode = self.key_file.stat().st_mode
            key = self.key_file.read_bytes()
        except OSError as error:
            raise LinkError(
                f"The key of links, {self.key_file}, cannot be used: {error.strerror}.",
                "It is made with the first message that holds a link; see workbench doctor.",
            ) from None
        if mode & 0o077:
            raise LinkError(
                f"The key of links, {self.key_file}, can be read by others.",
                f"Delete it, so that a new one is made, or: chmod 600 {self.key_file}",
            )
        if len(key) != _KEY_BYTES:
            raise LinkError(f"The key of links, {self.key_file}, is damaged.", "Delete it: a new one is made.")
        return key

    def _make(self) -> None:
        """Write a new key whole, or take the one that another process has written meanwhile."""
        self.key_file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.key_file.with_name(f".{self.key_file.name}-{secrets.token_hex(8)}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(temporary, self.key_file)
        finally:
            temporary.unlink(missing_ok=True)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _parts(token: str) -> tuple[bytes, bytes]:
    """Return the content and the signature of a token, each in the one way in which they can be written."""
    words = token.split(".") if len(token) <= _MAX_TOKEN_LETTERS else []
    decoded: list[Any] = []
    for word in words:
        try:
            content = base64.urlsafe_b64decode(word.encode("ascii") + b"=" * (-len(word) % 4))
        except ValueError:
            raise _bad_link() from None
        if _text(content) != word:
            raise _bad_link()
        decoded.append(content)
    if len(decoded) != 2:
        raise _bad_link()
    return decoded[0], decoded[1]


def _bad_link() -> LinkError:
    return LinkError(
        "This is not a link of this workbench, or a part of it is missing.", "Open it from the message again."
    )
