"""Reads delimited text: its encoding, separator and header are found in the file, unless they were chosen.

One module because the reading of the lines depends on every property of the dialect that is found here.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.doubtful_names import check_names, name_times
from workbench.telemetry.importers.formats.encodings import find_encoding
from workbench.telemetry.importers.formats.headers import Row, find_header, is_value, unique_names, usual_width
from workbench.telemetry.importers.formats.limits import MAX_FIELD_CHARS, check_columns
from workbench.telemetry.importers.formats.number_marks import with_signs_first
from workbench.telemetry.importers.formats.units import bare_unit, is_unit
from workbench.telemetry.importers.reading import Reading

__all__ = ["MISSING_WORDS", "PARSE_BYTES", "DelimitedTable", "Dialect", "read_delimited", "sniff", "split_fields"]

MISSING_WORDS = (
    *("", "-", "--", "---", "?", ".", "missing", "Missing", "NaT", "nil", "#N/A", "#N/A N/A", "#NA", "-1.#IND"),
    *("-1.#QNAN", "1.#IND", "1.#QNAN", "-NaN", "-nan", "NaN", "nan", "NAN", "<NA>", "N/A", "n/a", "NA", "NULL", "null"),
    *("None", "Bad Input", "No Data", "I/O Timeout", "Pt Created", "Calc Failed", "Comm Fail"),
)
"""What marks a missing value in any file."""

PARSE_BYTES = 2**23
"""Bytes of a file that are parsed at once."""

_SEPARATORS = (";", "\t", "|", ",", " ")
_SEPARATOR_WORDS = {"tab": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}
_SEPARATOR_NAMES = {sign: word for word, sign in _SEPARATOR_WORDS.items()}
_HEAD_LINES = 400
_HEAD_CHARS = 2**20
_FIRST_LINE_CHARS = 2**24
_SAMPLE_BYTES = 2**16
_BLOCK_BYTES = 2**20
_FEW_ROWS = 1000
_FOOTER_ROWS = 3
_LATER_LINES = 10
_T = TypeVar("_T")
_SPACED_FIELD = re.compile(r'"([^"]*)"|(\S+)')
_SPACES = re.compile(r'"[^"\r\n]*"|[ \t]+')
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Dialect:
    """Dialect of a delimited file: encoding, separator and header.

    Attributes
    ----------
    encoding : str
        Name of the text encoding.
    separator : str
        Character between two fields; a space stands for any number of spaces and tabs.
    data_line : int
        Line in which the data begin, from 1.
    columns : tuple of str
        Names in the header, each made unique; an empty one becomes `unnamed 3`.
    width : int
        Fields of most lines of data.
    units : dict of str to str
        Units by column, where the file has a line of them.
    has_quotes : bool
        Whether there are quotation marks.
    spaced_quotes : bool
        Whether there are spaces between a separator and a quotation mark.
    notes : tuple of str
        What was assumed.
    """

    encoding: str
    separator: str
    data_line: int
    columns: tuple[str, ...]
    width: int
    units: dict[str, str]
    has_quotes: bool = True
    spaced_quotes: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DelimitedTable:
    """What was read of a delimited file.

    Attributes
    ----------
    frame : pandas.DataFrame
        One column a column, as text; what marks a missing value is NaN.
    rows_dropped : int
        Lines that were left out as they have more fields than the header.
    notes : tuple of str
        What else was left out.
    has_footer : bool
        Whether lines of text at the end were left out, so that the last row is whole.
    """

    frame: pd.DataFrame
    rows_dropped: int
    notes: tuple[str, ...] = ()
    has_footer: bool = False


def sniff(path: Path, reading: Reading | None = None) -> Dialect:
    """Find the dialect of a delimited file; lines of its beginning, middle and end decide.

    Parameters
    ----------
    path : Path
        File to look at.
    reading : Reading, optional
        What was chosen.

    Returns
    -------
    Dialect

    Raises
    ------
    ImportDataError
        It cannot be read, is not text, is empty, or has no header.
    """
    reading = reading or Reading()
    text = find_encoding(path, reading.encoding)
    encoding = text.name
    lines = _head_lines(path, encoding)
    announced, first = None, reading.skip_rows or 0
    comments: list[str] = []  # right above the first line
    for number, line in enumerate(lines):
        announcement = re.fullmatch(r'"?sep=(.)"?', line.strip("\ufeff \r"), flags=re.IGNORECASE)
        announced = announcement[1] if announcement else announced
        is_comment = line.lstrip("\ufeff ").startswith("#")
        if number < first:
            continue
        if not announcement and line.strip("\ufeff \r") and not is_comment:
            break
        comments = [*comments, line.lstrip("\ufeff #")] if is_comment else []
        first = number + 1
    if reading.header_row:
        first = min(first, reading.header_row - 1)
    head = list(enumerate(lines))[first:]
    if reading.header_row and len(head) and head[0][0] == reading.header_row - 1:
        head[0] = (head[0][0], head[0][1].lstrip("\ufeff #"))
    head = [(number, line) for number, line in head if line.strip() and not line.lstrip().startswith("#")]
    if not head:
        raise ImportDataError(f"{path} is empty.", "Needed: a header line, then one line a sample.")
    others = _other_lines(path, encoding)
    chosen = _SEPARATOR_WORDS.get(reading.separator or "", reading.separator) or announced
    separator = chosen or _separator(head, others, reading.header_row)
    rows = _rows(path, head, separator)
    width = usual_width([*_later(rows), *_rows(path, others, separator)])
    if reading.separator is not None and width == 1:
        _check_separator(path, separator, _separator(head, others, reading.header_row), head)
    header = find_header(rows, width, reading.header_row)
    check_names(path, rows, header, reading, are_words=separator == " ")
    names = header.names
    units = dict(header.units)
    if names is None and reading.header_row is None:
        names, units = _commented_names(comments, separator, width, rows)
    if names is None and reading.header_row is None:
        filled = [cell for cell in rows[0].cells if cell]
        raise ImportDataError(
            f"{path}: the first line holds values, not column names ({', '.join(filled[:5])[:200]}).",
            "Add a header line, as: time,temperature. Or pass --header-row 0: names are 'column 1', 'column 2'.",
        )
    if names is None:
        names = tuple(f"column {number}" for number in range(1, width + 1))
    if separator == " " and len(names) == width + 1 and not any(map(str.isalnum, names[0])):
        names = names[1:]  # what marks the line, as `% time temp`
    while len(names) > width and not names[-1]:
        names = names[:-1]
    columns = unique_names(names)
    check_columns(path, len(columns))
    notes = list(text.notes)
    if header.names_line > first + 1 and reading.header_row is None and header.names is not None:
        above = [row for row in rows if row.number < header.names_line - header.is_in_two]
        if header.is_in_two:
            notes.append(f"column names taken from lines {header.names_line - 1} and {header.names_line} together")
        elif above:
            notes.append(
                f"column names taken from line {header.names_line}, {counted(len(above), 'line')} above left out; "
                "otherwise: --header-row"
            )
    return Dialect(
        encoding,
        separator,
        header.data_line,
        columns,
        width,
        {columns[place]: unit for place, unit in units.items() if place < len(columns)},
        text.n_quotes > 0,
        text.n_quotes > 0 and any(re.search(rf"{re.escape(separator)} +\"", line) for _, line in [*head, *others]),
        tuple(notes),
    )


def read_delimited(path: Path, dialect: Dialect) -> DelimitedTable:
    """Read a delimited file.

    Parameters
    ----------
    path : Path
        File to read.
    dialect : Dialect
        From `sniff`.

    Returns
    -------
    DelimitedTable

    Raises
    ------
    ImportDataError
        It cannot be parsed.
    """
    table, irregular = _parsed(path, dialect)
    n_columns = len(dialect.columns)
    if n_columns < dialect.width:
        extra = [table.column(place) for place in range(n_columns, dialect.width)]
        if any(column.null_count < len(column) for column in extra):
            raise ImportDataError(
                f"{path}: its lines have more fields than its header has names ({n_columns}).",
                "Name every column in the first line.",
            )
        table = table.select(range(n_columns))
    for place in range(dialect.width, n_columns):
        table = table.append_column(str(place), pa.nulls(len(table), pa.large_string()))
    table = table.rename_columns([str(place) for place in range(n_columns)])
    table, dropped, n_comments = _with_irregular(table, irregular, dialect)
    _check_fields(path, table, dialect)
    negative: list[str] = []
    for place in range(n_columns):
        plain = _trimmed(table.column(place))
        if pc.any(pc.or_(pc.ends_with(plain, "-"), pc.starts_with(plain, "("))).as_py():
            signed = with_signs_first(plain)
            negative += [dialect.columns[place]] if signed is not plain else []
            plain = signed
        if plain is not table.column(place):
            table = table.set_column(place, str(place), plain)
    keep, n_repeated, n_more_comments = _is_sample(table, dialect)
    notes = [f"7- and (7) read as -7 in {', '.join(negative)[:200]}"] if negative else []
    if keep is not None:
        table = table.filter(keep)
    n_footer = _footer_length(table)
    if n_footer:
        table = table.slice(0, len(table) - n_footer)
        notes.append(f"{counted(n_footer, 'line')} of text at the end left out")
    if n_comments + n_more_comments:
        notes.append(f"{counted(n_comments + n_more_comments, 'comment line')} among the rows left out")
    if n_repeated:
        notes.append(f"{counted(n_repeated, 'repeated header line')} left out")
    columns = {}
    for name in dialect.columns:
        column = table.column(0).combine_chunks()  # each sample of rows would put the chunks together anew
        columns[name] = pd.Series(pa.chunked_array([column]).to_pandas(), dtype="str", copy=False)
        del column
        table = table.remove_column(0)
    pa.default_memory_pool().release_unused()
    return DelimitedTable(pd.DataFrame(columns, copy=False), dropped, tuple(notes), n_footer > 0)


def split_fields(line: str, separator: str) -> list[str]:
    """Return the fields of one line.

    Examples
    --------
    >>> split_fields('7,"a, b",', ",")
    ['7', 'a, b', '']
    """
    if separator == " ":
        return [quoted or plain for quoted, plain in _SPACED_FIELD.findall(line)]
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:
        return [line]


# ---- what the dialect is


def _commented_names(
    comments: list[str], separator: str, width: int, rows: list[Row]
) -> tuple[tuple[str, ...] | None, dict[int, str]]:
    """Return the names, and the units by place, that stand in the comments right above the data; None where none do."""
    lines = [tuple(cell.strip() for cell in split_fields(comment, separator)) for comment in comments[-2:]]
    lines = [cells for cells in lines if len(cells) == width and not any(map(is_value, cells))]
    if len(lines) == 2 and not any(is_unit(cell) and bare_unit(cell) for cell in lines[1]):
        lines = lines[1:]
    if not lines or not name_times(lines[0], rows):
        return None, {}
    below = lines[1] if len(lines) == 2 else ()
    return lines[0], {place: unit for place, cell in enumerate(below) if is_unit(cell) and (unit := bare_unit(cell))}


def _head_lines(path: Path, encoding: str) -> list[str]:
    with path.open(encoding=encoding, newline="") as file:
        text = file.read(_HEAD_CHARS)
        if text and not _LINE_END.search(text):
            text += file.read(_FIRST_LINE_CHARS - _HEAD_CHARS)
            if not _LINE_END.search(text) and file.read(1):
                raise ImportDataError(
                    f"{path} has a first line of more than {_FIRST_LINE_CHARS:,} characters.", "It is no table."
                )
        is_whole = not file.read(1)
    lines = _LINE_END.split(text)
    for line in lines[:2]:
        check_columns(path, 1 + max(line.count(separator) for separator in (";", "\t", "|", ",")))
    if not is_whole and len(lines) > 1:
        lines.pop()
    return lines[:_HEAD_LINES]


def _other_lines(path: Path, encoding: str) -> list[tuple[int, str]]:
    """Return lines of the middle and the end of a file; none where its beginning is all of it."""
    size = path.stat().st_size
    lines: list[str] = []
    if size <= _SAMPLE_BYTES:
        return []
    with path.open("rb") as file:
        if encoding == "utf-16":
            encoding = "utf-16-be" if file.read(2) == codecs.BOM_UTF16_BE else "utf-16-le"
        for place in (size // 2, size - _SAMPLE_BYTES):
            file.seek(place // 4 * 4)
            lines += _LINE_END.split(file.read(_SAMPLE_BYTES).decode(encoding, "replace"))[1:-1]
    return [(-1, line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _rows(path: Path, lines: list[tuple[int, str]], separator: str) -> list[Row]:
    if separator == " ":
        return [Row(number + 1, number + 1, tuple(split_fields(line, " "))) for number, line in lines]
    rows = []
    reader = csv.reader((line for _, line in lines), delimiter=separator, skipinitialspace=True)
    try:
        first = 0
        for cells in reader:
            rows.append(Row(lines[first][0] + 1, lines[reader.line_num - 1][0] + 1, tuple(map(str.strip, cells))))
            first = reader.line_num
    except csv.Error:
        raise ImportDataError(
            f"{path} has a field of more than {MAX_FIELD_CHARS:,} characters.",
            "Check that its quotation marks are paired.",
        ) from None
    return rows or [Row(lines[0][0] + 1, lines[0][0] + 1, ("",))] if lines else []


def _check_separator(path: Path, chosen: str, likely: str, head: list[tuple[int, str]]) -> None:
    """Raise an error where the chosen separator stands in no line, and another one splits them all."""
    line = head[-1][1]
    if chosen not in line and len(split_fields(line, likely)) > 1:
        raise ImportDataError(
            f"{path}: the separator {chosen!r} that was chosen stands nowhere in its lines ({line.strip()[:60]!r}).",
            f"Pass --separator {_SEPARATOR_NAMES.get(likely, repr(likely))}, or leave it out.",
        )


def _later(lines: list[_T]) -> list[_T]:
    """Return the last lines, which are data where those above are many."""
    return lines[-max(_LATER_LINES, len(lines) // 8) :]


def _separator(head: list[tuple[int, str]], others: list[tuple[int, str]], names_line: int | None) -> str:
    """Take the first of `; tab | , space` that splits most lines into as many fields as some line of names.

    The comma comes late, as it also stands in numbers.
    """
    best, best_share = ",", 0.0
    for separator in _SEPARATORS:
        widths = [len(split_fields(line, separator)) for _, line in [*_later(head), *others]]
        width = max(set(widths), key=lambda one: (widths.count(one), one))
        share = widths.count(width) / len(widths)
        if names_line != 0:
            names = [
                cells
                for _, line in head
                if len(cells := split_fields(line, separator)) in (width - 1, width, width + 1)
            ]
            first = next((cells for cells in names if len(cells) > 1), [])
            if not first or (first is not names[0] and any(map(is_value, first))):  # below a title stand names
                continue
        margin = 0.5 if separator == " " else 0.05  # dates and units bring spaces, and so do lines of words
        if width > 1 and share > best_share + (margin if best_share else 0):
            best, best_share = separator, share
    return "\t" if best == " " and _are_tabs(head, others) else best


def _are_tabs(head: list[tuple[int, str]], others: list[tuple[int, str]]) -> bool:
    """Tell whether tabs separate the lines that spaces seem to, as the line above them is no line of names."""
    if not all("\t" in line for _, line in [*_later(head), *others]):
        return False
    first = next(place for place, (_, line) in enumerate(head) if "\t" in line)
    return first > 0 and len(split_fields(head[first - 1][1], " ")) != len(split_fields(head[first][1], " "))


# ---- reading of the lines


class _PlainText(io.RawIOBase):
    """The text of a file in UTF-8, with the oddities of its separator taken away."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self._blocks = self._encoded(path, dialect)
        self._rest = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill a buffer with the next bytes, and return how many they are."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = block
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    @staticmethod
    def _encoded(path: Path, dialect: Dialect) -> Iterator[bytes]:
        separator = re.escape(dialect.separator)
        with path.open(encoding=dialect.encoding, newline="", errors="replace") as file:
            while text := file.read(_BLOCK_BYTES) + file.readline():
                if dialect.separator == " ":
                    text = _SPACES.sub(lambda found: found[0] if found[0][0] == '"' else " ", text)
                    text = re.sub(r" ?(\r\n|\r|\n) ?", r"\1", text).strip(" ")
                elif dialect.spaced_quotes:
                    text = re.sub(rf"({separator}) +(?=\")", r"\1", text)
                yield text.encode()


