"""Predictions of a stacked LSTM network that go on where the last ones ended, a step a sample.

What `predict_series` computes window by window, from a window's first sample to its last, is computed here sample by
sample: the states of all windows that have begun and not ended are kept, and each sample advances them by one step. The
products have the shapes of those there, and each run lies in the same column, so that predictions are equal to the bit.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from workbench.blas import one_blas_thread
from workbench.detection.lstm.inference import (
    BATCH_RUNS,
    MAX_DIFFERENCE,
    WINDOW_SHARE,
    Matrices,
    Runs,
    alone_columns,
    block_windows,
    predict_alone,
    project_neighbours,
)

__all__ = ["MOST_WINDOWS", "Following", "InFlight"]

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]

MOST_WINDOWS = 400
"""Windows up to which going on takes less time than all windows of a block together."""

_HELD_WINDOWS = 600  # whose predictions may be asked for again


class InFlight:
    """The windows of a series that have begun and not ended.

    Parameters
    ----------
    matrices : Matrices
        The network.
    length : int
        Samples of a window.
    at : int
        Number of the next sample in the series. Windows that have begun before it are not known.
    alone : bool
        Whether each window is followed by itself, too, for networks that do not forget where they began.

    Attributes
    ----------
    at : int
        Number of the next sample.
    alone : bool
        See above.
    """

    def __init__(self, matrices: Matrices, length: int, at: int, *, alone: bool) -> None:
        self.at = at
        self.alone = alone
        self._matrices = matrices
        self._length = length
        self._share = length // WINDOW_SHARE
        self._shared = Runs(matrices, BATCH_RUNS + 1) if self._share > 1 else None
        self._agreeing = True
        self._batches: dict[int, _Batch] = {}  # by their first windows

    def advance(self, values: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Take the next samples, and predict from the windows that end with them.

        Parameters
        ----------
        values : numpy.ndarray, shape (c, d), float32
            Scaled inputs.

        Returns
        -------
        prediction : numpy.ndarray, shape (c,)
            Step 0 after each window.
        agreed : numpy.ndarray of bool, shape (c,)
            Where the prediction is that of the window by itself: everywhere where `alone`.
        """
        count = len(values)
        prediction = np.zeros(count, np.float32)
        agreed = np.zeros(count, np.bool_)
        if self._shared is not None:
            for place in range(count):
                prediction[place], agreed[place] = self._advance_shared(self._shared, self.at + place, values[place])
        if self.alone:
            own = self._advance_alone(values)
            prediction = np.where(agreed, prediction, own)
        self.at += count
        return prediction, agreed

    def _advance_shared(self, runs: Runs, sample: int, value: Array) -> tuple[np.float32, bool]:
        """Go one step on in the runs that windows share; see `predict_shared`."""
        share = self._share
        if sample % share == 0:
            column = sample // share % BATCH_RUNS
            runs.begin(column)
            if column == 0:  # the last run of the block before is compared with this one, in a column of its own
                runs.begin(BATCH_RUNS)
        columns = np.repeat(value[None], BATCH_RUNS + 1, axis=0)
        runs.advance(self._matrices.kernel @ columns.T)
        window = sample - self._length + 1
        column = window // share % BATCH_RUNS
        if window % share == 0:
            self._agreeing = True
        self._agreeing = self._agreeing and runs.difference(column, column + 1) <= MAX_DIFFERENCE
        return runs.predict()[0, column], self._agreeing

    def _advance_alone(self, values: Array) -> Array:
        """Go on in the windows by themselves, batch by batch; see `predict_alone`."""
        begin, end = self.at, self.at + len(values)
        size, block = alone_columns(self._length), block_windows(self._length)
        prediction = np.zeros(len(values), np.float32)
        for sample in range(begin, end):
            first = sample - sample % block % size
            if first not in self._batches:
                last = min(first + size, first - first % block + block) - 1
                self._batches[first] = _Batch(self._matrices, self._length, first, last, values.shape[1])
        for batch in self._batches.values():
            batch.advance(begin, values, prediction)
        self._batches = {first: one for first, one in self._batches.items() if one.last + self._length > end}
        return prediction


class _Batch:
    """Neighbouring windows that are predicted together, each by itself, from the first to the last one."""

    def __init__(self, matrices: Matrices, length: int, first: int, last: int, n_inputs: int) -> None:
        self.first = first
        self.last = last
        size = alone_columns(length)
        self._length = length
        self._matrices = matrices
        self._runs = Runs(matrices, size)
        self._values = np.zeros((size + length - 1, n_inputs), np.float32)

    def advance(self, begin: int, values: Array, prediction: Array) -> None:
        """Take samples, the first of which has a number, and fill in the predictions of the windows that end there."""
        start = max(begin, self.first)
        end = min(begin + len(values), self.last + self._length)
        if start >= end:
            return
        self._values[start - self.first : end - self.first] = values[start - begin : end - begin]
        below = project_neighbours(self._matrices, self._values, len(self._values))
        for sample in range(start, end):
            if sample <= self.last:
                self._runs.begin(sample - self.first)
            self._runs.advance(below[:, sample - self.first, None])
            window = sample - self._length + 1
            if window >= self.first:
                prediction[sample - begin] = self._runs.predict()[0, window - self.first]


