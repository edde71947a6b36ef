"""A known table in thousands of dialects: read exactly, or refused; with the options that settle it read exactly."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr

from tests.dialects import FEATURES, Case, Table, make_case
from tests.telemetry.test_import_fuzz import Recorder
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers import delivery, import_table

Series = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]

QUICK, LONG = 200, 5_000
AT_ONCE = 25


def imported(path: Path, options: dict[str, Any]) -> Series:
    """Import a file; return times and values of every asset and channel."""
    archive = Recorder()
    with patch.object(delivery, "plain_channels", lambda *_: {}):
        import_table(path, archive, asset="pump", **options)
    series = {}
    for splits in archive.kept.values():
        attributes = splits[0].attrs
        asset, channel = attributes["asset"], attributes["channel"]
        whole = [np.concatenate(parts) for parts in zip(*(_arrays(split) for split in splits), strict=True)]
        series[asset, channel] = (whole[0], whole[1])
    return series


def _arrays(split: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    values = split["telemetry"].values.astype(np.float64)
    if "missing" in split:
        values = np.where(split["missing"].values.astype(bool), np.nan, values)
    return split["time"].values, values


def is_equal(series: Series, table: Table) -> bool:
    """Tell whether just the channels of a table were read; those of several assets may carry the asset's name."""
    own = {
        key: found
        for key in table.series
        for (asset, channel), found in series.items()
        if asset.split()[-1] == key[0] and channel.replace(" ", "-").endswith(key[1].replace(" ", "-"))
    }
    return len(own) == len(series) == len(table.series) and all(
        np.array_equal(own[key][0], time)
        and np.array_equal(own[key][1].astype(np.float32), values.astype(np.float32), equal_nan=True)
        for key, (time, values) in table.series.items()
    )


def fault(case: Case, folder: Path) -> str:
    """Return what is wrong with the reading of a case; an empty text where nothing is."""
    path = folder / case.name
    path.write_bytes(case.content)
    try:
        plain = imported(path, {})
    except ImportDataError as error:
        plain = None
        reason = str(error)
    if plain is not None:
        plain = {key: found for key, found in plain.items() if key[1] != "quality"}  # numbers need not mean quality
    if plain is not None and not any(is_equal(plain, table) for table in (case.table, *case.others)):
        return f"without options it is read as another table: {_shown(plain)}"
    try:
        settled = imported(path, case.options)
    except ImportDataError as error:
        return f"refused with the options {case.options}: {error}" + (f"; without: {reason}" if plain is None else "")
    if not is_equal(settled, case.table):
        return f"with the options {case.options} it is read as another table: {_shown(settled)}"
    return ""


def _shown(series: Series) -> str:
    return "; ".join(f"{key}: {times[:2]} {values[:4]}" for key, (times, values) in series.items())[:600]


def check(seeds: range, folder: Path) -> None:
    faults = []
    for seed in seeds:
        case = make_case(seed)
        what = fault(case, folder)
        if what:
            faults.append(f"seed {seed}, {case.about}\n{case.content[:300]!r}\n{what}")
    assert not faults, f"{len(faults)} of {len(seeds)} cases\n" + "\n\n".join(faults[:5])


@pytest.mark.parametrize("first", range(0, QUICK, AT_ONCE))
def test_a_table_in_any_dialect_is_read_exactly_or_refused(tmp_path: Path, first: int) -> None:
    check(range(first, first + AT_ONCE), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("first", range(QUICK, LONG, 20 * AT_ONCE))
def test_a_table_in_thousands_of_dialects(tmp_path: Path, first: int) -> None:
    check(range(first, first + 20 * AT_ONCE), tmp_path)


def test_every_feature_that_is_on_is_written() -> None:
    """A feature that no case of the quick round has would be tested by nobody."""
    on = [name for name, is_on in FEATURES.items() if is_on]
    cases = [make_case(seed).content for seed in range(QUICK)]
    for feature in on:
        without = [make_case(seed, FEATURES | {feature: False}).content for seed in range(QUICK)]
        assert cases != without, feature
