"""Excerpts of large files: their beginning, places between and their end, as a file that is read like any other."""

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from workbench.exceptions import ImportDataError

__all__ = ["LARGE_BYTES", "Excerpt", "excerpt"]

LARGE_BYTES = 50_000_000
"""Size from which a preview reads an excerpt of a file."""

_PLACES = 5  # the beginning, three between, the end
_CHUNK_BYTES = 2**18
_MIN_LINES = 200  # at the beginning
_MAX_CHUNK_BYTES = 2**24
_PARQUET_VALUES = 2_000_000
_PARQUET_ROWS = 20_000
_WIDE_MARKS = {codecs.BOM_UTF16_LE: b"\n\0", codecs.BOM_UTF16_BE: b"\0\n"}


@dataclass(frozen=True)
class Excerpt:
    """A part of a large file.

    Attributes
    ----------
    path : Path
        File that holds the part, under the name of the whole.
    share : float
        Share of the rows that it holds, an estimate for text.
    note : str
        What was read, and what was not seen.
    """

    path: Path
    share: float
    note: str


@contextmanager
def excerpt(path: Path, layout: str) -> Iterator[Excerpt | None]:
    """Lend an excerpt of a file, which is gone at the end of the block.

    Parameters
    ----------
    path : Path
        The file.
    layout : str
        Its layout: "csv" and "parquet" can be read in parts.

    Yields
    ------
    Excerpt or None
        None where the file is small or can only be read whole.
    """
    parts = {"csv": _text_parts, "parquet": _parquet_parts}.get(layout)
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    if parts is None or size < LARGE_BYTES:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="workbench-preview-") as folder:
        yield parts(path, size, Path(folder) / path.name)


def _text_parts(path: Path, size: int, target: Path) -> Excerpt | None:
    """Write whole lines of several places of a text file; None where its lines are too long to find whole ones."""
    with path.open("rb") as file:
        mark = file.read(2)
        line_end = _WIDE_MARKS.get(mark, b"\n")
        if mark == b"\x1f\x8b" or mark == b"PK":  # packed: no place but the beginning can be read
            return None
        chunk = _CHUNK_BYTES
        while len(_line_ends(_read(file, 0, chunk), line_end)) < _MIN_LINES and chunk < _MAX_CHUNK_BYTES:
            chunk *= 4
        if chunk * _PLACES > size:
            return None
        pieces = [_read(file, 0, chunk)]
        ends = _line_ends(pieces[0], line_end)
        if not ends:
            return None
        pieces[0] = pieces[0][: ends[-1]]
        for place in range(1, _PLACES):
            is_last = place == _PLACES - 1
            start = (size - chunk) * place // (_PLACES - 1)
            start -= start % len(line_end)
            piece = _read(file, start, size - start if is_last else chunk)
            ends = _line_ends(piece, line_end)
            if ends:
                pieces.append(piece[ends[0] : None if is_last else ends[-1]])
    target.write_bytes(b"".join(pieces))
    read = sum(map(len, pieces))
    between = len(pieces) - 2
    return Excerpt(
        target,
        read / size,
        f"read {read / 1e6:.1f} of {size / 1e6:,.0f} MB: its beginning, {between} places between and its end; "
        "what lies elsewhere was not seen, and counts are estimates",
    )


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)


def _line_ends(piece: bytes, line_end: bytes) -> list[int]:
    """Return the first and the last places behind a line end, and as many between as there are."""
    width = len(line_end)
    places, found = [], piece.find(line_end)
    while found >= 0:
        if found % width == 0:
            places.append(found + width)
        found = piece.find(line_end, found + 1)
    return places


def _parquet_parts(path: Path, size: int, target: Path) -> Excerpt | None:
    """Write some rows of the first, a middle and the last row group."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            about = file.metadata
            rows = max(min(_PARQUET_ROWS, _PARQUET_VALUES // max(about.num_columns, 1)), 1)
            groups = sorted({0, about.num_row_groups // 2, about.num_row_groups - 1})
            tables = [_rows_of(file, group, rows, from_end=group == groups[-1]) for group in groups]
        n_read = sum(table.num_rows for table in tables)
        if not 0 < n_read < about.num_rows:
            return None
        pyarrow.parquet.write_table(pyarrow.concat_tables(tables), target)
    except (pyarrow.ArrowException, OSError, ValueError, TypeError) as error:
        raise ImportDataError(f"{path} cannot be read as Parquet: {str(error).partition(chr(10))[0][:200]}") from None
    return Excerpt(
        target,
        n_read / about.num_rows,
        f"read {n_read:,} of {about.num_rows:,} rows, {size / 1e6:,.0f} MB in all, from {len(groups)} of "
        f"{about.num_row_groups} row groups; what lies elsewhere was not seen, and counts are estimates",
    )


def _rows_of(file: Any, group: int, rows: int, *, from_end: bool) -> Any:
    """Return the first rows of a row group, or its first and last ones."""
    import pyarrow

    batches = list[Any]()
    for batch in file.iter_batches(batch_size=rows, row_groups=[group]):
        batches = [*batches[:1], batch] if from_end else [batch]
        if not from_end:
            break
    return pyarrow.Table.from_batches(batches, schema=file.schema_arrow)
