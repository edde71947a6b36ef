import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from workbench.jobs.storage import free_disk, storage


@pytest.fixture
def session(tmp_path):
    session = wb.open(home=tmp_path / "home")
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1))
    yield session
    session.close()


def sizes(session):
    table = storage(session.settings, session.maintenance.database)
    return table.set_index("part")["bytes"]


def test_each_part_grows_by_what_is_written_to_it(session):
    before = sizes(session)
    assert before["telemetry"] > 0
    assert before.drop("telemetry").sum() == 0
    session.train("X-1")
    session.score("X-1")
    session.maintenance.people.set("Ann", "root")
    for folder, name in (
        ("attachments", "photo"),
        ("reports", "X-1.html"),
        ("tuning", "rows.json"),
        ("logs", "dashboard.log"),
    ):
        (session.settings.home / folder).mkdir()
        (session.settings.home / folder / name).write_bytes(b"x" * 10_000)
    after = sizes(session)
    assert before["telemetry"] <= after["telemetry"] < 2 * before["telemetry"], "the index learns of the score"
    assert (after > 0).all()
    assert 10_000 <= after["reports"] < 20_000


def test_a_file_takes_whole_blocks(session):
    logs = session.settings.home / "logs"
    logs.mkdir()
    (logs / "dashboard.log").write_bytes(b"x")
    assert sizes(session)["logs"] > 1


def test_places_are_named_and_free_disk_is_told_before_there_is_a_home(session, tmp_path):
    table = storage(session.settings, session.maintenance.database).set_index("part")
    assert table.loc["maintenance", "place"].endswith("maintenance.db")
    assert isinstance(table, pd.DataFrame)
    assert free_disk(tmp_path / "not" / "there") > 0