class Following:
    """Predicts the end of one series again and again, as it grows.

    Parameters
    ----------
    weights : dict of str to numpy.ndarray, float32
        As Keras has them.
    length : int
        Samples of a window.

    Notes
    -----
    What is kept follows from the samples that it was made of, which are kept, too, and compared: a series with others
    is followed anew.
    """

    def __init__(self, weights: Weights, length: int) -> None:
        self._weights = weights
        self._length = length
        self._share = max(1, length // WINDOW_SHARE)
        self._matrices: Matrices | None = None
        self._alone = self._share < 2
        self._flight: InFlight | None = None
        self._begin = 0  # the first sample that is held
        self._values: Array = np.empty((0, 0), np.float32)
        self._first = 0  # the first window whose prediction is held
        self._prediction: Array = np.empty(0, np.float32)
        self._agreed: npt.NDArray[np.bool_] = np.empty(0, np.bool_)

    def predict(self, first: int, end: int, read: Callable[[int, int], Array]) -> Array:
        """Predict from windows of the series as it is now.

        Parameters
        ----------
        first, end : int
            First window, and the one after the last.
        read : callable
            Returns the scaled inputs from one sample to before another.

        Returns
        -------
        numpy.ndarray, shape (end - first,)
            What `predict_series` predicts, to the bit.
        """
        with one_blas_thread():
            begin = first - first % self._share  # the run that the first window shares
            values = read(begin, end + self._length - 1)
            flight = self._fitting(first, begin, values)
            if flight is None:
                self._matrices = self._matrices or Matrices(self._weights)
                flight = self._flight = InFlight(self._matrices, self._length, begin, alone=self._alone)
                self._begin, self._values = begin, values[:0]
                self._first, self._prediction, self._agreed = first, np.empty(0, np.float32), np.empty(0, np.bool_)
            new = values[flight.at - begin :]
            if len(new):
                self._advance(flight, begin, values, new)
            prediction = self._prediction[first - self._first : end - self._first].copy()
            self._let_go(flight)
            return prediction

    def _fitting(self, first: int, begin: int, values: Array) -> InFlight | None:
        """Return what is in flight where it was made of these samples."""
        flight = self._flight
        if flight is None or not self._first <= first <= flight.at - self._length + 1 or begin < self._begin:
            return None
        known = self._values[begin - self._begin :][: len(values)]
        return flight if np.array_equal(known, values[: len(known)]) else None

    def _advance(self, flight: InFlight, begin: int, values: Array, new: Array) -> None:
        """Take new samples, the last ones of `values`, which begin at a sample."""
        window = flight.at - self._length + 1  # the first one that ends with a new sample
        prediction, agreed = flight.advance(new)
        known = max(0, self._first - window)  # windows that had begun before
        prediction, agreed, window = prediction[known:], agreed[known:], window + known
        apart = window + np.flatnonzero(~agreed)
        if apart.size and not flight.alone:
            prediction[apart - window] = self._by_batches(apart, begin, values)
        self._values = np.concatenate([self._values, new]) if len(self._values) else new.copy()
        self._prediction = np.concatenate([self._prediction, prediction])
        self._agreed = np.concatenate([self._agreed, agreed])

    def _by_batches(self, windows: npt.NDArray[np.int64], begin: int, values: Array) -> Array:
        """Predict from windows by themselves, in the batches in which `predict_series` has them."""
        size = alone_columns(self._length)
        batch_of = windows - windows % block_windows(self._length) % size
        starts, place = np.unique(batch_of, return_inverse=True)
        first = int(starts[0])
        around = np.zeros((int(starts[-1]) + size + self._length - 1 - first, values.shape[1]), np.float32)
        skipped = max(0, first - begin)
        part = values[skipped:][: len(around) - max(0, begin - first)]
        around[max(0, begin - first) :][: len(part)] = part
        together = predict_alone(
            self._weights, around, self._length, (starts[:, None] - first + np.arange(size)).ravel()
        )
        predicted: Array = together[place * size + windows - batch_of, 0]
        return predicted

    def _let_go(self, flight: InFlight) -> None:
        """Hold no more than may be asked for again, and follow windows by themselves only where it takes that."""
        gone = max(0, len(self._prediction) - _HELD_WINDOWS)
        self._first += gone
        self._prediction, self._agreed = self._prediction[gone:].copy(), self._agreed[gone:].copy()
        unread = self._first - self._first % self._share - self._begin
        if unread > 0:
            self._begin += unread
            self._values = self._values[unread:].copy()
        if self._share < 2 or not len(self._agreed):
            return
        if flight.alone:
            is_due = len(self._agreed) >= self._length and bool(self._agreed[-self._length :].all())
        else:
            is_due = not self._agreed[-self._share :].any()
        if is_due:  # from the next prediction on
            self._alone, self._flight = not flight.alone, None