def _parsed(path: Path, dialect: Dialect) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Parse the lines that have the usual number of fields; the others are returned by number of their row, from 0."""
    irregular: list[tuple[int, str]] = []

    def note_row(row: "pyarrow.csv.InvalidRow") -> str:
        if row.number is None:
            return "error"
        irregular.append((row.number - dialect.data_line, row.text))
        return "skip"

    columns = [str(place) for place in range(dialect.width)]
    plain = dialect.encoding in ("utf-8", "utf-8-sig") and dialect.separator != " " and not dialect.spaced_quotes
    for use_threads in (True, False):
        try:
            with path.open("rb") if plain else io.BufferedReader(_PlainText(path, dialect), _BLOCK_BYTES) as file:
                table = pyarrow.csv.read_csv(
                    file,
                    pyarrow.csv.ReadOptions(
                        use_threads=use_threads,
                        column_names=columns,
                        skip_rows=dialect.data_line - 1,
                        block_size=PARSE_BYTES,
                    ),
                    pyarrow.csv.ParseOptions(
                        delimiter=dialect.separator,
                        newlines_in_values=dialect.has_quotes,
                        invalid_row_handler=note_row,
                    ),
                    pyarrow.csv.ConvertOptions(
                        column_types=dict.fromkeys(columns, pa.large_string()),
                        null_values=MISSING_WORDS,
                        strings_can_be_null=True,
                    ),
                )
        except pa.ArrowInvalid as error:
            if use_threads:
                continue
            reason = str(error).partition("\n")[0][:200]
            raise ImportDataError(f"{path} cannot be read as CSV: {reason}.") from None
        except OSError as error:
            raise ImportDataError(f"{path} cannot be read: {error.strerror or error}.") from None
        break
    return table, irregular


def _with_irregular(table: pa.Table, irregular: list[tuple[int, str]], dialect: Dialect) -> tuple[pa.Table, int, int]:
    """Put lines with other numbers of fields where they belong; one with too many is left out and counted."""
    n_columns = len(dialect.columns)
    dropped = n_comments = 0
    places, rows = [], []
    for number, (place, text) in enumerate(irregular):
        if text.lstrip().startswith("#"):
            n_comments += 1
            continue
        if not text.strip():
            continue
        cells = split_fields(text, dialect.separator)
        while len(cells) > n_columns and not cells[-1].strip():
            cells.pop()
        if len(cells) > n_columns:
            _check_same_table(cells, dialect)
            dropped += 1
            continue
        places.append(place - number)  # where it stands among the regular ones
        rows.append([None if cell in MISSING_WORDS else cell for cell in cells] + [None] * (n_columns - len(cells)))
    if not rows:
        return table, dropped, n_comments
    more = pa.table(
        {str(place): pa.array([row[place] for row in rows], pa.large_string()) for place in range(n_columns)}
    )
    if len(rows) > _FEW_ROWS:
        keys = np.concatenate([np.arange(len(table)), places])
        order = np.lexsort((np.arange(len(keys)) < len(table), keys))
        return pa.concat_tables([table, more]).take(pa.array(order)), dropped, n_comments
    pieces, start = [], 0
    for number, place in enumerate(places):
        pieces += [table.slice(start, place - start), more.slice(number, 1)]
        start = place
    return pa.concat_tables([*pieces, table.slice(start)]), dropped, n_comments


def _is_sample(table: pa.Table, dialect: Dialect) -> tuple[pa.ChunkedArray | None, int, int]:
    """Return which rows are neither the header again nor a comment, None where all are; and count both."""
    first = table.column(0)
    comment = pc.fill_null(pc.starts_with(first, "#"), False)
    again = pc.fill_null(pc.equal(first, dialect.columns[0]), False)
    if pc.any(again).as_py():
        for place, name in enumerate(dialect.columns[1:], 1):
            if not name.startswith("unnamed ") and not re.search(r"\.\d+$", name):
                again = pc.and_(again, pc.fill_null(pc.equal(table.column(place), name), False))
    _check_same_order(table, again, dialect)
    counts = [pc.sum(one).as_py() or 0 for one in (again, comment)]
    return (pc.invert(pc.or_(again, comment)) if any(counts) else None), counts[0], counts[1]


def _check_same_order(table: pa.Table, again: pa.ChunkedArray, dialect: Dialect) -> None:
    """Raise an error where the names of the columns stand among the rows again, in another order or among others."""
    first = pc.fill_null(pc.is_in(table.column(0), value_set=pa.array(dialect.columns, pa.large_string())), False)
    other = pc.and_(first, pc.invert(again))
    if not pc.any(other).as_py():
        return
    for row in table.filter(other).slice(0, _FEW_ROWS).to_pylist():
        if sorted(map(str, row.values())) == sorted(dialect.columns):
            raise ImportDataError(
                f"The columns change their order within the file: {', '.join(dialect.columns)[:200]}, then "
                f"{', '.join(row.values())[:200]}.",
                "Split the file there, and import the parts together.",
            )
        _check_same_table(list(row.values()), dialect)


def _check_same_table(cells: Sequence[str | None], dialect: Dialect) -> None:
    """Raise an error where a row that begins as the header does names other columns."""
    words = [cell.strip() for cell in cells if cell and cell.strip()]
    if len(words) > 1 and words[0] == dialect.columns[0] and not any(map(is_value, words)):
        raise ImportDataError(
            f"Another table begins within the file: after {', '.join(dialect.columns)[:200]} come the columns "
            f"{', '.join(words)[:200]}.",
            "Split the file there, and import each part.",
        )


def _footer_length(table: pa.Table) -> int:
    """Return how many rows at the end hold no value, though the columns above them do: `End of data`, totals' names."""
    rows = table.slice(max(0, len(table) - _FOOTER_ROWS * 10)).to_pylist()
    body, end = rows[:-_FOOTER_ROWS], rows[-_FOOTER_ROWS:]
    filled = {name: [row[name] for row in body if row[name] is not None] for name in table.column_names}
    columns = [name for name, cells in filled.items() if cells and all(map(is_value, cells))]
    if not columns:
        return 0
    length = 0
    for row in reversed(end):
        cells = [row[name] for name in columns if row[name] is not None]
        if not cells or any(map(is_value, cells)):
            break
        length += 1
    return length


