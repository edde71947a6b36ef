"""Labels of a delivery: those of its label column, and those of a label file, at the samples of its series."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.exceptions import ImportDataError
from workbench.telemetry.appending import label_series
from workbench.telemetry.importers.choices import Choices
from workbench.telemetry.importers.file_samples import FileSamples, column_series, names_by_path
from workbench.telemetry.importers.labels.column import label_kinds
from workbench.telemetry.importers.labels.spans import SeriesNames, label_samples

__all__ = ["DeliveryLabels", "series_names"]


class DeliveryLabels:
    """Labels of the files of one asset.

    Parameters
    ----------
    asset : str
        Asset of the channels.
    files : sequence of FileSamples
        What was read.
    choices : Choices
        What was chosen for the import.
    assets : mapping of str to str
        Asset of every channel that the archive holds.

    Attributes
    ----------
    notes : tuple of str
        What was assumed.

    Raises
    ------
    ImportDataError
        The label column does not say what is normal.
    """

    def __init__(self, asset: str, files: Sequence[FileSamples], choices: Choices, assets: Mapping[str, str]) -> None:
        self._asset = asset
        self._spans = choices.labels
        self._names = {} if self._spans is None else series_names(asset, files, assets)
        self._outside: dict[str, npt.NDArray[np.bool_]] = {}
        self.notes: tuple[str, ...] = ()
        self._kinds: dict[int, npt.NDArray[np.object_]] = {}
        labels = {id(file): file.labels for file in files if file.labels is not None}
        if labels:  # the words of all files together say what is normal
            column = pd.concat(labels.values(), ignore_index=True)
            kinds, self.notes = label_kinds(column, str(next(iter(labels.values())).name), choices.normal_label)
            bounds = np.cumsum([len(one) for one in labels.values()])[:-1]
            self._kinds = dict(zip(labels, np.split(kinds, bounds), strict=True))

    def series(
        self, file: FileSamples, column: str, channel: str, stamps: npt.NDArray[Any], dtype: npt.DTypeLike
    ) -> xr.Dataset:
        """Return a column of a file as a series with its labels.

        Parameters
        ----------
        file : FileSamples
            One of the files.
        column, channel : str
            Name of the column, and of its channel.
        stamps : numpy.ndarray, shape (n,)
            Times of the samples.
        dtype : dtype
            Type of the values: float32 or float64.

        Returns
        -------
        xarray.Dataset
            See `workbench.telemetry.appending`.

        Raises
        ------
        ImportDataError
            The labels are times, and the file has none.
        """
        series = column_series(file, column, channel, self._asset, stamps, self._kinds.get(id(file)), dtype)
        scopes = [] if self._spans is None else self._spans.of(self._names[channel])
        if not scopes or self._spans is None:
            return series
        if stamps.dtype.kind != "M":
            raise ImportDataError(
                f"{file.path} has sample numbers, {self._spans.path} has times.",
                "Leave --labels out, or name the column of the times with --time-column.",
            )
        samples = label_samples(scopes, stamps)
        self._outside[channel] = samples.outside & self._outside.get(channel, samples.outside)
        return label_series(series, samples.masks, samples.kinds)

    def with_numbers(self, channel: str, series: xr.Dataset, first_test: int) -> xr.Dataset:
        """Return a series with the labels that a file gives as numbers of samples of the test series.

        Parameters
        ----------
        channel : str
            Name of the channel.
        series : xarray.Dataset
            Its training and test series.
        first_test : int
            Place of the first sample of the test series.

        Returns
        -------
        xarray.Dataset
        """
        table = self._numbers(channel)
        if table is None:
            return series
        n = series.sizes["time"]
        kinds = sorted(set(table["kind"]))
        masks = np.zeros((n, len(kinds)), dtype=bool)
        for start, end, kind in table.itertuples(index=False, name=None):
            masks[first_test + start : first_test + end + 1, kinds.index(kind)] = True
        self._outside[channel] = (table["start"] >= n - first_test).to_numpy()
        return label_series(series, masks, kinds)

    def counts(self, channel: str) -> dict[str, int]:
        """Return how many labels of a file hold no sample of a channel, after its series were read."""
        return {"labels_outside": int(self._outside[channel].sum())} if channel in self._outside else {}

    def number_notes(self, channel: str) -> list[str]:
        """Say that labels by sample number are for a new channel, where there are such for one that is there."""
        if self._numbers(channel) is None:
            return []
        return ["labels as sample numbers are for new channels: pass the file to workbench evaluate --labels"]

    def _numbers(self, channel: str) -> pd.DataFrame | None:
        numbers = {} if self._spans is None else self._spans.numbers
        return next((table for name, table in numbers.items() if name in self._names[channel].unique_names), None)


def series_names(asset: str, files: Sequence[FileSamples], assets: Mapping[str, str]) -> dict[str, SeriesNames]:
    """Return what the series of an asset's files are called, by channel.

    Parameters
    ----------
    asset : str
        Asset of the channels.
    files : sequence of FileSamples
        What was read.
    assets : mapping of str to str
        Asset of every channel that the archive holds.

    Returns
    -------
    dict of str to SeriesNames
    """
    names: dict[str, SeriesNames] = {}
    by_path = names_by_path(files, asset, assets)
    for file in files:
        for column in file.columns:
            channel = by_path[str(file.path)][column]
            own = SeriesNames.of(channel, asset, file.path.name, column, assets)
            names[channel] = names[channel].joined(own) if channel in names else own
    return names
