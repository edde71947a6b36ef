"""Says what a column may be beside what it is taken for, and with which option."""

import re
import shlex
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.units import UNIT
from workbench.telemetry.importers.labels.column import label_kinds, label_word
from workbench.telemetry.importers.roles.value_quality import says_quality
from workbench.telemetry.importers.shapes.key_names import letters_of, role_of
from workbench.telemetry.labels import NORMAL_WORDS

__all__ = ["label_notes", "why_no_numbers"]

_LABEL_NAME = re.compile(
    r"(?:is)?(?:anomaly|anomalies|anomalous|abnormal|outliers?|faults?|faulty|failure|labels?)(?:labels?|flag)?"
)
_FAULT_WORD = re.compile(r"anomal|abnormal|fault|fail|outlier")
_MARKED_NUMBER = re.compile(rf"^(?P<number>[+\-]?\d[\d.,]*)\s*(?P<mark>(?:{UNIT}|[kKMG])?)$")
_MOST_ROWS = 0.9  # of those with a value
_MAX_MARKS = 5
_MAX_WORDS = 32


def label_notes(sensors: Mapping[str, npt.NDArray[np.float64]]) -> tuple[str, ...]:
    """Return a note on each column of 0 and 1 whose name says that it marks anomalies, though it becomes a channel.

    Parameters
    ----------
    sensors : mapping of str to numpy.ndarray
        Values of the columns that become channels.

    Examples
    --------
    >>> label_notes({"is_anomaly": np.array([0.0, 1.0]), "load": np.array([0.0, 1.0])})
    ('is_anomaly is taken as a sensor, though it holds 0 and 1 (where it marks anomalies: --label-column is_anomaly)',)
    """
    notes = []
    for name, values in sensors.items():
        if not _LABEL_NAME.fullmatch(letters_of(name)):
            continue
        different = np.unique(values[~np.isnan(values)]).tolist()
        if different and (set(different) <= {0.0, 1.0} or set(different) <= {-1.0, 1.0}):
            holds = " and ".join(f"{value:g}" for value in different)
            holds = f"holds {holds}" if len(different) > 1 else f"holds {holds} only"
            notes.append(
                f"{name} is taken as a sensor, though it {holds} (where it marks anomalies: {_label_option(name)})"
            )
    return tuple(notes)


def why_no_numbers(name: str, column: pd.Series) -> str:
    """Say what a column of words holds, and how it can be used.

    Parameters
    ----------
    name : str
        Name of the column.
    column : pandas.Series
        Its words.

    Examples
    --------
    >>> why_no_numbers("status", pd.Series(["Normal", "Normal", "FAULT"]))
    'not numbers; as labels: --label-column status; as an input: --inputs'
    """
    n_values, n_words = int(column.count()), int(column.nunique())
    if n_words == n_values > 1:
        return "not numbers: another text in each row"
    if says_quality(name):
        return "not numbers; where it says which values are good: --quality-column, --good; as an input: --inputs"
    if marked := _marked_numbers(column):
        return marked
    labels = f"; as labels: {way}" if (way := _way_as_labels(name, column)) else ""
    if n_words == 1:
        word = str(column.dropna().iloc[0])[:40]
        where = "every row" if n_values == len(column) else counted(n_values, "row")
        return f"not numbers: {word!r} in {where}{labels}; as an input: --inputs"
    if role_of(name) in ("machine", "group", "tag") and not labels:
        return "not numbers; where it names machines: --asset-column; as an input: --inputs"
    return f"not numbers{labels}; as an input: --inputs"


def _marked_numbers(column: pd.Series) -> str:
    """Say which values keep a column of numbers from being one: what stands behind them differs; empty for words."""
    words = column.dropna().astype(str).str.strip()
    parts = words.str.extract(_MARKED_NUMBER)
    if not len(words) or parts["number"].notna().mean() < _MOST_ROWS:
        return ""
    marks = parts["mark"].dropna().unique()
    if not 1 < len(marks) <= _MAX_MARKS:
        return ""
    examples = [str(words[parts["mark"] == mark].iloc[0])[:40] for mark in marks[:3]]
    return f"numbers written in {len(marks)} ways, as {' and '.join(map(repr, examples))}: write all in one unit"


def _way_as_labels(name: str, column: pd.Series) -> str:
    """Return the options that take a column of words as labels; empty where nothing speaks for labels."""
    words = {label_word(word) for word in column.dropna().unique()[: _MAX_WORDS + 1]}
    speaks = _LABEL_NAME.fullmatch(letters_of(name)) or any(_FAULT_WORD.search(word) for word in words)
    if not speaks or len(words) > _MAX_WORDS:
        return ""
    try:
        label_kinds(column, name)
    except ImportDataError:  # nothing says which of the words mean normal
        return f"{_label_option(name)} --normal-label WORD"
    return _label_option(name) + ("" if words & NORMAL_WORDS else ", --normal-label WORD")


def _label_option(name: str) -> str:
    return f"--label-column {shlex.quote(name)}"
