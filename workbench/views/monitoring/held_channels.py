"""A channel that is held in memory, and how it goes on where the archive only has more of it than before."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.plots.series import chart_times, time_values
from workbench.plots.strip_data import Strip, command_begins, span_columns
from workbench.plots.trace import Trace
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.publication import Piece
from workbench.telemetry.last_values import quality_spans

__all__ = ["Held", "Published", "go_on", "published"]

_JUDGED = ("anomalies", "complete")  # attributes of a score that say which anomalies it has, and which are final


@dataclass(frozen=True)
class Published:
    """What the archive holds of a channel.

    Attributes
    ----------
    test, score : tuple of Piece
        Where the rows of the test series and of the score lie.
    judged : tuple
        What says which anomalies there are.
    key, model : str
        Key of the score, and what made it; empty where there is none.
    keys : frozenset of str
        Keys of all scores of the channel.
    """

    test: tuple[Piece, ...]
    score: tuple[Piece, ...] = ()
    judged: tuple[Any, ...] = ()
    key: str = ""
    model: str = ""
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Held:
    """A channel that was read.

    Attributes
    ----------
    strip : Strip
        As the charts draw it.
    telemetry : xarray.Dataset or None
        Its test series; None where that is too long to be held.
    published : Published or None
        What of it was in the archive when it was read; None where that is not known.
    """

    strip: Strip
    telemetry: xr.Dataset | None
    published: Published | None = None

    def extended(self, times: npt.NDArray[Any], values: npt.NDArray[Any]) -> "Held":
        """Return the channel with samples behind its last one.

        Parameters
        ----------
        times, values : numpy.ndarray, shape (k,)
            Times, as those of the series, and values.

        Returns
        -------
        Held
        """
        assert self.telemetry is not None
        before, about = self.telemetry["time"].values, self.telemetry.attrs
        whole = np.concatenate([self.telemetry["telemetry"].values, values.astype(self.telemetry["telemetry"].dtype)])
        times = times.astype(before.dtype)
        time = np.concatenate([before, times])
        coordinates = xr.Coordinates({"time": ("time", time)}, indexes={})  # no time is looked up
        telemetry = xr.Dataset({"telemetry": ("time", whole)}, coordinates, about)
        axis = chart_times(times).astype(np.float64)
        return replace(self, strip=self.strip.extended(axis, values.astype(np.float64)), telemetry=telemetry)


def published(archive: Archive, name: str, key: str) -> Published:
    """Return what the archive holds of a channel, by its index alone.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    name : str
        Name of the channel.
    key : str
        Key of the score that is shown; empty for none.
    """
    test, scores = archive.index.pieces(name, "test"), archive.scores(name)
    if key not in scores:
        return Published(test, keys=frozenset(scores))
    judged = (*(scores[key].get(one) for one in _JUDGED), archive.grows(name))
    score = archive.index.pieces(name, f"scores/{key}")
    return Published(test, score, judged, key, str(scores[key].get("model")), frozenset(scores))


def go_on(archive: Archive, name: str, held: Held) -> Held | None:
    """Read what the archive holds of a channel beyond what is held, its anomalies left as they are.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    name : str
        Name of the channel.
    held : Held
        As it was read, with what has arrived since.

    Returns
    -------
    Held or None
        None where more has changed than that rows have been added: the channel has to be read anew.
    """
    before = held.published
    if before is None or held.telemetry is None:
        return None
    now = published(archive, name, before.key)
    if now.test[: len(before.test)] != before.test or (now.keys, now.model) != (before.keys, before.model):
        return None
    added = _with_rows(archive, name, held, _length(before.test), _length(now.test))
    if added is None:
        return None
    same = next((i for i, (one, other) in enumerate(zip(before.score, now.score, strict=False)) if one != other), None)
    kept = _length(now.score[: min(len(before.score), len(now.score)) if same is None else same])
    strip = _with_prediction(archive, f"scores/{now.key}", added.strip, kept, _length(now.score))
    return None if strip is None else replace(added, strip=strip, published=now)


def _length(pieces: tuple[Piece, ...]) -> int:
    return sum(piece.length for piece in pieces)


def _with_rows(archive: Archive, name: str, held: Held, first: int, end: int) -> Held | None:
    """Add rows of the test series; those that have arrived before they were in the archive must be the same."""
    telemetry = held.telemetry
    assert telemetry is not None  # as `go_on` has seen
    if first == end or not first:
        return held if first else None
    rows = archive.rows(name, "test", first - 1, end)  # with the last one that was there: commands begin after it
    times, values = rows["time"].values, rows["telemetry"].values
    known = telemetry.sizes["time"] - first + 1
    for mine, theirs in ((telemetry["time"], times), (telemetry["telemetry"], values)):
        if not np.array_equal(mine.values[first - 1 :][: len(theirs)], theirs[:known], equal_nan=True):
            return None
    if known < len(times):
        held = held.extended(times[known:], values[known:])
        telemetry = held.telemetry
        assert telemetry is not None
    begins, names = command_begins(rows)
    new = begins > time_values(rows)[0]
    strip = replace(
        held.strip,
        command_times=np.concatenate([held.strip.command_times, begins[new]]),
        commands=np.concatenate([held.strip.commands, names[new]]),
        spans=span_columns(telemetry, quality_spans(telemetry)),
    )
    return replace(held, strip=strip)


def _with_prediction(archive: Archive, part: str, strip: Strip, kept: int, length: int) -> Strip | None:
    prediction = strip.prediction
    if not isinstance(prediction, Trace) or prediction.size < kept:
        return None
    if kept == length == prediction.size:
        return strip
    rows = archive.rows(strip.name, part, kept, length, ("prediction",))
    time = np.concatenate([prediction.time[:kept], time_values(rows)])
    values = np.concatenate([prediction.values[:kept], rows["prediction"].values])
    return replace(strip, prediction=Trace(time, values, prediction.max_gap))
