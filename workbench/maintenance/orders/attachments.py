"""Photos and documents of work orders: checked by their content, and kept under the hash of their content."""

import hashlib
import io
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.exceptions import MaintenanceError
from workbench.files import replacing

__all__ = ["FILE_TYPES", "AttachmentStore", "file_type"]

FILE_TYPES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}
"""Types of files that are taken, with the ending of their names."""

_HASH = re.compile(r"[0-9a-f]{64}")
_MAX_NAME_LETTERS = 100
_MAX_PIXELS = 100_000_000
"""Most pixels of a photo: twice what the cameras of telephones make; a small file may claim any number."""

_THUMBNAIL_PIXELS = 480
_THUMBNAIL_QUALITY = 80


def file_type(content: bytes) -> str:
    """Return the type of a file by its first bytes, whatever its name says; empty where it is none of `FILE_TYPES`.

    Examples
    --------
    >>> file_type(b"%PDF-1.7 ..."), file_type(b"<html>")
    ('application/pdf', '')
    """
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return "application/pdf" if content.startswith(b"%PDF-") else ""


class AttachmentStore:
    """Folder of the files of work orders and requests.

    Parameters
    ----------
    folder : Path or None
        Folder in which they lie; None where there is no home, and no file is taken.
    max_bytes : int
        Largest size of a file, bytes.
    """

    def __init__(self, folder: Path | None, max_bytes: int) -> None:
        self._folder = folder
        self.max_bytes = max_bytes

    def add(self, content: bytes, name: str, title: str = "") -> dict[str, Any]:
        """Store a file, and return its entry in the attachments of an order.

        Parameters
        ----------
        content : bytes
            Content of the file.
        name : str
            Name of the file, of which only the last part is used.
        title : str
            Title; the name where it is empty.

        Returns
        -------
        dict
            reference, title, file (SHA-256 of the content), name, type, bytes.

        Raises
        ------
        MaintenanceError
            It is empty, too large, of another type than `FILE_TYPES`, or damaged; or it cannot be written.
        """
        name, size = _plain_name(name), len(content)
        self._check_size(name, size)
        kind = file_type(content)
        if not kind:
            what = "is empty" if not content else "is neither a photo (JPEG, PNG, WebP) nor a PDF"
            raise MaintenanceError(
                f"{name} {what}: it is not taken, whatever its name ends in.", "Attach another file."
            )
        thumbnail = _pdf_without_end(name, content) if kind == "application/pdf" else _thumbnail(name, content)
        digest = hashlib.sha256(content).hexdigest()
        self._write(self._path(digest), content)
        if thumbnail:
            self._write(self._path(digest, ".thumbnail"), thumbnail)
        reference = f"attachments/{digest}.{FILE_TYPES[kind]}"
        return {
            "reference": reference,
            "title": title.strip() or name,
            "file": digest,
            "name": name,
            "type": kind,
            "bytes": size,
        }

    def load(self, path: Path) -> bytes:
        """Return the content of a file that is to be added, which is not read where it is too large.

        Raises
        ------
        MaintenanceError
            It is no file, cannot be read, or is too large.
        """
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise MaintenanceError(f"{path} {what}.", "Pass a photo (JPEG, PNG, WebP) or a PDF.")
        self._check_size(path.name, path.stat().st_size)
        try:
            return path.read_bytes()
        except OSError as error:
            raise MaintenanceError(f"{path} cannot be read: {error.strerror}.", "Pass another file.") from None

    def read(self, digest: str) -> bytes:
        """Return the content of a file, after it was compared with its hash.

        Raises
        ------
        MaintenanceError
            There is no such file, or it is not what was attached.
        """
        content = self._read(self._path(digest))
        if hashlib.sha256(content).hexdigest() != digest:
            raise MaintenanceError(
                f"The file {digest[:12]} is not what was attached: its content was changed.",
                f"Restore {self._path(digest)} from a backup.",
            )
        return content

    def thumbnail(self, digest: str) -> bytes:
        """Return the small picture of a photo, as JPEG.

        Raises
        ------
        MaintenanceError
            There is none: the file is a PDF, or unknown.
        """
        return self._read(self._path(digest, ".thumbnail"))

    def check(self, entry: Mapping[str, Any], *, content: bool = False) -> None:
        """Check that a file is there as it was attached: by its size, and by its hash where its content is read.

        Parameters
        ----------
        entry : mapping of str to object
            Entry of the file, as `add` returned it; one that lies elsewhere is not checked.
        content : bool
            Whether to read the content, too.

        Raises
        ------
        MaintenanceError
            The file is missing, or not what was attached.
        """
        if "file" not in entry:
            return
        if content:
            self.read(entry["file"])
        path = self._path(entry["file"])
        size = path.stat().st_size if path.is_file() else None
        if size != entry["bytes"]:
            what = "is missing" if size is None else f"has {size:,} bytes, not {entry['bytes']:,}"
            raise MaintenanceError(f"The attached file {entry['name']} {what}.", f"Restore {path} from a backup.")

    def _check_size(self, name: str, size: int) -> None:
        if size > self.max_bytes:
            raise MaintenanceError(
                f"{name} has {size / 2**20:.1f} MB; files of at most {self.max_bytes / 2**20:g} MB are taken.",
                "Make it smaller, or raise orders.attachment_mb in the settings.",
            )

    def _path(self, digest: str, ending: str = "") -> Path:
        if self._folder is None:
            raise MaintenanceError("There is no folder for attached files.", "Open the desk from a session.")
        if not _HASH.fullmatch(digest):
            raise MaintenanceError(f"{digest[:80]!r} is not the hash of a file.", "Take it from the order.")
        return self._folder / digest[:2] / f"{digest}{ending}"

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise MaintenanceError(
                f"The attached file {path} cannot be read: {error.strerror}.", "Restore it from a backup."
            ) from None

    def _write(self, path: Path, content: bytes) -> None:
        try:
            if path.is_file() and path.stat().st_size == len(content):
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_bytes(content)
        except OSError as error:
            raise MaintenanceError(
                f"{path} cannot be written: {error.strerror or error}.", "Free space there."
            ) from None


def _plain_name(name: str) -> str:
    """Return the last part of a name, as browsers of all systems send it, without signs that nobody sees."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(sign for sign in last if sign.isprintable()).strip()[-_MAX_NAME_LETTERS:] or "file"


def _pdf_without_end(name: str, content: bytes) -> bytes:
    """Raise an error where a PDF was cut off; it has no small picture."""
    if b"%%EOF" not in content[-2048:]:
        raise MaintenanceError(f"{name} is a PDF without its end.", "Attach it again; the copy was cut off.")
    return b""


def _thumbnail(name: str, content: bytes) -> bytes:
    """Return the small picture of a photo, upright, after the photo was read whole."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, and of sizes below our own limit
            with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as photo:
                if photo.width * photo.height > _MAX_PIXELS:
                    raise MaintenanceError(
                        f"{name} has {photo.width:,} x {photo.height:,} pixels.", "Attach a smaller photo."
                    )
                photo.load()
                upright = ImageOps.exif_transpose(photo)
                upright.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
                flat = Image.new("RGB", upright.size, "white")
                with_alpha = upright.convert("RGBA")
                flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
                made = io.BytesIO()
                flat.save(made, "JPEG", quality=_THUMBNAIL_QUALITY)
                return made.getvalue()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MaintenanceError(f"{name} is a damaged photo: {error}.", "Take or send it again.") from None
