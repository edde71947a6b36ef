import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.models.fakes import HASH, fitted, window
from workbench.exceptions import ArtifactError, ModelError, ModelNotFoundError
from workbench.models.registry import EXPERIMENT, Registry

ROOT = Path(__file__).parents[2]


def register(registry: Registry, error: float = 0.5, name: str = "persistence", **options: Any) -> Any:
    return registry.register(fitted(error, name), "P-1", HASH, **{"seed": 0, "duration": 1.0, **options})


def test_versions_count_up_and_the_alias_moves(empty_registry: Registry) -> None:
    first = register(empty_registry)
    second = register(empty_registry, 0.4)
    assert (first.id, first.aliases) == ("P-1.persistence/1", ("champion",))
    assert (second.id, second.aliases) == ("P-1.persistence/2", ("champion",))
    assert [info.aliases for info in empty_registry.list()] == [(), ("champion",)]


def test_a_loaded_model_predicts_what_the_registered_one_did(registry: Registry) -> None:
    model = registry.load(registry.get("P-1.persistence", 1))
    assert (model.predict_window(window()) == fitted().predict_window(window())).all()


def test_a_model_is_loaded_once_and_then_kept(registry: Registry) -> None:
    info = registry.get("P-1.persistence", 1)
    assert registry.load(info) is registry.load(registry.get("P-1.persistence", "champion"))
    assert (registry.cache.hits, registry.cache.misses) == (1, 1)
    size = sum(path.stat().st_size for path in info.path.iterdir() if path.name != "manifest.json")
    assert registry.cache.bytes == size
    assert registry.load(registry.get("P-1.persistence", 2)) is not registry.load(info)


def test_a_tampered_artifact_is_not_loaded(registry: Registry) -> None:
    info = registry.get("P-1.persistence", 1)
    path = info.path / "forecaster.json"
    path.write_text(path.read_text().replace("1", "2"))
    with pytest.raises(ArtifactError, match=r"forecaster\.json has SHA-256 .* expected"):
        registry.load(info)
    assert len(registry.cache) == 0


def test_an_artifact_with_a_forged_manifest_is_not_loaded(registry: Registry) -> None:
    from workbench.models.artifacts import write

    info = registry.get("P-1.persistence", 1)
    info.path.rename(info.path.with_name("away"))
    write(fitted(0.9), info.path)
    with pytest.raises(ArtifactError, match=r"manifest\.json has SHA-256"):
        registry.load(info)


def test_a_missing_artifact_is_one_clear_error(registry: Registry) -> None:
    info = registry.get("P-1.persistence", 1)
    info.path.rename(info.path.with_name("away"))
    with pytest.raises(ArtifactError, match="is missing"):
        registry.load(info)


def test_nothing_registered_is_pickled(registry: Registry) -> None:
    files = [path for path in registry.location.folder.rglob("*") if path.is_file()]
    allowed = {".json", ".onnx", ".safetensors", ".db", ""}
    assert {path.suffix for path in files} <= allowed
    assert {path.name for path in files if path.suffix == ""} <= {"MLmodel", ".lock"}
    assert not any(path.read_bytes().startswith(b"\x80") for path in files)


def test_mlflow_knows_parameters_metrics_tags_and_signature(registry: Registry) -> None:
    info = registry.get("P-1.persistence", 2)
    with registry.client() as client:
        import mlflow.models

        run = client.get_run(info.run_id)
        version = client.get_model_version_by_alias("P-1.persistence", "challenger")
        description = mlflow.models.get_model_info(str(info.path))
    assert run.info.status == "FINISHED"
    assert run.data.params == {"sequence_length": "250", "prediction_horizon": "10", "seed": "1"}
    assert run.data.metrics == {"validation_error": 0.7, "training_seconds": 2.5}
    assert {key: run.data.tags[key] for key in ("channel", "forecaster", "train_hash", "seed")} == {
        "channel": "P-1",
        "forecaster": "persistence",
        "train_hash": HASH,
        "seed": "1",
    }
    assert run.data.tags["workbench_version"]
    assert (version.run_id, version.version) == (info.run_id, 2)
    inputs, outputs = description.signature.inputs.inputs[0], description.signature.outputs.inputs[0]
    assert (inputs.shape, outputs.shape) == ((-1, 250, 3), (-1, 10))
    assert (inputs.type.name, outputs.type.name) == ("float32", "float32")


def test_a_figure_that_is_not_a_number_is_not_stored(empty_registry: Registry) -> None:
    info = register(empty_registry, float("nan"), duration=float("inf"))
    assert info.metrics == {}


def test_the_champion_is_the_best_of_the_forecasters_champions(registry: Registry) -> None:
    assert registry.champion("P-1").id == "P-1.ridge/1"
    assert registry.champion("P-1", "persistence").id == "P-1.persistence/1"
    registry.set_alias("P-1.persistence", 2, "champion")
    assert registry.champion("P-1", "persistence").id == "P-1.persistence/2"


def test_a_version_of_least_error_that_is_not_champion_is_not_chosen(empty_registry: Registry) -> None:
    register(empty_registry, 0.5)
    register(empty_registry, 0.1, alias="challenger")
    assert empty_registry.champion("P-1").version == 1


def test_an_alias_belongs_to_one_version(registry: Registry) -> None:
    info = registry.set_alias("P-1.persistence", "challenger", "champion")
    assert info.aliases == ("challenger", "champion")
    assert [info.aliases for info in registry.list("P-1", "persistence")] == [(), ("challenger", "champion")]


