import os
import signal
import subprocess
import sys

import pytest
import xarray as xr
from filelock import FileLock

from tests.archive_files import forget
from tests.conftest import wave_channel
from workbench.exceptions import ArchiveError
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.staging import StagedScore


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive.zarr")
    archive.write(wave_channel(n=300), wave_channel(n=400))
    return archive


@pytest.fixture
def scored(archive):
    series = archive.open("X-1").drop_vars(["commands", "command"]).rename(telemetry="prediction")
    return series.assign_attrs(model="X-1.ridge/1")


def test_a_staged_score_appears_when_it_is_published(archive, scored, tmp_path):
    archive.write_scores("X-1", "at.once", scored)
    staged = archive.stage_scores("X-1", "in.steps", scored)
    assert list(archive.scores("X-1")) == ["at.once"]
    assert (staged.channel, staged.key) == ("X-1", "in.steps")
    assert archive.publish_scores([staged]) == {}
    in_steps, at_once = (archive.open_scores("X-1", key).load() for key in ("in.steps", "at.once"))
    xr.testing.assert_identical(in_steps, at_once)
    assert list(archive.staging_folder().iterdir()) == []


def test_nothing_is_compressed_inside_the_lock(archive, scored):
    locks = (FileLock(f"{archive.incoming}.lock"), FileLock(f"{archive.path}.publish.lock"))
    with locks[0], locks[1]:  # as another process that writes holds them
        staged = archive.stage_scores("X-1", "ridge.paper", scored)
    archive.publish_scores([staged])
    assert "ridge.paper" in archive.scores("X-1")


def test_another_archive_stages_for_the_one_that_publishes(archive, scored):
    worker = Archive(archive.path)
    staged = worker.stage_scores("X-1", "ridge.paper", scored, archive.staging_folder())
    del worker
    assert archive.publish_scores([staged]) == {}
    assert list(archive.scores("X-1")) == ["ridge.paper"]


def test_the_score_of_a_channel_that_is_gone_stops_no_other(archive, scored):
    archive.write(wave_channel("Y-1", n=300), wave_channel("Y-1", n=400))
    gone, there = archive.stage_scores("Y-1", "k", scored), archive.stage_scores("X-1", "k", scored)
    forget(archive, "Y-1")
    assert list(archive.publish_scores([gone, there])) == ["Y-1"]
    assert list(archive.scores("X-1")) == ["k"]


def test_a_score_that_was_never_staged_is_an_error(archive):
    with pytest.raises(ArchiveError, match="cannot be written"):
        archive.publish_scores([StagedScore("X-1", "k", "nobody/nothing")])


STAGE = """
import sys
from pathlib import Path
from workbench.telemetry.archive import Archive
archive = Archive(Path(sys.argv[1]))
staged = archive.stage_scores("X-1", "k", archive.open("X-1").drop_vars("command"))
print(archive.staging_folder(), flush=True)
sys.stdin.read()
"""


def test_what_a_crash_left_is_removed_but_not_what_the_living_write(archive):
    process = subprocess.Popen(
        [sys.executable, "-c", STAGE, str(archive.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        folder = (
            archive.path.parent
            / archive.staging_folder().parent.name
            / os.path.basename(process.stdout.readline().strip())
        )
        assert list(folder.iterdir()) != []
        Archive(archive.path)
        assert list(folder.iterdir()) != []
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert folder.exists()
    Archive(archive.path)
    assert not folder.exists()


def test_nothing_is_left_beside_the_archive_of_a_process_that_ends(archive):
    process = subprocess.run(
        [sys.executable, "-c", STAGE, str(archive.path)], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert process.stdout
    beside = {path.name for path in archive.path.parent.iterdir()}
    assert not {name for name in beside if "staging" in name}
