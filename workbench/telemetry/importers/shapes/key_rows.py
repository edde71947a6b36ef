"""Which rows of a table share the values of some of its columns, counted without sorting."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["KeyRows"]

_BARE_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_UNNAMED = re.compile(r"^(?:column|unnamed) \d+$")  # of a file without a header
_WHOLE_FLOAT = re.compile(r"([-+]?\d+)\.0+")


class KeyRows:
    """The rows of a table by the values of its columns; each column is read once, and only where it is asked for.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a row.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._codes: dict[str, npt.NDArray[np.int64]] = {}
        self._words: dict[str, list[str]] = {}

    def codes(self, column: str) -> npt.NDArray[np.int64]:
        """Return a whole number for each row, equal where its text without spaces around is; -1 where it is missing."""
        if column not in self._codes:
            codes, values = pd.factorize(self._frame[column])
            texts = pd.Series([_WHOLE_FLOAT.sub(r"\1", str(value).strip()) for value in values], dtype="object")
            of_text, words = pd.factorize(texts)
            of_text = np.where(texts.to_numpy() == "", -1, of_text) if len(texts) else of_text
            self._codes[column] = np.append(of_text, -1)[codes].astype(np.int64)
            self._words[column] = [str(word) for word in words]
        return self._codes[column]

    def joint_codes(self, columns: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return a whole number for each row, equal where all of the columns are."""
        joint = np.zeros(len(self._frame), dtype=np.int64)
        for column in columns:
            own = self.codes(column)
            joint = pd.factorize(joint * (int(own.max(initial=0)) + 2) + own + 1)[0].astype(np.int64)
        return joint

    def distinct(self, columns: Sequence[str]) -> int:
        """Return how many different rows there are in some columns."""
        return int(self.joint_codes(columns).max(initial=-1)) + 1

    def share_repeated(self, columns: Sequence[str]) -> float:
        """Return the share of the rows that an earlier one equals in some columns."""
        return 1 - self.distinct(columns) / max(1, len(self._frame))

    def share_in_groups(self, columns: Sequence[str]) -> float:
        """Return the share of the rows that any other one equals in some columns."""
        codes = self.joint_codes(columns)
        return float((np.bincount(codes)[codes] > 1).mean()) if len(codes) else 0.0

    def names(self, columns: Sequence[str]) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Return the number of the key of each row, -1 where a part of it is missing, and the names of the keys.

        A key that is a bare number is named with its column, as "machineID 3"; "machine 3" where that has no name.
        """
        missing = np.zeros(len(self._frame), dtype=bool)
        for column in columns:
            missing |= self.codes(column) < 0
        codes, firsts = np.full(len(missing), -1, dtype=np.int64), np.flatnonzero(~missing)
        joint, kinds = pd.factorize(self.joint_codes(columns)[firsts])
        codes[firsts] = joint
        _, places = np.unique(joint, return_index=True)
        return codes, [self._name(columns, int(firsts[place])) for place in places[: len(kinds)]]

    def _name(self, columns: Sequence[str], row: int) -> str:
        words = [self._words[column][self.codes(column)[row]] for column in columns]
        return " ".join(
            f"{_UNNAMED.sub('machine', column)} {word}" if _BARE_NUMBER.fullmatch(word) else word
            for column, word in zip(columns, words, strict=True)
        )
