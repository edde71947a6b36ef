import json
import os
import time

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from workbench.live.standing import StandingFile
from workbench.views.remembered import data_stamp, remember_fleet


@pytest.fixture
def session(tmp_path):
    session = wb.open(home=tmp_path)
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
    session.train(progress=False)
    yield session
    session.close()


def test_the_fleet_is_read_once_until_something_changes(session, monkeypatch):
    reads = []
    real = session.overview
    monkeypatch.setattr(session, "overview", lambda: reads.append(1) or real())
    remembered = remember_fleet(session)
    first = remembered.overview()
    first.loc[:, "channel"] = "changed by a reader"
    assert remembered.overview()["channel"].tolist() == ["X-1"]
    assert len(reads) == 1
    session.score("X-1")
    assert remembered.overview()["state"].tolist() == ["current"]
    session.archive.write(wave_channel("X-2"), wave_channel("X-2", 3000, 1))
    assert remembered.overview()["channel"].tolist() == ["X-1", "X-2"]
    session.train("X-2")
    assert remembered.overview()["reason"].tolist()[1] == "not scored yet"
    assert len(reads) == 4
    pd.testing.assert_frame_equal(remembered.overview(), real())


def test_scoring_and_training_again_change_the_stamp(session):
    stamps = {data_stamp(session.settings)}
    for change in (session.score, session.train, session.score):
        change("X-1", force=True)
        stamps.add(data_stamp(session.settings))
    assert len(stamps) == 4


def test_nothing_is_remembered_of_a_registry_that_is_elsewhere(tmp_path):
    assert data_stamp(wb.open(home=tmp_path).settings) == ()
    (tmp_path / "archive.zarr").mkdir()
    assert data_stamp(wb.open(home=tmp_path).settings) != ()
    elsewhere = wb.open(home=tmp_path, tracking_uri=f"sqlite:///{tmp_path}/other.db")
    assert data_stamp(elsewhere.settings) == ()


def test_everything_else_is_the_session_s_own(session):
    remembered = remember_fleet(session)
    assert remembered.settings is session.settings
    assert remembered.channel("X-1").sizes["time"] == 3000


def test_what_the_running_service_scores_within_seconds_is_not_called_out_of_date(session):
    session.score("X-1")
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3500, 1, spike=2000))
    remembered, file = remember_fleet(session), session.settings.home / "live.json"
    assert remembered.overview()["state"].tolist() == ["stale"]
    file.write_text(json.dumps({"process": os.getpid(), "feeds": []}))
    assert remembered.overview()["state"].tolist() == ["stale"], "a series that does not grow waits for a person"
    session.set_growing("X-1")
    assert remembered.overview()["state"].tolist() == ["current"]
    session.train("X-1", force=True)
    newest = max(session.registry.list("X-1"), key=lambda info: info.version)
    session.registry.set_alias(newest.name, newest.version, "champion")
    assert remembered.overview()["state"].tolist() == ["stale"], "another model is no new telemetry"
    file.unlink()
    assert remembered.overview()["state"].tolist() == ["stale"], "the service has ended"


def test_what_the_running_service_cannot_score_is_called_out_of_date(session):
    session.score("X-1")
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3500, 1, spike=2000))
    session.set_growing("X-1")
    remembered, home = remember_fleet(session), session.settings.home

    def state(fault="", unscored=()):
        StandingFile(home).note([], lambda: (fault, dict.fromkeys(unscored, "its model is damaged")))
        return remembered.overview()["state"].item()

    assert state() == "current"
    assert state(unscored=["X-1"]) == "stale"
    assert state(unscored=["X-2"]) == "current"
    assert state(fault="the database is locked") == "stale"
    assert state() == "current"
    old = time.time() - 60
    os.utime(home / "live.json", (old, old))
    assert remembered.overview()["state"].item() == "stale", "a service that says nothing may score nothing"
