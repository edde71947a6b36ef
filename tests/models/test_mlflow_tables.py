"""The tables of a new registry are those that MLflow's own migrations make, whether or not this release knows them."""

import sqlite3
from contextlib import closing
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest

from workbench.models import mlflow_calls
from workbench.models.mlflow_calls import make_tables
from workbench.models.registry import Registry

FILE = files("workbench.models").joinpath("mlflow_tables.sql")


def dumped(database: Path) -> str:
    """All tables and rows of a database as SQL; the experiments that MLflow adds at its first use are left out."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM experiments")
        return "\n".join([f"-- MLflow {version('mlflow')}", *connection.iterdump()]) + "\n"


def lines_of(script: str) -> list[str]:
    """The lines of SQL, sorted: MLflow's migrations write the constraints of a table in any order."""
    return sorted(line.strip().rstrip(",") for line in script.splitlines())


@pytest.mark.slow
def test_the_tables_are_those_of_mlflows_own_migrations(tmp_path, monkeypatch):
    """After a new release of MLflow this says what the file must hold; until then registries are made as by MLflow."""
    monkeypatch.setattr(mlflow_calls, "make_tables", lambda database: None)
    with Registry(tmp_path) as registry:
        registry.check_writable()
    (tmp_path / "mlflow_tables.sql").write_text(made := dumped(tmp_path / "mlflow.db"))
    is_same = lines_of(made) == lines_of(FILE.read_text("utf-8"))
    assert is_same, f"copy {tmp_path / 'mlflow_tables.sql'} to workbench/models"


def test_tables_of_another_mlflow_are_left_to_it(tmp_path, monkeypatch):
    make_tables(tmp_path / "known.db")
    assert (dumped(tmp_path / "known.db") == FILE.read_text("utf-8")) is True  # without a long account of how
    monkeypatch.setattr(mlflow_calls, "version", lambda package: "3.99.0")
    make_tables(tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()
