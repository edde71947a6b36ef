"""Previews: they never miss a window that changes the anomalies of a channel, and spare most of the others."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.live.plants import pump, samples_of, service_of, stream, write_plant
from workbench.detection.continuing import complete_rows
from workbench.live.filing import Rows
from workbench.live.preview import Preview

STORED, N = 2_640, 4_200
FAULTS = (2_800, 3_300, 3_700)
BATCH = 70


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("preview") / "begun"
    write_plant(home, [pump(N, faults=FAULTS)], STORED, train=True)
    with wb.open(home=home) as session:
        session.score_all()
    return home


def rows_of(start: int, end: int) -> Rows:
    series = pump(N, faults=FAULTS).isel(time=slice(start, end))
    return [(one.moment, one.value, None) for one in samples_of(series)]


def preview_of(home: Path) -> Preview:
    with wb.open(home=home) as session:
        scored = session.stored("flow")
        assert scored is not None
        forecasters = session._scores.forecasters("flow")
        return Preview(session.archive.open("flow"), scored, forecasters, session.settings.params)


def test_each_window_that_changes_anomalies_is_seen_before_it_is_stored(plant: Path, tmp_path: Path) -> None:
    """The truth comes from scores of the whole series, cut at the end of each window."""
    preview = preview_of(plant)
    home = Path(shutil.copytree(plant, tmp_path / "whole"))
    with wb.open(home=home) as session:
        n = int(complete_rows(session.stored("flow").attrs)[0])  # type: ignore[union-attr]
        stored, before = STORED, complete_rows(session.stored("flow").attrs)[1]  # type: ignore[union-attr]
        taken, spared, changed = 0, 0, 0
        for end in range(n + BATCH, N, BATCH):
            assert preview.take(rows_of(STORED, end))
            said = preview.may_change()
            series = pump(N, faults=FAULTS).isel(time=slice(stored, end))
            session.archive.extend([(stored, series)])
            session.score_all()
            now = complete_rows(session.stored("flow").attrs)[1]  # type: ignore[union-attr]
            stored, taken = end, taken + 1
            differs = [(row.start, row.end) for row in now if row.found_by != "envelope"] != [
                (row.start, row.end) for row in before if row.found_by != "envelope"
            ]
            assert said or not differs, end
            changed, spared, before = changed + differs, spared + (not said), now
    assert changed >= 3
    assert spared > taken / 3, (spared, taken)


def test_samples_that_do_not_go_on_are_refused(plant: Path) -> None:
    preview = preview_of(plant)
    assert preview.take(rows_of(STORED, STORED + 30))
    assert preview.pending == 30
    assert preview.samples == STORED + 30
    assert not preview.take(rows_of(STORED + 5, STORED + 40))  # some that were taken are gone
    assert not preview_of(plant).take(rows_of(STORED - 1, STORED + 5))  # one is stored already
    rows = list(rows_of(STORED, STORED + 40))
    assert preview.take(rows)
    assert preview.is_filed(rows)
    assert preview.pending == 0
    more = list(rows_of(STORED + 40, STORED + 50))
    assert preview.take(more)
    more[3] = (more[3][0], 1.0, None)  # filled in meanwhile
    assert not preview.is_filed(more)


def test_a_quiet_window_waits_for_the_archive_and_a_fault_does_not(plant: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(plant, tmp_path / "live"))
    service = service_of(home, [], archive_s=86_400)
    detection = service.detection
    samples = samples_of(pump(N, faults=FAULTS).isel(time=slice(STORED, None)))

    def send(count: int) -> None:
        part, samples[:count] = samples[:count], []
        decided = service.ingest.admission.decide([("test", part, [])])
        service.ingest._journal.store(decided.transaction)
        service.backlog.add(decided.added, (), 0.0)  # as if no watch had seen anything

    detection.begin()
    detection._finals.clear()
    send(BATCH)
    detection.step()  # its first window is looked up, and judged in memory
    assert service.counters()["added"] == {"flow": BATCH}
    assert detection.figures.filed == 0
    assert detection._previews["flow"] is not None
    filed = []
    while samples:
        send(min(BATCH, len(samples)))
        before = detection.figures.filed
        detection.step()
        filed.append(detection.figures.filed > before)
        if detection._previews.get("flow") is None:
            detection._prepare_preview()
    assert any(filed)
    assert not all(filed)
    detection.step(everything=True)
    service._resources.close()
    whole = Path(shutil.copytree(plant, tmp_path / "once"))
    stream(whole, [samples_of(pump(N, faults=FAULTS).isel(time=slice(STORED, None)))])
    outcomes = []
    for one in (home, whole):
        with wb.open(home=one) as session:
            alerts = session.maintenance.alerts.list(state=None)
            outcomes.append(sorted(alerts[["channel", "kind", "first_at", "last_at", "level"]].to_numpy().tolist()))
            np.testing.assert_array_equal(
                session.archive.open("flow")["telemetry"], pump(N, faults=FAULTS)["telemetry"]
            )
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) >= 2
