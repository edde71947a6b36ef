"""What was chosen for an import: the training span, and what happens to samples that contradict the archive."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ImportDataError, UnfinishedImportError
from workbench.names import command_line
from workbench.telemetry.appending import OnConflict, time_text
from workbench.telemetry.importers.labels.spans import LabelSpans
from workbench.telemetry.importers.splitting import fraction_span, named_span
from workbench.telemetry.training_span import TrainingSpan

__all__ = ["DEFAULT_TRAIN_FRACTION", "Choices"]

DEFAULT_TRAIN_FRACTION = 0.7
"""Share of the samples, from the first on, that becomes the training series where nothing else is asked for."""

_NAMES = ("train_from", "train_until")


@dataclass(frozen=True)
class Choices:
    """What was chosen for an import.

    Attributes
    ----------
    fraction : float or None
        Share of a new channel's samples to learn from; `DEFAULT_TRAIN_FRACTION` where None.
    train_from, train_until : str or None
        First and last time to learn from.
    timezone : str or None
        Zone of times that carry none.
    on_conflict : {"keep", "replace"} or None
        What holds where a file contradicts what is there; it is refused where None.
    replace : bool
        Whether what the channels held is discarded.
    labels : LabelSpans or None
        When channels and assets were anomalous.
    normal_label : tuple of str
        Values of the label column that mean normal.
    missing : tuple of str
        Values that mean that there is none.
    """

    fraction: float | None
    train_from: str | None
    train_until: str | None
    timezone: str | None
    on_conflict: OnConflict | None
    replace: bool
    labels: LabelSpans | None = None
    normal_label: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def names_span(self, extent: npt.NDArray[Any] | None = None) -> bool:
        """Return whether a training span was chosen, as times, a share or a file of its own."""
        return extent is not None or any(one is not None for one in (self.fraction, self.train_from, self.train_until))

    def span(self, time: npt.NDArray[Any], extent: npt.NDArray[Any] | None = None) -> TrainingSpan:
        """Return the training span that was chosen for a series.

        Parameters
        ----------
        time : numpy.ndarray, shape (n,)
            Its times, or counts as its source has them.
        extent : numpy.ndarray, shape (2,), optional
            First and last time of the file to learn from, where there is one.

        Returns
        -------
        TrainingSpan

        Raises
        ------
        ImportDataError
            It is no time, or leaves the training or the test series empty.
        """
        if extent is not None:
            if not time[0] <= extent[1] < time[-1]:
                raise UnfinishedImportError(
                    "The file to learn from reaches to the end of the other files: nothing is left to score.",
                    "Name one that ends before them with --train-file.",
                )
            return TrainingSpan(extent[0], extent[1])
        if self.train_until is None:
            fraction = DEFAULT_TRAIN_FRACTION if self.fraction is None else self.fraction
            return fraction_span(time, fraction, self.train_from, self.timezone, _NAMES)
        return named_span(time, self.train_from, self.train_until, self.timezone, _NAMES)

    def check_span(
        self, channel: str, own_span: TrainingSpan, time: npt.NDArray[Any], extent: npt.NDArray[Any] | None = None
    ) -> None:
        """Raise an error where another training span was chosen than the one that a channel has.

        A share of the samples is no such choice: it is that of the first import.

        Parameters
        ----------
        channel : str
            Channel that the archive holds.
        own_span : TrainingSpan
            The span that it has.
        time : numpy.ndarray, shape (n,)
            Times of all its samples, or counts as its source has them.
        extent : numpy.ndarray, shape (2,), optional
            First and last time of the file to learn from, where there is one.

        Raises
        ------
        ImportDataError
            The spans do not hold the same samples.
        """
        if self.train_from is None and self.train_until is None and extent is None:
            return
        own_time = time if time.dtype.kind == "M" else np.arange(len(time))
        places = own_span.places(own_time)
        chosen = self.span(time, extent).places(time)
        starts_alone = self.train_until is None and extent is None
        ends_alone = self.train_from is None and extent is None
        if chosen == places or (starts_alone and chosen[0] == places[0]) or (ends_alone and chosen[1] == places[1]):
            return
        first, last = (time_text(own_time[place]) for place in (places[0], places[1] - 1))
        raise ImportDataError(
            f"{channel} has another training span: {first} to {last}.",
            "Leave the span out. To choose it anew: "
            + command_line("workbench channels split", channel, options="--train-until TIME"),
        )
