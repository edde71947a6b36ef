"""Which values of a table are bad, by columns that say so beside them."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.names import name_and_units
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.report import ChannelImport

__all__ = ["bad_rows", "quality_pairs", "says_quality", "with_quality"]

_SUFFIX = re.compile(
    r"(?P<sensor>.+?)(?:[\s._/-]*(?P<word>quality|qual|validity|valid|good|status|state)|[\s._/-]+(?P<letter>q|qc|qf|flag))",
    re.IGNORECASE,
)
_LONE_VALUE = re.compile(r"values?|val|wert|messwert|istwert|reading", re.IGNORECASE)
_LONE_QUALITY = re.compile(r"quality|qual|status|validity|valid|good", re.IGNORECASE)
_MEANS_QUALITY = re.compile(r"quality|qual|q|qc|qf", re.IGNORECASE)
_GOOD_IS_ONE = re.compile(r".*(?:valid|validity|good)", re.IGNORECASE)
_GOOD_WORDS = {"good", "ok", "okay", "valid", "g", "true", "gut", "pass", "passed", "good [none]"}
_BAD_WORDS = {
    *("bad", "b", "invalid", "error", "fault", "fail", "failed", "false", "uncertain", "u", "questionable", "suspect"),
    *("doubtful", "no data", "nodata", "i/o timeout", "comm fail", "bad input", "schlecht", "stale", "not good"),
    *("missing", "out of service", "pt created", "shutdown", "offline", "substituted"),
    *("down", "null", "disabled"),
}
_OPC_GOOD = 192  # of a quality byte; 64 to 191 are uncertain, lower ones bad
_OPC_UA_BAD = 2**30  # a status code; 0 is good
_MAX_CODES = 32  # different values in a column of quality


def with_quality(raw: RawTable, reading: Reading) -> RawTable:
    """Find the columns of quality of a table in which each column is a channel, and read them.

    Parameters
    ----------
    raw : RawTable
        What was read.
    reading : Reading
        What was chosen.

    Returns
    -------
    RawTable
        Each column of quality holds whether a value is bad.

    Raises
    ------
    ImportDataError
        The column that was named is not there, or nothing says which of its values mean good.
    """
    columns = [str(column) for column in raw.frame.columns]
    used = {*reading.inputs, *reading.columns, reading.label_column, *reading.exclude}
    named = reading.quality_column
    pairs: dict[str, str] = {}
    if named is None:
        pairs = {sensor: column for sensor, column in quality_pairs(columns).items() if column not in used}
    elif named in columns:
        pairs = {column: named for column in columns if column != named}
    elif "*" in named:
        names = {column: named.replace("*", column) for column in columns}
        pairs = {column: name for column, name in names.items() if name in columns}
    if named is not None and not pairs:
        raise ImportDataError(
            f"There is no column {named!r}.",
            f"Columns: {', '.join(columns)[:500]}. Name one of them with --quality-column, or those of all sensors "
            'with a star for the name of the sensor, as "*_quality".',
        )
    bad: dict[str, npt.NDArray[np.bool_]] = {}
    notes, rows = [], []
    options = {} if named else {name: name.replace(sensor, "*") for sensor, name in pairs.items()}
    for name in dict.fromkeys(pairs.values()):
        mask, note = bad_rows(raw.frame[name], name, reading, is_chosen=named is not None, option=options.get(name))
        if note:
            notes.append(note)
        if mask is not None:
            bad[name] = mask
            whose = "its row" if named == name else next(sensor for sensor, one in pairs.items() if one == name)
            rows.append(ChannelImport(name, "skipped", note=f"says whether {whose} is good; otherwise: --columns"))
    if not bad and not notes:
        return raw
    return replace(
        raw,
        frame=raw.frame.assign(**bad) if bad else raw.frame,
        quality={sensor: name for sensor, name in pairs.items() if name in bad},
        notes=(*raw.notes, *notes),
        left_out=(*raw.left_out, *rows),
    )


def bad_rows(
    column: pd.Series, name: str, reading: Reading, *, is_chosen: bool, option: str | None = None
) -> tuple[npt.NDArray[np.bool_] | None, str]:
    """Read a column of quality.

    Parameters
    ----------
    column : pandas.Series
        Words or codes.
    name : str
        Its name.
    reading : Reading
        What was chosen.
    is_chosen : bool
        Whether the user named the column; where it was recognised only, it may be something else.
    option : str, optional
        What names the column in `--quality-column`; its name where omitted.

    Returns
    -------
    bad : numpy.ndarray, shape (n,), bool, or None
        None where the column holds no quality.
    note : str
        What was taken as good.

    Raises
    ------
    ImportDataError
        Nothing says which of its values mean good.
    """
    if pd.api.types.is_bool_dtype(column.dtype) and not reading.good and not _GOOD_IS_ONE.fullmatch(name):
        codes, words = pd.factorize(column.astype("object").map({True: "true", False: "false"}))
    else:
        codes, words = pd.factorize(column)
    if not is_chosen and len(words) > _MAX_CODES:
        return None, ""
    texts = [_plain(word) for word in words]
    good, why = _good(texts, name, reading.good, is_chosen, option or name)
    if good is None:
        return None, why
    is_bad = np.array([text not in good and text != "" for text in texts] + [False], dtype=bool)
    return is_bad[codes], f"quality: {why} ({name}); otherwise: --good" if not reading.good else ""


def _good(
    texts: Sequence[str], name: str, chosen: Sequence[str], is_chosen: bool, option: str
) -> tuple[set[str] | None, str]:
    """Return the values that mean good, and why; None where the column holds no quality."""
    values = {text for text in texts if text}
    if chosen:
        return {_plain(one) for one in chosen}, ""
    numbers = {text: float(text) for text in values if re.fullmatch(r"\d+(\.\d+)?", text)}
    if values and len(numbers) == len(values):
        codes = set(numbers.values())
        if max(codes) < 256 and max(codes) >= _OPC_GOOD and all(code % 1 == 0 for code in codes):
            return {text for text, code in numbers.items() if code >= _OPC_GOOD}, "192 to 255 taken as good"
        if codes - {0.0} and all(code >= _OPC_UA_BAD for code in codes - {0.0}):
            return {text for text, code in numbers.items() if code == 0}, "0 taken as good"
        if codes <= {0.0, 1.0} and _GOOD_IS_ONE.fullmatch(name):
            return {text for text, code in numbers.items() if code == 1}, "1 taken as good"
        if len(codes) == 1 and not is_chosen:
            return None, ""
        suffix = _SUFFIX.fullmatch(name)
        says_quality = _MEANS_QUALITY.fullmatch(suffix["word"] or suffix["letter"] if suffix else name)
        if not is_chosen and not (says_quality and all(code % 1 == 0 for code in codes)):
            return None, ""
    else:
        known = {text for text in values if text in _GOOD_WORDS}
        if known and (is_chosen or values - known <= _BAD_WORDS):
            return known, f"{', '.join(sorted(known))} taken as good"
        if values and values <= _BAD_WORDS:
            return set(), f"{', '.join(sorted(values))[:60]} taken as bad"
        if not is_chosen:
            return None, ""
    examples = ", ".join(sorted(values)[:6]) or "nothing"
    raise ImportDataError(
        f"It is not clear which values of {name!r} mean good ({examples}).",
        f'Pass --quality-column "{option}" --good VALUE, or leave the column out with --exclude "{name}".',
    )


def says_quality(column: str) -> bool:
    """Tell whether the name of a column says that it holds the quality of another one.

    Examples
    --------
    >>> says_quality("temp_flag"), says_quality("pump status")
    (True, False)
    """
    match = _SUFFIX.fullmatch(column)
    return match is not None and (match["word"] or "").casefold() not in ("status", "state")


def quality_pairs(columns: Sequence[str]) -> dict[str, str]:
    """Return the column of quality of each sensor that has one by its name, or of the only column of values."""
    by_name = {name_and_units(column)[0].casefold(): column for column in columns}
    by_name |= {column.casefold(): column for column in columns}
    pairs = {}
    for column in columns:
        match = _SUFFIX.fullmatch(column)
        if match is None:
            continue
        whose = by_name.get(match["sensor"].strip().casefold())
        if whose is not None and whose != column:
            pairs[whose] = column
    values, qualities = ([one for one in columns if name.fullmatch(one)] for name in (_LONE_VALUE, _LONE_QUALITY))
    if not pairs and len(values) == len(qualities) == 1:
        pairs[values[0]] = qualities[0]
    return pairs


def _plain(value: object) -> str:
    text = str(value).strip().casefold()
    if braced := re.fullmatch(r"\{([^{}]*)\}", text):  # as Niagara writes it: several states, of which one may be bad
        states = [state.strip() for state in braced[1].split(",") if state.strip()]
        return next((state for state in states if state in _BAD_WORDS), "ok" if states else "")
    return text.removesuffix(".0")
