"""Scores of series that grow: computed from where the stored one stops, equal to those of the whole."""

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

import workbench as wb
from tests.archive_files import file_of
from tests.conftest import wave_channel
from tests.detection.test_continuing import check_same
from workbench import scores
from workbench.exceptions import ArchiveError
from workbench.settings import load_settings
from workbench.telemetry.archive import Archive

KEY = "ridge.workbench"


def parts(n: int = 4700, at: int = 4400) -> xr.Dataset:
    return wave_channel("X-1", n, 1, spike=at)


def grow(session: wb.Session, n: int, whole: xr.Dataset) -> None:
    train = session.channel("X-1", "train").load()
    session.archive.write(train, whole.isel(time=slice(0, n)))


@pytest.fixture
def session(trained_home: Path) -> wb.Session:
    return wb.open(home=trained_home)


def test_a_score_goes_on_where_the_stored_one_stops(session: wb.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, keeps = parts(), []
    write = Archive.write_scores

    def noting(archive: Archive, channel: str, key: str, scored: xr.Dataset, keep: int = 0) -> None:
        keeps.append(keep)
        write(archive, channel, key, scored, keep)

    monkeypatch.setattr(Archive, "write_scores", noting)
    for n in (3300, 3301, 4000, 4700):
        grow(session, n, whole)
        session.score("X-1")
    gone_on = session.score("X-1").load()
    assert keeps[0] == 0 and all(keep > 2500 for keep in keeps[1:])
    forced = session.score("X-1", force=True)
    check_same(gone_on, forced.assign_attrs(scored_at=gone_on.attrs["scored_at"]))
    assert len(session.anomalies("X-1")) == 1


def test_a_score_is_computed_whole_where_what_it_is_of_has_changed(
    session: wb.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, changed = parts(), parts()
    changed["telemetry"][1000] += 0.5
    grow(session, 3300, whole)
    session.score("X-1")
    grow(session, 4000, changed)
    spy = []

    def noting(*arguments: object) -> object:
        spy.append(arguments[4])
        return original(*arguments)

    monkeypatch.setattr(scores, "continue_score", noting)
    session.score("X-1")
    assert spy == [None]
    grow(session, 4700, changed)
    session.train("X-1", "persistence")
    session.score("X-1", "persistence")
    assert spy == [None, None], "another forecaster has another score"
    session.score("X-1")
    assert spy[2] is not None


original = scores.continue_score


@pytest.mark.parametrize("stopped", [False, True])
def test_a_long_series_is_scored_part_by_part(
    session: wb.Session, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    grow(session, 4700, parts())
    expected = session.score("X-1", force=True).load()
    monkeypatch.setattr(scores.Scores, "part_samples", 900)
    ends = []

    def counting(channel: xr.Dataset, *arguments: object) -> object:
        ends.append(channel.sizes["time"])
        if stopped and len(ends) == 4:
            raise KeyboardInterrupt
        return original(channel, *arguments)

    monkeypatch.setattr(scores, "continue_score", counting)
    if stopped:
        with pytest.raises(KeyboardInterrupt):
            session.score("X-1", force=True)
        assert session.archive.scores("X-1")[KEY]["data_hash"] == session.archive.test_prefix_hash("X-1", 2700)
        scored = session.score("X-1").load()
        assert ends == [900, 1800, 2700, 3600, 3600, 4700]
    else:
        scored = session.score("X-1", force=True).load()
        assert ends == [900, 1800, 2700, 3600, 4700]
    check_same(scored, expected.assign_attrs(scored_at=scored.attrs["scored_at"]))


def test_a_damaged_earlier_score_is_computed_whole(session: wb.Session) -> None:
    grow(session, 3300, parts())
    session.score("X-1")
    session.archive.seal()
    file = file_of(session.archive, "X-1", f"scores/{KEY}/prediction/c")
    file.write_bytes(file.read_bytes()[:-3])
    grow(session, 4000, parts())
    scored = session.score("X-1")
    check_same(scored, session.score("X-1", force=True).assign_attrs(scored_at=scored.attrs["scored_at"]))


def test_what_the_envelope_found_raises_an_alert_before_the_window_is_complete(session: wb.Session) -> None:
    n = 2360 + 70 * 12
    session.set_growing("X-1", True)
    grow(session, n + 66, parts(4000, n + 20))
    table = session.score_all(["X-1"])["anomalies"][0]
    assert table["provisional"].tolist() == [False]
    assert len(session.raise_alerts(["X-1"]).raised.raised) == 1


def test_alerts_of_a_channel_that_grows_come_from_complete_windows(trained_home: Path) -> None:
    forecast_alone = load_settings().presets["workbench"].model_dump() | {"envelope": "none"}
    session = wb.open(home=trained_home, presets={"forecast": forecast_alone}, preset="forecast")
    n = 2100 + 120 + 10 + 70 * 12  # error windows behind the first window and horizon of the model
    whole = parts(4000, n + 20)
    session.set_growing("X-1", True)
    alerts = {}
    for length in (n, n + 66, n + 70, n + 100, n + 300):
        grow(session, length, whole)
        assert session.archive.grows("X-1"), "an import does not change that"
        table = session.score_all(["X-1"])["anomalies"][0]
        outcome = session.raise_alerts(["X-1"])
        alerts[length] = (table["provisional"].tolist(), len(outcome.raised.raised), outcome.raised.returned)
    assert alerts[n + 66] == ([True], 0, ())
    assert alerts[n + 70] == ([False], 1, ())
    assert alerts[n + 100][1:] == (0, ())
    assert alerts[n + 300][1] == 0
    session.set_growing("X-1", False)
    assert not session.stored_anomalies("X-1")["provisional"].any()


def test_scores_that_do_not_follow_each_other_are_not_joined(session: wb.Session) -> None:
    grow(session, 3300, parts())
    scored = session.score("X-1").load()
    rest = scored.isel(time=slice(1000, None))
    for wrong in (rest.isel(time=slice(1, None)), rest.assign_attrs(model="X-1.ridge/7")):
        with pytest.raises(ArchiveError, match="was replaced while the channel was scored"):
            session.archive.write_scores("X-1", KEY, wrong, keep=1000)
    session.archive.write_scores("X-1", KEY, rest, keep=1000)
    check_same(session.archive.open_scores("X-1", KEY).load(), scored)


def test_the_hash_of_the_first_samples_is_that_of_a_series_that_ends_there(session: wb.Session) -> None:
    grow(session, 4000, parts())
    whole = session.archive.info("X-1").test_hash
    assert session.archive.test_prefix_hash("X-1", 4000) == whole
    first = session.archive.test_prefix_hash("X-1", 3300)
    grow(session, 3300, parts())
    assert session.archive.info("X-1").test_hash == first != whole
    with pytest.raises(ArchiveError, match="has 3,300 samples, not 3301"):
        session.archive.test_prefix_hash("X-1", 3301)


def test_a_fault_that_lasts_to_the_end_of_the_telemetry_is_explained(session: wb.Session) -> None:
    """The envelope judges the last samples, too; a forecast ends a horizon before them."""
    grow(session, 3000, parts(3000, 2970))
    session.train("X-1")
    (row,) = session.explain("X-1").to_dict("records")
    assert (row["end"], row["found_by"]) == (2999, "both")
    assert 2960 <= row["prediction_error_at"] <= 2989


def test_the_overview_reads_only_what_has_changed_and_says_what_a_fresh_one_says(
    session: wb.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    read = Archive.all_scores

    def noting(archive: Archive, channels: list[str] | None = None) -> object:
        looked_at.extend(channels or ["all"])
        return read(archive, channels)

    def changed_by(change: object) -> list[str]:
        with wb.open(home=session.settings.home) as other:
            change(other)
            expected = other.overview()
        looked_at.clear()
        pd.testing.assert_frame_equal(session.overview(), expected)
        return looked_at.copy()

    monkeypatch.setattr(Archive, "all_scores", noting)
    session.overview()
    assert changed_by(lambda other: None) == []
    assert changed_by(lambda other: other.score("X-2")) == ["X-2"]
    assert changed_by(lambda other: grow(other, 3300, parts())) == ["X-1"]
    session.train("X-2", "ridge", telemetry_lags=3, force=True)
    assert changed_by(lambda other: other.registry.set_alias("X-2.ridge", 2, "champion")) == ["X-2"]
    assert changed_by(lambda other: other.archive.write(wave_channel("X-3"), wave_channel("X-3", 900))) == ["X-3"]
    assert changed_by(lambda other: other.archive.remove(["X-2"])) == []
    assert session.overview()["channel"].tolist() == ["X-1", "X-3"]
    assert session.overview()["state"].tolist() == ["missing", "missing"]
