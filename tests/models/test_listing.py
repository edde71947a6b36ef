import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.models.fakes import HASH, fitted
from workbench.exceptions import ModelError
from workbench.models import registry as registry_module
from workbench.models.listing import natural_key, queries
from workbench.models.registry import Registry


def database(registry: Registry) -> Path:
    path = registry.location.database
    assert path is not None
    return path


def through_mlflow(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The same registry, whose tables cannot be read directly."""

    def refuses(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("no such column: workspace")

    monkeypatch.setattr(registry_module, "list_models", refuses)
    return Registry(registry.location.folder)


def test_a_listing_tells_all_about_each_version(registry: Registry) -> None:
    infos = registry.list()
    assert [info.id for info in infos] == [
        "A-2.persistence/1",
        "A-10.persistence/1",
        "P-1.persistence/1",
        "P-1.persistence/2",
        "P-1.ridge/1",
    ]
    info = infos[3]
    assert (info.channel, info.forecaster, info.version) == ("P-1", "persistence", 2)
    assert info.aliases == ("challenger",)
    assert info.train_hash == HASH
    assert info.metrics == {"validation_error": 0.7, "training_seconds": 2.5}
    assert info.parameters == {"sequence_length": "250", "prediction_horizon": "10", "seed": "1"}
    assert (info.path / "manifest.json").exists()
    assert datetime(2024, 1, 1, tzinfo=UTC) < infos[0].created <= datetime.now(UTC)
    assert infos[0].created >= infos[3].created  # A-2 was registered last


@pytest.mark.parametrize(
    ("channel", "forecaster", "count"),
    [(None, None, 5), ("P-1", None, 3), (None, "persistence", 4), ("P-1", "ridge", 1), ("A-2", "ridge", 0)],
)
def test_mlflow_itself_lists_the_same(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, channel: str | None, forecaster: str | None, count: int
) -> None:
    direct = registry.list(channel, forecaster)
    assert len(direct) == count
    assert through_mlflow(registry, monkeypatch).list(channel, forecaster) == direct


def test_versions_that_others_registered_are_left_out(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    with registry.client() as client:
        client.create_registered_model("someone-elses")
        client.create_model_version("someone-elses", "file:///nowhere", await_creation_for=0)
        client.delete_model_version("P-1.ridge", "1")
    names = {info.name for info in registry.list()}
    assert names == {"A-2.persistence", "A-10.persistence", "P-1.persistence"}
    assert through_mlflow(registry, monkeypatch).list() == registry.list()


def test_a_missing_store_is_an_empty_list_and_stays_missing(tmp_path: Path) -> None:
    assert Registry(tmp_path / "none").list() == []
    assert Registry(tmp_path, f"sqlite:///{tmp_path / 'none.db'}").list() == []
    assert not list(tmp_path.iterdir())


def test_a_database_that_is_not_mlflows_is_empty_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE model_versions (name TEXT)")
    before = path.read_bytes()
    assert Registry(tmp_path / "registry", f"sqlite:///{path}").list() == []
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(ModelError, match=r"mlflow\.db cannot be used: file is not a database"):
        Registry(tmp_path).list()


def test_a_listing_sees_whole_registrations_while_another_one_is_written(registry: Registry) -> None:
    with closing(sqlite3.connect(database(registry), isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM registered_model_aliases")
        assert [info.aliases for info in registry.list("P-1", "ridge")] == [("champion",)]
        writer.execute("COMMIT")
        assert [info.aliases for info in registry.list("P-1", "ridge")] == [()]


def test_a_listing_reads_a_file_it_may_not_write(registry: Registry) -> None:
    before = database(registry).read_bytes()
    assert len(registry.list()) == 5
    assert database(registry).read_bytes() == before
    assert not list(registry.location.folder.glob("mlflow.db-*"))


def test_a_registry_that_was_moved_finds_its_artifacts(registry: Registry, tmp_path: Path) -> None:
    moved = tmp_path / "a place with spaces" / "ü %20#"
    moved.parent.mkdir()
    shutil.move(registry.location.folder, moved)
    infos = Registry(moved).list()
    assert len(infos) == 5
    assert all(info.path.is_relative_to(moved) and info.path.is_dir() for info in infos)


def test_a_listing_imports_no_mlflow_and_no_tensorflow(registry: Registry) -> None:
    code = (
        "import sys; from pathlib import Path; from workbench.models import Registry;"
        f"print(len(Registry(Path({str(registry.location.folder)!r})).list()));"
        "print(sorted({'mlflow', 'sqlalchemy', 'tensorflow', 'onnxruntime', 'keras'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["5", "[]"]


def test_natural_order_takes_names_of_any_form() -> None:
    names = ["B", "A-10", "10", "A-2", "A-2b", "", "A"]
    assert sorted(names, key=natural_key) == ["", "10", "A", "A-2", "A-2b", "A-10", "B"]


@pytest.mark.parametrize(
    "filters",
    [{"name": "P-1.ridge"}, {"channel": "P-1"}, {"channel": "P-1", "forecaster": "ridge"}],
    ids=["name", "channel", "channel and forecaster"],
)
def test_each_query_of_one_channel_or_model_goes_by_an_index(registry: Registry, filters: dict[str, str]) -> None:
    """A plan says SEARCH where an index leads to the rows, and SCAN where every row of the table is read."""
    with closing(sqlite3.connect(database(registry))) as connection:
        for text, values in queries(**filters):
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
            assert any(step.startswith("SEARCH") for step in plan), plan
            assert not any(step.startswith("SCAN") for step in plan), plan


def test_channels_whose_names_begin_alike_are_told_apart(registry: Registry) -> None:
    registry.register(fitted(0.4), "P-1.ridge", HASH, seed=0, duration=1.0)
    registry.register(fitted(0.4), "P-10", HASH, seed=0, duration=1.0)
    registry.register(fitted(0.4), "P-1_2", HASH, seed=0, duration=1.0)
    names = ["P-1.persistence/1", "P-1.persistence/2", "P-1.ridge/1"]
    assert [info.id for info in registry.list("P-1")] == names
    assert [info.id for info in registry.list("P-1.ridge")] == ["P-1.ridge.persistence/1"]
    assert [info.id for info in registry.list("P-1", "ridge")] == ["P-1.ridge/1"]
    assert registry.list("P") == []
