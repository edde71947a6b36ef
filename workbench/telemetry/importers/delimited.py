"""Reads delimited text; encoding, separator and decimal mark are detected from the file."""

import codecs
import csv
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.exceptions import ImportDataError

__all__ = ["Dialect", "read_delimited", "sniff", "split_fields"]

_SEPARATORS = (";", "\t", "|", ",", " ")
_SAMPLE_LINES = 200
_MAX_SAMPLE_CHARS = 2**20
_BLOCK_CHARS = 2**20
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_ENCODINGS = ("utf-8", "cp1252", "latin-1")
_MISSING = ["-", "--", "---", "?", ".", "missing", "Missing", "NaT", "nil"]
_COMMA_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+(?:[eE][+-]?\d+)?")
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SURE_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+|,\d{3})")
_VALUE = re.compile(r"[+-]?[\d.,]+(?:[eE][+-]?\d+)?$|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:\D|$)|\d{4}-\d{3}T")


@dataclass(frozen=True)
class Dialect:
    """Dialect of a delimited file: encoding, separator, decimals and header.

    Attributes
    ----------
    encoding : str
        Name of the text encoding.
    separator : str
        Character between two fields.
    decimal : str
        "." or ",".
    thousands : str or None
        Mark between groups of three digits.
    skipped_lines : int
        Lines before the header: comments, empty lines, Excel's `sep=;`.
    columns : tuple of str
        Names in the header, each made unique; an empty one becomes `unnamed 3`.
    """

    encoding: str
    separator: str
    decimal: str
    thousands: str | None
    skipped_lines: int
    columns: tuple[str, ...]


def sniff(path: Path) -> Dialect:
    """Detect the dialect of a delimited file.

    Parameters
    ----------
    path : Path
        File to look at.

    Returns
    -------
    Dialect

    Raises
    ------
    ImportDataError
        It cannot be read, is not text, is empty, or has no header.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        lines = re.split(r"\r\n|\r|\n", file.read(_MAX_SAMPLE_CHARS))[: _SAMPLE_LINES * 2]
    skipped, announced = 0, None
    for line in lines:
        announcement = re.fullmatch(r'"?sep=(.)"?', line.strip("\ufeff \r"), flags=re.IGNORECASE)
        announced = announcement[1] if announcement else announced
        if not announcement and line.strip() and not line.lstrip().startswith("#"):
            break
        skipped += 1
    sample = [line for line in lines[skipped:] if line.strip()][:_SAMPLE_LINES]
    if not sample:
        raise ImportDataError(f"{path} is empty.", "Needed: a header line, then one line a sample.")
    separator = announced or _separator(sample)
    rows = _rows(sample, separator)
    header = tuple(cell.strip() for cell in rows[0])
    _check_header(path, header)
    decimal, thousands = _marks([cell.strip() for row in rows[1:] for cell in row], separator)
    return Dialect(encoding, separator, decimal, thousands, skipped, _unique(header))


def read_delimited(path: Path, dialect: Dialect) -> tuple[pd.DataFrame, int]:
    """Read a delimited file.

    Parameters
    ----------
    path : Path
        File to read.
    dialect : Dialect
        From `sniff`.

    Returns
    -------
    pandas.DataFrame
        One column a column, as text; what marks a missing value is NaN.
    int
        Lines that were left out as they have more fields than the header.

    Raises
    ------
    ImportDataError
        It cannot be parsed.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        try:
            frame = pd.read_csv(
                path,
                sep=r"\s+" if dialect.separator == " " else dialect.separator,
                encoding=dialect.encoding,
                compression=None,
                skiprows=dialect.skipped_lines,
                header=0,
                names=list(dialect.columns),
                index_col=False,
                dtype="str",
                na_values=_MISSING,
                skipinitialspace=True,
                skip_blank_lines=True,
                on_bad_lines="warn",
                low_memory=False,
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError, csv.Error) as error:
            reason = str(error).partition("\n")[0][:200]
            raise ImportDataError(f"{path} cannot be read as CSV: {reason}.") from None
        except OSError as error:
            raise ImportDataError(f"{path} cannot be read: {error.strerror or error}.") from None
    dropped = sum(str(warning.message).count("Skipping line") for warning in caught)
    if any("Length of header" in str(warning.message) for warning in caught):
        raise ImportDataError(
            f"{path}: its lines have more fields than its header has names ({len(dialect.columns)}).",
            "Name every column in the first line.",
        )
    return frame, dropped


def split_fields(line: str, separator: str) -> list[str]:
    """Return the fields of one line.

    Examples
    --------
    >>> split_fields('7,"a, b",', ",")
    ['7', 'a, b', '']
    """
    rows = _rows([line], separator)
    return rows[0] if rows else []


def _encoding(path: Path) -> str:
    """Return the encoding: UTF-8 where all text is, else what Windows and old instruments write; read in blocks."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
            for encoding in (marked,) if marked else _ENCODINGS:
                file.seek(0)
                if _decodes(file, encoding):
                    return encoding
    except OSError as error:
        raise ImportDataError(f"{path} cannot be read: {error.strerror or error}.", "Give a file.") from None
    raise ImportDataError(f"{path} is not text in UTF-8, UTF-16 or Latin-1.", "If it is packed, unpack it first.")


def _decodes(file: io.BufferedReader, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in iter(lambda: file.read(_BLOCK_CHARS), b""):
            if "\0" in decoder.decode(block):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _rows(sample: list[str], separator: str) -> list[list[str]]:
    try:
        if separator == " ":
            return [line.split() for line in sample]
        return [row for row in csv.reader(sample, delimiter=separator, skipinitialspace=True) if row]
    except csv.Error:
        return [[line] for line in sample]


def _separator(sample: list[str]) -> str:
    """Take the first of `; tab | , space` that splits the lines into as many fields as the header.

    The comma comes late, as it also stands in numbers.
    """
    best, share = ",", 0.0
    for separator in _SEPARATORS:
        rows = _rows(sample, separator)
        width = len(rows[0])
        fitting = sum(len(row) == width for row in rows) / len(rows)
        if width > 1 and fitting > share + 0.05:
            best, share = separator, fitting
    return best


def _check_header(path: Path, header: tuple[str, ...]) -> None:
    filled = [cell for cell in header if cell]
    if filled and all(_VALUE.match(cell) for cell in filled):
        raise ImportDataError(
            f"{path}: the first line holds values, not column names ({', '.join(filled[:5])[:200]}).",
            "Add a header line, as: time,temperature",
        )


def _unique(header: tuple[str, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = cell or f"unnamed {number}"
        copies = (f"{name}.{copy}" for copy in range(1, len(header) + 1))
        names.append(name if name not in names else next(copy for copy in copies if copy not in names))
    return tuple(names)


def _marks(cells: list[str], separator: str) -> tuple[str, str | None]:
    """Tell the decimal mark and the one between thousands."""
    commas = [cell for cell in cells if _COMMA_NUMBER.fullmatch(cell)]
    points = sum(bool(_POINT_NUMBER.fullmatch(cell)) for cell in cells)
    if any(_SURE_COMMA_GROUPS.fullmatch(cell) for cell in cells):
        return ".", ","
    if separator == "," and commas and all(_COMMA_GROUPS.fullmatch(cell) for cell in commas):
        return ".", ","
    if len(commas) <= points:
        return ".", None
    return ",", "." if any(_POINT_GROUPS.fullmatch(cell) for cell in cells) else None