@pytest.mark.parametrize("alias", ["best", "", "1"])
def test_another_alias_is_refused_before_anything_is_written(empty_registry: Registry, alias: str) -> None:
    with pytest.raises(ModelError, match="is not in use"):
        register(empty_registry, alias=alias)
    assert empty_registry.list() == []
    assert not (empty_registry.location.folder / "artifacts").exists()


def test_what_is_not_there_is_told_with_the_way_to_it(registry: Registry) -> None:
    with pytest.raises(ModelNotFoundError, match="workbench train B-1 --forecaster ridge"):
        registry.champion("B-1")
    with pytest.raises(ModelNotFoundError, match=r"has no version 7\. It has 1, 2, champion, challenger"):
        registry.get("P-1.persistence", 7)
    with pytest.raises(ModelNotFoundError, match=r"has no version 'challenger'"):
        registry.get("P-1.ridge", "challenger")
    with pytest.raises(ModelNotFoundError, match=r"no model 'Q-1\.ridge'"):
        registry.set_alias("Q-1.ridge", 1, "champion")


def test_a_store_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"mlflow\.db cannot be used: .*Not a directory"):
        register(Registry(tmp_path / "file" / "registry"))


def test_a_read_only_database_is_one_clear_error_and_logs_nothing(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import sqlite3

    with registry.client():
        pass  # MLflow is loaded

    def read_only(file: object, *arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(f"file:{file}?mode=ro", *arguments, uri=True, **options)

    connect = sqlite3.dbapi2.connect
    monkeypatch.setattr(sqlite3.dbapi2, "connect", read_only)
    with pytest.raises(ModelError, match="attempt to write a readonly database"):
        register(Registry(registry.location.folder, f"sqlite:///{registry.location.database}?"))
    assert capfd.readouterr() == ("", "")


STEPS = ["create_run", "log_batch", "set_terminated", "create_registered_model", "create_model_version"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_registration_that_stops_midway_shows_nothing(
    empty_registry: Registry, monkeypatch: pytest.MonkeyPatch, step: str, error: type[BaseException]
) -> None:
    from mlflow.tracking import MlflowClient

    def stops(*_: object, **__: object) -> None:
        raise error("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, step, stops)
        with pytest.raises((KeyboardInterrupt, ModelError)):
            register(empty_registry)
    assert empty_registry.list() == []
    with pytest.raises(ModelNotFoundError):
        empty_registry.champion("P-1")
    info = register(empty_registry)
    assert info.id == "P-1.persistence/1"
    assert empty_registry.load(info).n_inputs == 3


@pytest.mark.slow
def test_a_new_database_that_stops_midway_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: object) -> None:
        raise KeyboardInterrupt

    registry = Registry(tmp_path / "registry")
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", stops)
        with pytest.raises(KeyboardInterrupt):
            registry.check_writable()
    assert {path.name for path in registry.location.folder.iterdir()} == {".lock"}
    assert registry.list() == []
    assert register(registry).version == 1


@pytest.mark.slow
def test_processes_that_register_at_once_get_versions_of_their_own(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from tests.models.fakes import fitted
from workbench.models import Registry
registry = Registry(Path({str(tmp_path / "registry")!r}))
for error in (0.5, 0.4, 0.3):
    print(registry.register(fitted(error), "P-1", "00", seed=0, duration=1.0).version)
"""
    command = [sys.executable, "-c", code]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    versions = sorted(int(line) for process in running for line in process.communicate(timeout=120)[0].split())
    assert [process.returncode for process in running] == [0, 0]
    assert versions == [1, 2, 3, 4, 5, 6]
    registry = Registry(tmp_path / "registry")
    assert [info.version for info in registry.list()] == versions
    assert sum("champion" in info.aliases for info in registry.list()) == 1
    assert all(registry.load(info).n_inputs == 3 for info in registry.list())


def test_another_database_keeps_artifacts_in_the_registrys_folder(tmp_path: Path) -> None:
    path = tmp_path / "shared data" / "tracking.db"
    other = Registry(tmp_path / "my registry", f"sqlite:///{path}")
    info = register(other)
    assert path.exists()
    assert info.path.is_relative_to(tmp_path / "my registry" / "artifacts")
    assert other.load(info).n_inputs == 3
    elsewhere = Registry(tmp_path / "another registry", f"sqlite:///{path}")
    assert elsewhere.list() == [info]
    assert elsewhere.load(info).n_inputs == 3


def test_a_deleted_experiment_is_one_clear_error(registry: Registry) -> None:
    with registry.client() as client:
        client.delete_experiment(client.get_experiment_by_name(EXPERIMENT).experiment_id)
    with pytest.raises(ModelError, match="deleted"):
        register(registry)


def test_a_password_in_the_tracking_uri_is_not_shown() -> None:
    registry = Registry(Path("registry"), "postgresql://me:secret@db.example/mlflow?password=secret")
    assert str(registry.location) == "postgresql://db.example/mlflow"


def test_registering_sends_nothing_anywhere(tmp_path: Path) -> None:
    code = f"""
import socket, sys
from pathlib import Path
def refuse(self, address):
    print("contacted", address)
    raise OSError("no network")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = lambda *arguments, **options: print("looked up", arguments)
from tests.models.fakes import fitted
from workbench.models import Registry
registry = Registry(Path({str(tmp_path / "registry")!r}))
info = registry.register(fitted(), "P-1", "00", seed=0, duration=1.0)
from mlflow.telemetry.client import get_telemetry_client
print(info.id, get_telemetry_client())
"""
    automation = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "GITLAB_CI", "BUILDKITE", "JENKINS_URL")
    environment = {key: value for key, value in os.environ.items() if key not in automation}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.stdout == "P-1.persistence/1 None\n"
    assert done.stderr == ""
