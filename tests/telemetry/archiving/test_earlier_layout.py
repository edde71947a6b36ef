"""Archives of release 0.1, a folder of Zarr groups a channel, are taken over when they are opened."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from workbench.exceptions import ArchiveError
from workbench.telemetry.archive import Archive

FIXTURE = Path(__file__).parents[2] / "maintenance" / "fixtures" / "home-0.1.0.zip"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The archive in the home that release 0.1.0 made."""
    with zipfile.ZipFile(FIXTURE) as file:
        file.extractall(tmp_path)
    return tmp_path / "archive.zarr"


def as_stored(store: Path) -> dict[str, xr.Dataset]:
    """Read every group of the first layout with plain xarray."""
    groups = [*store.glob("*/train"), *store.glob("*/test"), *store.glob("*/scores/*/")]
    return {
        folder.relative_to(store).as_posix(): xr.open_zarr(folder, consolidated=False, chunks=None).load()
        for folder in groups
    }


def test_everything_is_there_after_it_was_taken_over(store):
    before = as_stored(store)
    documents = {file.parent.name: json.loads(file.read_text())["attributes"] for file in store.glob("*/zarr.json")}
    archive = Archive(store)
    assert archive.channels() == sorted(documents)
    for place, series in before.items():
        channel, part, *key = place.split("/")
        after = archive.open_scores(channel, *key) if key else archive.open(channel, part)
        assert set(series.variables) <= set(after.variables)
        for name in series.variables:
            np.testing.assert_array_equal(after[name], series[name])
    for channel, attributes in documents.items():
        info = archive.info(channel)
        assert (info.train_hash, info.test_hash) == (attributes["train_hash"], attributes["test_hash"])
        labels = archive.labels(channel)
        assert (None if labels is None else labels.values.tolist()) == attributes["labels"]
        archive.check_deeply(channel, "train")
        archive.check_deeply(channel, "test")
    assert archive.faults() == []
    assert {file.name for file in store.iterdir()} == {"_assets", "index.db", "tail.db", "zarr.json"} - (
        set() if (store / "tail.db").exists() else {"tail.db"}
    )


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_crash_on_the_way_loses_and_doubles_nothing(store, tmp_path, monkeypatch, moment):
    """The process dies at a rename; the next one goes on."""
    copy = Path(shutil.copytree(store, tmp_path / "copy" / "archive.zarr"))
    expected = Archive(copy)
    renames = []
    rename = Path.rename

    class Died(BaseException):
        pass

    def die(path: Path, target: Path) -> Path:
        renames.append(path)
        if len(renames) > moment:
            raise Died
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", die)
    with pytest.raises(Died):
        Archive(store)
    monkeypatch.undo()
    archive = Archive(store)
    assert archive.channels() == expected.channels()
    for channel in archive.channels():
        xr.testing.assert_identical(archive.open(channel).load(), expected.open(channel).load())
        assert archive.scores(channel) == expected.scores(channel)
    assert not archive.incoming.exists()
    assert archive.faults() == []


def test_a_damaged_channel_stays_and_is_named_until_it_is_imported_again(store):
    (name, *others) = sorted(file.parent.name for file in store.glob("*/zarr.json"))
    (chunk, *_) = sorted((store / name / "test" / "telemetry" / "c").rglob("*"))
    chunk.write_bytes(chunk.read_bytes()[:-9])
    archive = Archive(store)
    assert archive.channels() == sorted([name, *others])
    described, damaged = archive.infos()
    assert [info.channel for info in described] == others
    assert "is damaged" in str(damaged[name]) and "Import it again" in str(damaged[name])
    with pytest.raises(ArchiveError, match="is damaged"):
        archive.open(name)
    (asset, _) = archive.asset_of(name)
    assert asset != "unknown"
    train, test = (archive.open(others[0], part).load().assign_attrs(channel=name) for part in ("train", "test"))
    archive.write(train, test)
    xr.testing.assert_identical(Archive(store).open(name).load(), test)
    assert not (store / name).exists()


def test_a_folder_that_cannot_be_written_says_so(store, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("workbench.telemetry.archiving.publishing.write_segment", refuse)
    with pytest.raises(ArchiveError, match=r"earlier release and cannot be taken over: Permission denied"):
        Archive(store)


def test_labels_that_people_set_before_stay(store):
    archive = Archive(store)
    channel = archive.channels()[0]
    archive.set_labels(channel, pd.DataFrame({"start": [3], "end": [5], "kind": ["point"]}))
    assert Archive(store).labels(channel).values.tolist() == [[3, 5, "point"]]
