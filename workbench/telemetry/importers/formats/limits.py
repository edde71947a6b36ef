"""How much an import reads of one file: beyond these limits a file is refused before it fills the memory."""

from workbench.exceptions import ImportDataError

__all__ = [
    "MAX_BYTES",
    "MAX_COLUMNS",
    "MAX_FIELD_CHARS",
    "MAX_RATIO",
    "SMALL_BYTES",
    "check_bytes",
    "check_columns",
    "check_ratio",
]

MAX_BYTES = 4 * 2**30
"""Bytes of a file, unpacked, and of the table that it becomes."""

MAX_RATIO = 100
"""Bytes, unpacked, of one that is packed: telemetry is 3 to 30 times as large, a bomb a thousand times."""

SMALL_BYTES = 256 * 2**20
"""Bytes, unpacked, up to which the ratio does not matter."""

MAX_COLUMNS = 20_000
"""Columns of a table."""

MAX_FIELD_CHARS = 131_072
"""Characters of one field of a text file."""


def check_bytes(source: object, n_bytes: int) -> None:
    """Raise an error where a file or its table is too large.

    Parameters
    ----------
    source : object
        What the message names.
    n_bytes : int
        Bytes, unpacked.

    Raises
    ------
    ImportDataError
        They are more than `MAX_BYTES`.
    """
    if n_bytes > MAX_BYTES:
        raise ImportDataError(
            f"{source} is larger than {MAX_BYTES / 2**30:g} GiB when it is unpacked and read.",
            "Split it, for example by month or by machine, and import the parts.",
        )


def check_ratio(source: object, n_bytes: int, n_packed: int) -> None:
    """Raise an error where a packed file holds far more than telemetry of its size does.

    Parameters
    ----------
    source : object
        What the message names.
    n_bytes, n_packed : int
        Bytes, unpacked and packed.

    Raises
    ------
    ImportDataError
        They are more than `SMALL_BYTES`, and more than `MAX_RATIO` times those that are packed.
    """
    if n_bytes > max(SMALL_BYTES, MAX_RATIO * n_packed):
        raise ImportDataError(
            f"{source} is over {MAX_RATIO} times as large when it is unpacked: {n_bytes / 2**20:,.0f} MiB or more.",
            "Where that is right, unpack it yourself, or write it as CSV, and import that.",
        )


def check_columns(source: object, n_columns: int) -> None:
    """Raise an error where a table has too many columns.

    Parameters
    ----------
    source : object
        What the message names.
    n_columns : int
        Columns of the table.

    Raises
    ------
    ImportDataError
        They are more than `MAX_COLUMNS`.
    """
    if n_columns > MAX_COLUMNS:
        raise ImportDataError(
            f"{source} has {n_columns:,} columns; at most {MAX_COLUMNS:,} are read.",
            "Split it by columns, or turn it around where its rows are the sensors.",
        )
