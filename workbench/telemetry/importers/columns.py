"""Columns of words, as numbers."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError

__all__ = ["one_hot"]

_MAX_CATEGORIES = 64


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
