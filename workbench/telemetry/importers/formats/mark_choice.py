"""Decides which marks the numbers of a file are written with: every number of every column is a witness."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.cells import USUAL_SENTINELS
from workbench.telemetry.importers.formats.number_marks import (
    LAKHS,
    MINUS,
    NumberMarks,
    is_text,
    may_hold_numbers,
    sure_decimal,
    text_in,
)
from workbench.telemetry.importers.reading import Reading

__all__ = ["choose_marks"]

_Role = Literal["decimal", "group"]
_MARKS = (",", ".")
_NAMES = {",": "comma", ".": "point"}
_SIGN = rf"[+\-{MINUS}]?"
_SENTINEL = rf"^(?:{'|'.join(f'{number:g}' for number in USUAL_SENTINELS)})(?:[.,]0+)?$"
_MANY = 20  # different numbers, of which a tenth would end in 0 and be shorter if their mark were that of decimals
_SEVERAL = 5
_HEAD_ROWS = 10_000
_MAX_TAGS = 1000
_MIXED_SHARE = 0.05  # of the numbers, where a tag writes them in both ways


@dataclass(frozen=True)
class _Witness:
    """What one column says of one mark.

    `role` is None where every number with the mark has one group of three digits behind it, as 1,250.
    """

    column: str
    mark: str
    role: _Role | None
    example: str = ""
    numbers: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None
    n_marked: int = 0
    n_different: int = 0

    @property
    def is_mixed(self) -> bool:
        """Whether other numbers of the column have no mark."""
        return self.numbers is not None and len(self.numbers[0]) > self.n_marked


def choose_marks(columns: Mapping[str, pd.Series], separator: str, reading: Reading) -> tuple[NumberMarks, list[str]]:
    """Decide how the numbers of a file are written.

    Parameters
    ----------
    columns : mapping of str to pandas.Series
        All columns by name, whole.
    separator : str
        Character between two fields.
    reading : Reading
        What was chosen.

    Returns
    -------
    NumberMarks
    list of str
        What was assumed.

    Raises
    ------
    ImportDataError
        Numbers such as 1,250 may be a thousand or one, and nothing in the file decides.
    """
    if reading.decimal == "both":  # each has become a point
        return NumberMarks(), []
    if reading.decimal is not None:
        _check_decimal(columns, reading.decimal)
        groups = None if reading.thousands in ("none", "space", "'") else _other(reading.decimal)
        return NumberMarks(reading.decimal, groups), []
    if reading.thousands in _MARKS:
        return NumberMarks(_other(reading.thousands), reading.thousands), []
    witnesses = [witness for name, column in columns.items() for witness in _witnesses(name, column)]
    roles = {mark: {one.role for one in witnesses if one.mark == mark and one.role} for mark in _MARKS}
    notes: list[str] = []
    plain_thousands: bool | None = None
    for witness in witnesses:
        if witness.role is not None:
            continue
        if witness.is_mixed and _differ_by_key(columns, witness):
            witness = replace(witness, numbers=None)
        role, why = _by_others(witness.mark, roles, witnesses) if reading.thousands is None else ("decimal", "")
        if role is None:
            if plain_thousands is None:
                plain_thousands = any(_has_plain_thousands(column) for column in columns.values())
            role, why = _by_itself(witness, separator, plain_thousands)
        if role is None:
            raise _undecided(witness, [one.mark for one in witnesses if one.column == witness.column])
        roles[witness.mark].add(role)
        if why:
            notes.append(_note(witness, role, why))
    decimals = [mark for mark in _MARKS if "decimal" in roles[mark]]
    if len(decimals) == 2:
        counts = {mark: sum(one.role == "decimal" and one.mark == mark for one in witnesses) for mark in _MARKS}
        decimals = ["," if counts[","] > counts["."] else "."]
    grouping = [mark for mark in _MARKS if "group" in roles[mark] and mark not in decimals]
    decimal = decimals[0] if decimals else _other(grouping[0]) if grouping else "."
    return NumberMarks(decimal, _other(decimal) if "group" in roles[_other(decimal)] else None), notes


def _check_decimal(columns: Mapping[str, pd.Series], decimal: str) -> None:
    """Raise an error where the chosen mark stands in no number, and the other one can only be that of the decimals."""
    other = _other(decimal)
    example = ""
    for name, column in columns.items():
        if not is_text(column) or not may_hold_numbers(column):
            continue
        head = text_in(column.iloc[:_HEAD_ROWS])
        number = rf"^{_SIGN}[\d.,]*\d[.,]?\d*$"
        numbers = head.filter(pc.fill_null(pc.match_substring_regex(head, number), False))
        if pc.any(pc.match_substring(numbers, decimal)).as_py():
            return
        sure = numbers.filter(pc.match_substring_regex(numbers, sure_decimal(other)))
        if len(sure) and not example:
            example = f"Column {name!r} holds {sure[0].as_py()}"
    if example:
        raise ImportDataError(
            f"{example}, and no number of the file has the decimal mark {decimal!r} that was chosen.",
            f"Pass --decimal {other!r}, or leave it out. Where columns are torn apart, correct --separator.",
        )


def _other(mark: str) -> str:
    return "," if mark == "." else "."


def _witnesses(name: str, column: pd.Series) -> Iterator[_Witness]:
    if not is_text(column) or not may_hold_numbers(column):
        return
    head = None
    text = None
    for mark in _MARKS:
        if head is None:
            head = text_in(column.iloc[:_HEAD_ROWS])
        if pc.any(pc.match_substring_regex(head, sure_decimal(mark))).as_py():
            yield _Witness(name, mark, "decimal")
            continue
        if text is None:
            text = head if len(column) <= _HEAD_ROWS else text_in(column)
        if pc.any(pc.match_substring(text, mark)).as_py():
            witness = _witness(name, text, mark)
            if witness is not None:
                yield witness


def _witness(name: str, text: pa.ChunkedArray, mark: str) -> _Witness | None:
    own, other = re.escape(mark), re.escape(_other(mark))
    if pc.any(pc.match_substring_regex(text, sure_decimal(mark))).as_py():
        return _Witness(name, mark, "decimal")
    grouped = rf"^{_SIGN}[1-9]\d{{0,2}}(?:(?:{own}\d{{3}}){{2,}}(?:{other}\d*)?|{own}\d{{3}}{other}\d*)$"
    if mark == ",":
        grouped += rf"|^{_SIGN}{LAKHS}(?:\.\d*)?$"
    if pc.any(pc.match_substring_regex(text, grouped)).as_py():
        return _Witness(name, mark, "group")
    marked = rf"^{_SIGN}[1-9]\d{{0,2}}{own}\d{{3}}$"
    is_marked = pc.match_substring_regex(text, marked)
    if not pc.any(is_marked).as_py():
        return None
    numbers = text.filter(pc.match_substring_regex(text, rf"{marked}|^{_SIGN}\d+$"))
    values = [
        np.asarray(pc.cast(_plain(pc.replace_substring(numbers, mark, point)), pa.float64()).to_numpy())
        for point in (".", "")
    ]
    different = text.filter(is_marked).unique()
    return _Witness(
        name, mark, None, different[0].as_py(), (values[0], values[1]), pc.sum(is_marked).as_py(), len(different)
    )


def _plain(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(pc.utf8_ltrim(numbers, "+"), MINUS, "-")


def _by_others(mark: str, roles: Mapping[str, set[_Role]], witnesses: list[_Witness]) -> tuple[_Role | None, str]:
    """Decide by numbers of the file that can be read in one way only."""
    own, other = roles[mark], roles[_other(mark)]
    if len(own) == 1:
        (role,) = own
        return role, ""
    if not own and len(other) == 1:
        (role,) = other
        where = next((one.column for one in witnesses if one.mark != mark and one.role == role), "other columns")
        name = _NAMES[_other(mark)]
        if role == "decimal":
            return "group", f"as the {name} is the decimal mark in {where}"
        return "decimal", f"as the {name} stands between thousands in {where}"
    return None, ""


def _by_itself(witness: _Witness, separator: str, plain_thousands: bool) -> tuple[_Role | None, str]:
    """Decide by what the column, and the way that the file is written, make likely."""
    if witness.is_mixed and witness.numbers is not None:
        unmarked_limit = max(abs(float(number)) for number in witness.numbers[0])
        if unmarked_limit < 1000:
            if witness.n_different >= _MANY and len(witness.numbers[0]) - witness.n_marked >= _SEVERAL:
                return "group", "as none has fewer than three digits behind its mark"
            steps = [float(np.abs(np.diff(numbers)).max()) for numbers in witness.numbers]
            if steps[1] * 5 <= steps[0]:
                return "group", "as that continues the series"
    if plain_thousands:
        return "decimal", "as other numbers of a thousand and more have no mark"
    if witness.mark == "." and separator in (",", "|", " ", ""):
        return "decimal", "as usual"
    return None, ""


def _differ_by_key(columns: Mapping[str, pd.Series], witness: _Witness) -> bool:
    """Tell whether another column separates the numbers with the mark from those without: each tag writes its own."""
    text = text_in(columns[witness.column])
    is_marked = pc.fill_null(pc.match_substring(text, witness.mark), False).to_numpy()
    is_plain = pc.fill_null(pc.match_substring_regex(text, rf"^{_SIGN}\d+$"), False).to_numpy()
    for other, column in columns.items():
        if other == witness.column:
            continue
        keys, values = pd.factorize(column)
        if not 2 <= len(values) <= _MAX_TAGS or len(values) * 2 > len(column):
            continue
        marked, plain = (np.bincount(keys[rows & (keys >= 0)], minlength=len(values)) for rows in (is_marked, is_plain))
        if np.minimum(marked, plain).sum() <= _MIXED_SHARE * min(marked.sum(), plain.sum()):
            return True
    return False


def _has_plain_thousands(column: pd.Series) -> bool:
    """Tell whether a column holds numbers of four to seven digits without mark that are no years or dates."""
    if not is_text(column):
        return False
    head = text_in(column.iloc[:_HEAD_ROWS])
    plain = head.filter(pc.match_substring_regex(head, rf"^{_SIGN}[1-9]\d{{3,6}}(?:[.,]\d+)?$"))
    plain = plain.filter(pc.invert(pc.match_substring_regex(plain, _SENTINEL)))
    years = head.filter(pc.match_substring_regex(head, r"^(?:19|20)\d\d$"))
    clocks = head.filter(pc.match_substring_regex(head, r"^[0-2]?\d[0-5]\d(?:[0-5]\d)?$"))
    return len(plain) > max(len(years), len(clocks) if len(clocks) == len(head) else 0)


def _note(witness: _Witness, role: _Role, why: str) -> str:
    sizes = {"decimal": witness.example.replace(",", "."), "group": witness.example.replace(witness.mark, "")}
    options = {"decimal": f"--thousands '{witness.mark}'", "group": f"--decimal '{witness.mark}'"}
    return f"{witness.example} in {witness.column} read as {sizes[role]}, {why}; otherwise: {options[role]}"


def _undecided(witness: _Witness, marks: Sequence[str]) -> ImportDataError:
    example, mark = witness.example, witness.mark
    both = ", or --decimal both where each mark of the column is that of its numbers" if len(marks) > 1 else ""
    return ImportDataError(
        f"Column {witness.column!r} holds {example}, which may be {example.replace(mark, '')} or "
        f"{example.replace(mark, '.')}, and nothing in the file decides.",
        f"Pass --thousands '{mark}' where the {_NAMES[mark]} stands between thousands, or --decimal '{mark}' where it "
        f"is the decimal mark{both}.",
    )
