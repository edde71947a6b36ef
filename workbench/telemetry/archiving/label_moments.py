"""Labels as the archive stores them: spans of moments, whose rows are looked up in the series as it is now.

A label is about moments (see `workbench.telemetry.moments`), so that it stays where it is when samples come in front of
it, when the training span changes, and when the series is replaced. The attribute `label_moments` of a channel holds
the clock and all spans, in the test series or not; samples that come to lie in one later are labelled by it. Archives
of before hold rows of the test series in `labels`, and what lies before it in `earlier_labels`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ArchiveError
from workbench.telemetry.attribute_names import LABEL_MOMENTS
from workbench.telemetry.attributes import check_labels
from workbench.telemetry.moments import clock_of, rows_between, ticks

__all__ = [
    "Span",
    "are_labelled",
    "check_label_moments",
    "first_number",
    "label_moments",
    "labels_of_new_version",
    "moments_of_rows",
    "outside",
    "rows_of_moments",
    "with_label_moments",
]

Span = tuple[int, int, str]
"""First and last moment of a label, both inclusive, and the kind of anomaly."""

_OLD = ("labels", "earlier_labels")
_CLOCKS = ("time", "sample")


def label_moments(clock: str, spans: Iterable[Span]) -> dict[str, Any]:
    """Return labels as JSON holds them, sorted, each once."""
    return {"clock": clock, "spans": [list(span) for span in sorted(set(spans))]}


def moments_of_rows(rows: Iterable[Sequence[Any]], times: npt.NDArray[Any]) -> list[Span]:
    """Return the moments of labels.

    Parameters
    ----------
    rows : iterable of sequence
        Start and end, rows of a series, both inclusive, and kind.
    times : numpy.ndarray, shape (n,)
        Coordinate `time` of that series.

    Examples
    --------
    >>> moments_of_rows([[1, 2, "leak"]], np.array([100, 101, 102]))
    [(101, 102, 'leak')]
    """
    moments = ticks(times)
    return [(int(moments[start]), int(moments[end]), str(kind)) for start, end, kind in rows]


def rows_of_moments(stored: Mapping[str, Any], times: npt.NDArray[Any]) -> list[list[Any]]:
    """Return the rows of labels in a series; labels of which it holds no sample are left out.

    Parameters
    ----------
    stored : mapping
        The attribute `label_moments`.
    times : numpy.ndarray, shape (n,)
        Coordinate `time` of the series.

    Examples
    --------
    >>> rows_of_moments({"clock": "sample", "spans": [[101, 109, "leak"], [7, 8, "leak"]]}, np.array([100, 101, 102]))
    [[1, 2, 'leak']]
    """
    places = [(rows_between(times, stored["clock"], first, last), kind) for first, last, kind in stored["spans"]]
    return sorted([*rows, kind] for rows, kind in places if rows is not None)


def outside(stored: Mapping[str, Any] | None, times: npt.NDArray[Any]) -> list[Span]:
    """Return what labels cover where a series holds no sample: whole labels, and what lies before its beginning.

    Parameters
    ----------
    stored : mapping or None
        The attribute `label_moments`.
    times : numpy.ndarray, shape (n,)
        Coordinate `time` of the series.

    Examples
    --------
    >>> labels = {"clock": "sample", "spans": [[98, 101, "leak"], [101, 102, "leak"], [7, 8, "dip"]]}
    >>> outside(labels, np.arange(100, 110))
    [(98, 99, 'leak'), (7, 8, 'dip')]
    """
    if stored is None:
        return []
    begin = int(ticks(times[:1])[0])
    spans = []
    for first, last, kind in stored["spans"]:
        if rows_between(times, stored["clock"], first, last) is None:
            spans.append((first, last, kind))
        elif first < begin:
            spans.append((first, begin - 1, kind))
    return spans


def check_label_moments(stored: Any) -> None:
    """Check the attribute `label_moments` of a channel.

    Raises
    ------
    ValueError
        It is none.
    """
    if not (isinstance(stored, dict) and stored.get("clock") in _CLOCKS and isinstance(stored.get("spans"), list)):
        raise ValueError(f"{LABEL_MOMENTS} holds no labels")
    for span in stored["spans"]:
        first, last, kind = span
        if not (type(first) is int and type(last) is int and isinstance(kind, str) and first <= last):
            raise ValueError(f"the label {span!r} is none")


def are_labelled(attributes: Mapping[str, Any]) -> bool:
    """Tell whether a channel is labelled; a labelled one may hold no anomaly."""
    return attributes.get(LABEL_MOMENTS) is not None or attributes.get("labels") is not None


def labels_of_new_version(
    attributes: Mapping[str, Any], present: Mapping[str, Any], times: Callable[[], npt.NDArray[Any]]
) -> dict[str, Any] | None:
    """Return the labels of a channel that is written anew: those that come with it, and earlier ones that stay.

    Labels that come with it are of all its samples. Of those that are there, only the ones at moments at which the
    archive holds no sample stay: they hold once these come. Where no labels come, all stay if the series is the same or
    overlaps in time; one without times is another one where it differs.

    Parameters
    ----------
    attributes, present : mapping
        Attributes of the channel with its new labels, and as it is.
    times : callable
        Function that returns the times of all samples that the archive holds of it.
    """
    new: dict[str, Any] | None = attributes[LABEL_MOMENTS]
    stored: dict[str, Any] | None = present.get(LABEL_MOMENTS)
    one, other = attributes["summary"], present["summary"]
    dated = one["clock"] == other["clock"] == "time"
    if new is None:
        overlaps = dated and one["first"] <= other["last"] and other["first"] <= one["last"]
        return stored if overlaps or attributes["test_hash"] == present["test_hash"] else None
    if stored is None or not dated or not stored["spans"]:
        return new
    try:
        own_times = times()
    except ArchiveError:  # it is replaced because it is damaged
        return new
    waiting = outside(stored, own_times) if bool((own_times[1:] > own_times[:-1]).all()) else []
    spans: list[Span] = [(first, last, kind) for first, last, kind in new["spans"]]
    free = [span for span in waiting if all(one[0] > span[1] or one[1] < span[0] for one in spans)]
    return label_moments("time", [*spans, *free])


def first_number(attributes: Mapping[str, Any]) -> int:
    """Return the number of the first sample of a channel without times.

    Its numbers never start anew: the first test series that it had begins with 0, what lies before that has negative
    ones, and a training span that is chosen anew changes none.
    """
    return int(attributes["summary"]["first"]) - int(attributes["n_train"]) - int(attributes.get("n_before", 0))


def with_label_moments(attributes: dict[str, Any], test_times: Callable[[], npt.NDArray[Any]]) -> dict[str, Any]:
    """Return the attributes of a channel with its labels as moments, where an archive of before has them as rows.

    Parameters
    ----------
    attributes : dict
        Attributes of the channel.
    test_times : callable
        Function that returns the coordinate `time` of its test series.

    Raises
    ------
    ValueError
        The labels are damaged.
    """
    if not any(name in attributes for name in _OLD):
        return attributes
    rest = {name: value for name, value in attributes.items() if name not in _OLD}
    rows, earlier = (attributes.get(name) for name in _OLD)
    if rows is None and not earlier:
        return rest | {LABEL_MOMENTS: attributes.get(LABEL_MOMENTS)}
    check_labels(rows or [], attributes["n_test"])
    times = test_times()
    spans = moments_of_rows(rows or [], times)
    shift = first_number(attributes)
    for first, last, kind in earlier or []:
        spans.append((_tick(first, shift), _tick(last, shift), str(kind)))
    return rest | {LABEL_MOMENTS: label_moments(clock_of(times), spans)}


def _tick(point: str | int, shift: int) -> int:
    """Return the moment of a point of `earlier_labels`: a time, or the place of a sample in the whole series."""
    if isinstance(point, str):
        return int(np.datetime64(point, "ns").astype(np.int64))
    return point + shift
