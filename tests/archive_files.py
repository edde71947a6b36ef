"""Where the files of a channel lie in an archive, for tests that damage them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from workbench.telemetry.archive import Archive


def segments(archive: Archive, channel: str) -> list[Path]:
    """Return the segments that hold a channel and its scores, that with its test series first."""
    parts = ["test", "train", "before"]
    parts += [part for part in archive.index.parts(channel) if part.startswith("scores/")]
    folders = [archive.path / piece.folder for part in parts for piece in archive.index.pieces(channel, part)]
    return [folder for folder in dict.fromkeys(folders) if folder != archive.path]


def file_of(archive: Archive, channel: str, name: str) -> Path:
    """Return a file of a channel.

    Parameters
    ----------
    archive : Archive
    channel : str
    name : str
        As `test/telemetry/c/0`, `scores/ridge.paper/zarr.json` or `zarr.json`; of a folder it is the first file below.
    """
    for part in archive.index.parts(channel):
        if name.startswith(f"{part}/"):
            (piece, *_) = archive.index.pieces(channel, part)
            path = archive.path / piece.folder / piece.place / name.removeprefix(f"{part}/")
            break
    else:
        path = segments(archive, channel)[0] / name
    return path if path.is_file() else next(file for file in sorted(path.rglob("*")) if file.is_file())


def forget(archive: Archive, channel: str) -> None:
    """Take a channel out of the index, as if the archive had never held it."""
    with closing(sqlite3.connect(archive.index.file)) as connection, connection:
        connection.execute("DELETE FROM channel WHERE name = ?", (channel,))
        for table in ("piece", "score", "verified"):
            connection.execute(f"DELETE FROM {table} WHERE channel = ?", (channel,))
        connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'changes'")
