"""What the archive asks of a channel: its name, that its splits belong together, and rows of labels."""

import re
from typing import Any

import pandas as pd
import xarray as xr

from workbench.exceptions import ArchiveError, LabelError, SchemaError
from workbench.names import is_name, name_hint
from workbench.telemetry.damage import Place

__all__ = [
    "LABEL_COLUMNS",
    "check_goes_on",
    "check_pair",
    "label_frame",
    "label_rows",
    "natural_key",
    "suggest",
]

LABEL_COLUMNS = ("start", "end", "kind")
"""Columns of a label table: samples of the test series, both inclusive, and the kind of anomaly."""

_ORIGIN = ("model", "parameters", "method", "train_hash")  # what a score is made from, beside the test series


def check_goes_on(stored: xr.Dataset, scored: xr.Dataset, keep: int, place: Place) -> None:
    """Check that a score goes on behind the first samples of a stored one: same origin, and no sample between them."""
    same_origin = all(stored.attrs.get(name) == scored.attrs.get(name) for name in _ORIGIN)
    samples = stored["sample"].variable
    same_dtype = all(stored[name].dtype == scored[name].dtype for name in scored.data_vars if name in stored)
    follows = keep <= stored.sizes["time"] and int(samples[keep - 1]) + 1 == int(scored["sample"][0])
    if not (same_origin and same_dtype and follows):
        raise ArchiveError(f"{place.what} was replaced while the channel was scored.", str(place.fix))


def check_pair(channel: str, train: xr.Dataset, test: xr.Dataset) -> None:
    """Check that two splits are of one channel, and that it has a name."""
    if not is_name(channel):
        raise SchemaError(f"{channel[:80]!r} cannot name a channel.", name_hint(channel))
    for name in ("channel", "asset", "subsystem", "units"):
        if train.attrs[name] != test.attrs[name]:
            raise SchemaError(
                f"{channel}: {name} of train ({train.attrs[name]!r}) and test ({test.attrs[name]!r}) differ."
            )
    if train["telemetry"].dtype != test["telemetry"].dtype:
        raise SchemaError(
            f"{channel}: telemetry of train ({train['telemetry'].dtype}) and test ({test['telemetry'].dtype}) differ."
        )
    if list(train["command"].values) != list(test["command"].values):
        raise SchemaError(f"{channel}: train and test have different commands.")


def label_rows(channel: str, labels: pd.DataFrame, n_test: int) -> list[list[Any]]:
    """Turn a label table into sorted JSON rows, each inside the test series."""
    missing = [column for column in LABEL_COLUMNS if column not in labels]
    if missing:
        raise LabelError(f"{channel}: labels have no column {missing[0]!r}.", f"Expected: {', '.join(LABEL_COLUMNS)}.")
    columns = [labels[column].tolist() for column in LABEL_COLUMNS]
    rows: list[tuple[int, int, str]] = sorted((int(a), int(b), str(kind)) for a, b, kind in zip(*columns, strict=True))
    for start, end, _ in rows:
        if not 0 <= start <= end < n_test:
            raise LabelError(
                f"{channel}: label [{start}, {end}] lies outside its test series.",
                f"Samples are 0 to {n_test - 1}, start <= end.",
            )
    return [list(row) for row in rows]


def label_frame(rows: list[list[Any]]) -> pd.DataFrame:
    """Turn JSON rows back into a label table."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pd.DataFrame(
        {
            "start": pd.Series(columns[0], dtype="int64"),
            "end": pd.Series(columns[1], dtype="int64"),
            "kind": pd.Series(columns[2], dtype="str"),
        }
    )


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort key under which A-2 comes before A-10.

    Examples
    --------
    >>> sorted(["A-10", "A-2", "B-1"], key=natural_key)
    ['A-2', 'A-10', 'B-1']
    """
    parts = (part for part in re.split(r"([0-9]+)", name) if part)
    return [(0, int(part)) if part.isascii() and part.isdigit() else (1, part) for part in parts]


def suggest(channel: str, channels: list[str]) -> str:
    """Say which channels an unknown name comes near to."""
    if not channels:
        return "The archive is empty. Run: workbench run, or workbench import PATH."
    from difflib import get_close_matches

    by_lower_case = {name.lower(): name for name in reversed(channels)}
    nearest = get_close_matches(channel.lower(), by_lower_case, n=3, cutoff=0.5)
    close = [by_lower_case[name] for name in nearest]
    return f"Did you mean {', '.join(close)}?" if close else "Run: workbench channels"
