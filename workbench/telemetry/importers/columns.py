"""Finds out what the columns of a table hold: words and labels."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError

__all__ = ["label_kinds", "one_hot"]

_NORMAL_WORDS = {"", "0", "0.0", "false", "no", "n", "none", "normal", "nominal", "ok", "okay", "good", "healthy"}
_PLAIN_ANOMALY = {"1", "1.0", "-1", "-1.0", "true", "yes", "y", "anomaly", "anomalous", "abnormal"}
_MAX_KINDS = 32
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


def label_kinds(column: pd.Series, name: str) -> tuple[npt.NDArray[np.object_], int]:
    """Read a column of labels.

    Parameters
    ----------
    column : pandas.Series
        0 and 1, false and true, 1 and -1 (where -1 is the anomaly), or words, of which a few mean normal.
    name : str
        Name of the column, for messages.

    Returns
    -------
    kinds : numpy.ndarray, shape (n,)
        Kind of anomaly of each sample, an empty str where it is normal or unlabelled.
    missing : int
        Samples without label.

    Raises
    ------
    ImportDataError
        There are too many different values for labels.
    """
    missing = int(column.isna().sum())
    words = column.astype("object").where(column.notna(), "").map(str).str.strip().str.lower()
    values = set(words.unique())
    if len(values) > _MAX_KINDS:
        raise ImportDataError(
            f"Label column {name!r} has {len(values)} different values.",
            "Name a column of 0 and 1, or of a few words, with --label-column.",
        )
    normal = _NORMAL_WORDS | ({"1", "1.0"} if values & {"-1", "-1.0"} else set())
    kinds = {word: "" if word in normal else "anomaly" if word in _PLAIN_ANOMALY else word for word in values}
    return np.asarray([kinds[word] for word in words], dtype=object), missing
