"""Reads a column of labels: which of its values mean normal, and which name a kind of anomaly."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.labels import NORMAL_WORDS

__all__ = ["ANOMALY", "label_kinds", "label_word"]

ANOMALY = "anomaly"
"""Kind of an anomaly that has no name of its own."""

_ANOMALY_WORDS = {"1", "-1", "true", "yes", "y", ANOMALY, "anomalous", "abnormal"}
_STATES = {"running", "run", "idle", "standby", "stand-by", "on", "off", "auto", "automatic", "manual", "operating"}
_STATES |= {"active", "inactive", "ready", "stopped", "started", "starting", "stopping", "production"}
_MAX_KINDS = 32
_MAX_SHARE = 0.5  # of samples; where more would be anomalies, the values are states or classes


def label_kinds(
    column: pd.Series, name: str, normal_labels: Sequence[str] = ()
) -> tuple[npt.NDArray[np.object_], tuple[str, ...]]:
    """Read a column of labels.

    Parameters
    ----------
    column : pandas.Series
        0 and 1, false and true, 1 and -1 (where -1 is the anomaly), or words, of which some mean normal.
    name : str
        Name of the column, for messages.
    normal_labels : sequence of str, optional
        The values that mean normal, in place of the usual ones; all others but missing ones are anomalies.

    Returns
    -------
    kinds : numpy.ndarray, shape (n,)
        Kind of anomaly of each sample, an empty str where it is normal or unlabelled.
    notes : tuple of str
        What was assumed.

    Raises
    ------
    ImportDataError
        There are too many different values for labels, or they are measured values, or nothing says which of them mean
        normal.

    Examples
    --------
    >>> kinds, notes = label_kinds(pd.Series(["Running", "Running", "Fault"]), "state")
    >>> kinds.tolist(), notes
    (['', '', 'fault'], ('labels: running is taken as normal; otherwise: --normal-label',))
    """
    words = column.astype("object").where(column.notna(), "").map(label_word)
    counts = words[words != ""].value_counts()
    values = {str(value) for value in counts.index}
    numbers = [number for value in values if (number := _number(value)) is not None]
    if len(numbers) == len(values) and any(number % 1 for number in numbers):
        raise ImportDataError(
            f"Label column {name!r} holds {len(values)} different values with decimals, {min(numbers):g} to "
            f"{max(numbers):g}: it measures something and does not mark anomalies.",
            "Leave --label-column out to import it as a channel, or name a column of 0 and 1, or of a few words.",
        )
    if len(values) > _MAX_KINDS:
        raise ImportDataError(
            f"Label column {name!r} has {len(values)} different values.",
            "Name a column of 0 and 1, or of a few words, with --label-column.",
        )
    chosen = {label_word(value) for value in normal_labels}
    normal = chosen or NORMAL_WORDS | _STATES | ({"1"} if "-1" in values else set())
    anomalous = sorted(values - normal)
    share = float(counts[anomalous].sum()) / len(words) if len(words) else 0.0
    plain = values <= NORMAL_WORDS | _ANOMALY_WORDS
    if chosen:
        in_doubt = not values & chosen and not plain and bool(values)
    else:
        in_doubt = share == 1 if plain else share > _MAX_SHARE
    if in_doubt:
        raise _question(name, counts, share, normal_labels)
    plain_words = NORMAL_WORDS | _ANOMALY_WORDS
    kinds = {value: "" if value in normal else ANOMALY if value in plain_words else value for value in values}
    states = sorted(values & _STATES) if not chosen else []
    verb = "is" if len(states) == 1 else "are"
    notes = (f"labels: {', '.join(states)} {verb} taken as normal; otherwise: --normal-label",) if states else ()
    return np.asarray([kinds.get(word, "") for word in words], dtype=object), notes


def label_word(value: object) -> str:
    """Return a value of a label column in lower case; a whole number without decimals.

    Examples
    --------
    >>> label_word(" Leak "), label_word("1.0"), label_word(2.0)
    ('leak', '1', '2')
    """
    word = str(value).strip().lower()
    number = _number(word)
    return f"{number:.0f}" if number is not None and number % 1 == 0 else word


def _number(word: str) -> float | None:
    number = np.nan
    with suppress(ValueError):
        number = float(word.replace(",", ".", 1))
    return number if np.isfinite(number) else None


def _question(name: str, counts: "pd.Series[int]", share: float, normal_labels: Sequence[str]) -> ImportDataError:
    listed = ", ".join(f"{value} ({counted(int(n), 'sample')})" for value, n in counts.head(8).items())
    listed += f" and {len(counts) - 8} more" if len(counts) > 8 else ""
    if normal_labels:
        absent = " and ".join(repr(one) for one in normal_labels)
        return ImportDataError(
            f"Label column {name!r} does not hold {absent}. Its values: {listed}.",
            "Name those of them that mean normal with --normal-label.",
        )
    example = str(next((value for value in counts.index if value not in NORMAL_WORDS), ""))
    way = f"Pass the values that mean normal, for example --normal-label {_quoted(example)}."
    if len(counts) == 1 and example in _ANOMALY_WORDS:
        way = f"Pass --normal-label 0 if {example} marks an anomaly, or --normal-label {example} if it means normal."
    return ImportDataError(
        f"{100 * share:.0f} % of the samples of label column {name!r} would be anomalies. Its values: {listed}.", way
    )


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text
