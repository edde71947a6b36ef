"""A place on which a file is dropped, or chosen with the keyboard, and that hands it on as a file on this machine."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import anywidget
import traitlets

__all__ = ["MAX_BYTES", "Drop"]

MAX_BYTES = 50_000_000
"""Largest file that a page takes; it comes in parts, since a server takes no message of more than 10 MiB."""

_MAX_NAME_LETTERS = 120


class Drop(anywidget.AnyWidget):  # type: ignore[misc]
    """A place on which one file is dropped.

    Parameters
    ----------
    label : str
        Name for a screen reader.
    words : str
        What the reader sees on it.
    on_file : callable
        Called with the path of a file that has come whole; it is there until the next one comes.
    on_too_large : callable
        Called with name and size of a file that the page did not send.

    Attributes
    ----------
    limit : int
        Size of the largest file that the page sends, bytes.
    """

    _esm = files("workbench.views.widgets").joinpath("drop.js").read_text(encoding="utf-8")

    label = traitlets.Unicode("").tag(sync=True)
    words = traitlets.Unicode("").tag(sync=True)
    limit = traitlets.Int(MAX_BYTES).tag(sync=True)

    def __init__(
        self, label: str, words: str, *, on_file: Callable[[Path], None], on_too_large: Callable[[str, int], None]
    ) -> None:
        super().__init__(label=label, words=words, _dom_classes=["wb-drop"])
        self._on_file = on_file
        self._on_too_large = on_too_large
        self._folder: Path | None = None
        self._path: Path | None = None
        self.on_msg(lambda _widget, content, buffers: self.receive(content, buffers))

    def receive(self, content: Any, buffers: Sequence[Any]) -> None:
        """Act on a message of the page; one that is malformed, or a part out of order, is left alone.

        Parameters
        ----------
        content : dict
            `kind`, `name`, `size` and `start`, the place of the part in the file.
        buffers : sequence of bytes-like
            The part of the file.
        """
        if not isinstance(content, dict) or not isinstance(content.get("size"), int):
            return
        name, size = file_name(str(content.get("name", ""))), content["size"]
        if content.get("kind") == "too large":
            self._on_too_large(name, size)
        if content.get("kind") != "part" or size > self.limit or len(buffers) != 1:
            return
        part, start = bytes(buffers[0]), content.get("start")
        if start == 0:
            self.clear()
            self._folder = Path(tempfile.mkdtemp(prefix="workbench-drop-"))
            self._path = self._folder / name
            self._path.touch()
        if self._path is None or self._path.name != name or start != self._path.stat().st_size:
            return
        with self._path.open("ab") as file:
            file.write(part[: size - start])
        if self._path.stat().st_size == size:
            self._on_file(self._path)

    def clear(self) -> None:
        """Remove the file that came last."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = self._path = None

    def close(self) -> None:
        """Remove the file that came last, and the widget from the page."""
        self.clear()
        super().close()


def file_name(text: str) -> str:
    r"""Return the name of a file without folders and without characters that cannot be shown.

    Examples
    --------
    >>> file_name("../../etc/pump 7.csv"), file_name("C:\\data\\a\x00.csv"), file_name("..")
    ('pump 7.csv', 'a.csv', 'file')
    """
    name = "".join(sign for sign in text.replace("\\", "/").rpartition("/")[2] if sign.isprintable()).strip()
    return name[-_MAX_NAME_LETTERS:].lstrip(".") or "file"
