"""Columns as numbers: words of inputs, infinite values, and columns that only number the rows."""

import re
import shlex

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ImportDataError

__all__ = ["counts_rows", "one_hot", "without_infinite"]

_MAX_CATEGORIES = 64
_FOLLOWING_SHARE = 0.95  # of the rows: a logger that was started anew counts from 0 again
_MIN_NUMBERED_ROWS = 5
_ROW_NUMBER_NAME = re.compile(
    r"#|(?:record|rec|row|line|zeile|sample|scan|entry|seq|sequence|lfd|序号|番号|번호)[\s._]*(?:number|num|no|nr|id|#)?\.?"
    r"|(?:no|nr|num|idx|index|n°|№)\.?|unnamed: ?\d+",
    re.IGNORECASE,
)


def counts_rows(name: str, values: npt.NDArray[np.float64]) -> bool:
    """Tell whether a column only numbers the rows: by its name, and as each number follows the one before.

    Parameters
    ----------
    name : str
        Name of the column.
    values : numpy.ndarray, shape (n,)
        Its numbers in the order of the file.

    Examples
    --------
    >>> counts_rows("RECORD", np.arange(7.0)), counts_rows("load", np.arange(7.0)), counts_rows("No.", np.ones(7))
    (True, False, False)
    """
    if len(values) < _MIN_NUMBERED_ROWS or not _ROW_NUMBER_NAME.fullmatch(name.strip()):
        return False
    steps = np.diff(values)
    follows = np.abs(steps) == 1
    return bool(follows.mean() > _FOLLOWING_SHARE and len(np.unique(steps[follows])) == 1)


def one_hot(column: pd.Series, name: str) -> tuple[npt.NDArray[np.int8], list[str]]:
    """Turn a column of words into one input for each word.

    Parameters
    ----------
    column : pandas.Series
        Without missing values.
    name : str
        Name of the column, for the names of the inputs.

    Returns
    -------
    values : numpy.ndarray, shape (n, k), int8
    names : list of str
        As `mode=on`.

    Raises
    ------
    ImportDataError
        There are more than 64 different words.
    """
    words = column.map(str)
    categories = sorted(words.unique())
    if len(categories) > _MAX_CATEGORIES:
        raise ImportDataError(
            f"Input {name!r} has {len(categories)} different words.",
            f"At most {_MAX_CATEGORIES} are allowed. Leave it out of --inputs.",
        )
    values = np.stack([(words == category).to_numpy() for category in categories], axis=1)
    return values.astype(np.int8), [f"{name}={category}" for category in categories]


def without_infinite(values: npt.NDArray[np.float64], column: str) -> tuple[npt.NDArray[np.float64], int]:
    """Take out what a program wrote as infinite, since it measured nothing.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Numbers of a column, in the order of the file.
    column : str
        Its name.

    Returns
    -------
    numpy.ndarray, shape (n,)
        NaN in their place.
    int
        How many there were.

    Raises
    ------
    ImportDataError
        A value is finite, but beyond what float32 holds.
    """
    with np.errstate(over="ignore"):
        too_large = np.isfinite(values) & np.isinf(values.astype(np.float32))
    if too_large.any():
        row = int(np.argmax(too_large))
        raise ImportDataError(
            f"Column {column!r} is {values[row]:g} in row {row + 1} ({counted(int(too_large.sum()), 'such value')}), "
            "beyond what float32 holds.",
            f"Where it means that there is no value, pass --missing {values[row]:g}; else leave the column out with "
            f"--exclude {shlex.quote(column)}.",
        )
    infinite = np.isinf(values)
    return (np.where(infinite, np.nan, values), int(infinite.sum())) if infinite.any() else (values, 0)
