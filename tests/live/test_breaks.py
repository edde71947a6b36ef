"""Gaps in live telemetry: what comes is scored and alerted as if it had been imported; none comes between later."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import workbench as wb
from tests.live.plants import cut, judge, outcome, pump, samples_of, service_of, stream, write_plant
from workbench.detection.continuing import complete_rows
from workbench.live.preview import Preview
from workbench.live.watches import Watch
from workbench.telemetry.breaks import break_rows
from workbench.telemetry.catalog import Limits

STORED, N = 2_000, 6_400
FAULTS = (2_300, 2_505, 5_650)
BREAKS = (2_560, 2_700, 2_701, 5_720)
MINUTE = 60_000_000_000


def with_outages(test: xr.Dataset) -> xr.Dataset:
    """Take 45 minutes, and once five hours, out before the breaks; some values beside them are missing."""
    time = test["time"].values.copy()
    for row in BREAKS:
        time[row:] += np.timedelta64(300 if row == 2_700 else 45, "m")
    test["telemetry"].values[[2_555, 2_559, 2_703, 4_000]] = np.nan
    return test.assign_coords(time=time)


@pytest.fixture(autouse=True)
def longest_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_MAX_GAP_SECONDS", "1800")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, xr.Dataset]:
    """A trained channel with its first samples stored; the same with all of them, judged; and the series."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_MAX_GAP_SECONDS", "1800")
        made = _plant(tmp_path_factory)
    return made


def _plant(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, xr.Dataset]:
    folder = tmp_path_factory.mktemp("gaps")
    test = with_outages(pump(N, faults=FAULTS))
    assert break_rows(test, 1800.0) == BREAKS
    write_plant(folder / "begun", [test], STORED, train=True)
    shutil.copytree(folder / "begun", folder / "whole")
    with wb.open(home=folder / "whole") as session:
        session.archive.extend([(STORED, test.isel(time=slice(STORED, None)))])
    judge(folder / "whole")
    return folder / "begun", folder / "whole", test


def test_streaming_over_gaps_is_scoring_afterwards(plant: tuple[Path, Path, xr.Dataset], tmp_path: Path) -> None:
    begun, whole, test = plant
    data, alerts = outcome(whole)
    home = Path(shutil.copytree(begun, tmp_path / "live"))
    samples = samples_of(test.isel(time=slice(STORED, None)))
    restarts = [0, 561, 1_650, 3_721, len(samples)]
    for start, end in pairwise(restarts):
        stream(home, cut(samples[start:end], seed=start))
    assert outcome(home) == (data, alerts)
    assert sum(kind == "model" for _, kind, *_ in alerts) >= 2


def test_a_break_decides_what_lies_before_it_and_nothing_can_close_it(
    plant: tuple[Path, Path, xr.Dataset], tmp_path: Path
) -> None:
    begun, _, test = plant
    home = Path(shutil.copytree(begun, tmp_path / "live"))
    service = service_of(home, [], archive_s=86_400, late_s=3_600)
    detection, admission = service.detection, service.ingest.admission
    detection.begin()

    def send(samples: list) -> tuple[list[dict[str, int]], frozenset[str]]:  # type: ignore[type-arg]
        decided = admission.decide([("test", samples, [])])
        service.ingest._journal.store(decided.transaction)
        service.backlog.add(decided.added, decided.urgent, 0.0)
        return decided.outcomes, decided.urgent

    series = samples_of(test)
    send(series[STORED:2_560])
    service.ingest._knowledge.complete()  # as ingest does where nothing comes
    detection.step(everything=True)
    assert "flow" not in detection._finals  # no error window is complete
    outcomes, urgent = send(series[2_560:2_561])
    assert outcomes == [{"added": 1}] and urgent == {"flow"}  # it is due at once, without waiting for a window
    detection.step()
    assert detection.figures.filed == 561
    scored = detection._scores.stored("flow")
    assert scored is not None
    decided_samples, rows = complete_rows(scored.attrs)
    assert decided_samples == 2_561
    assert [row.found_by for row in rows] == ["both"] and rows[0].end >= 2_545
    assert detection._finals["flow"] == series[2_560].moment
    late = series[2_559]._replace(moment=series[2_560].moment - 20 * MINUTE, value=50.0)
    assert send([late])[0] == [{"late": 1}]
    completed = series[2_559]._replace(value=50.0)
    assert send([completed])[0] == [{"late": 1}]
    assert 0 < detection._until_window["flow"] <= 70
    service._resources.close()


def test_a_preview_ends_at_a_break_and_goes_on_behind_it(plant: tuple[Path, Path, xr.Dataset], tmp_path: Path) -> None:
    begun, _, test = plant
    home = Path(shutil.copytree(begun, tmp_path / "stored"))
    rows = [(one.moment, None if np.isnan(one.value) else one.value, None) for one in samples_of(test)]

    def preview(stored: int) -> Preview:
        with wb.open(home=home) as session:
            n = session.archive.info("flow").n_test
            session.archive.extend([(n, test.isel(time=slice(n, stored)))])
            session.score_all()
            scored = session.stored("flow")
            assert scored is not None
            forecasters = session._scores.forecasters("flow")
            return Preview(session.archive.open("flow"), scored, forecasters, session.settings.params)

    behind = preview(5_600)
    assert behind.take(rows[5_600:5_700])
    behind.may_change()
    assert not behind.take(rows[5_600:5_721])  # the series begins anew with the last one
    assert behind.take(rows[5_600:5_720])
    behind.may_change()
    truth = preview(5_720)
    assert behind._complete == truth._complete > 5_400
    assert behind._rows == truth._rows
    assert behind._rows


def test_a_watch_is_due_where_a_series_begins_anew() -> None:
    watch = Watch(Limits(), 1, 0.0, None, "time", 600.0, newest=0)
    assert not watch.take_all([1.0, 2.0], [MINUTE, 2 * MINUTE])
    assert not watch.take_all([float("nan")], [30 * MINUTE])
    assert watch.take_all([1.0], [31 * MINUTE])
    assert not watch.take_all([1.0], [41 * MINUTE])