def _check_fields(path: Path, table: pa.Table, dialect: Dialect) -> None:
    """Raise an error where a field is too long, or holds lines as those of a quotation mark that is not closed do."""
    for column in table.columns if dialect.has_quotes else ():
        text = column.filter(pc.match_substring(column, "\n"))
        if not len(text):
            continue
        many = pc.greater_equal(pc.count_substring(text, dialect.separator), max(1, dialect.width - 1))
        if pc.any(many).as_py() or text[-1].as_py().endswith("\n"):
            raise ImportDataError(
                f"{path} cannot be read as CSV: a quotation mark is not closed, before {text[0].as_py()[:40]!r}.",
                "Close or remove it.",
            )
    for column in table.columns:
        if (pc.max(pc.binary_length(column)).as_py() or 0) > MAX_FIELD_CHARS:
            raise ImportDataError(
                f"{path} has a field of more than {MAX_FIELD_CHARS:,} characters.", "Leave its column out."
            )


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Take away spaces around, what marks a missing value between them, and what says text to Excel: `="7"`."""
    if pc.any(pc.starts_with(column, '="')).as_py():
        column = pc.replace_substring_regex(column, '^="([^"]*)"$', r"\1")
    spaced = pc.or_(pc.starts_with(column, " "), pc.ends_with(column, " "))
    if not pc.any(spaced).as_py():
        return column
    plain = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(plain, value_set=pa.array(MISSING_WORDS, pa.large_string()))
    return pc.if_else(missing, pa.scalar(None, pa.large_string()), plain)
