"""Fixtures of the tests of models."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.fakes import HASH, ScriptedForecaster, fitted
from workbench.detection.forecasters import FORECASTERS
from workbench.models.registry import Registry


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry made once: P-1 with two persistence versions and one ridge, A-10 and A-2 with one each."""
    folder = tmp_path_factory.mktemp("filled") / "registry"
    with Registry(folder) as registry:
        _fill(registry)
    return folder


def _fill(registry: Registry) -> None:
    registry.register(fitted(0.5), "P-1", HASH, seed=0, duration=1.5)
    registry.register(fitted(0.7), "P-1", HASH, seed=1, duration=2.5, alias="challenger")
    registry.register(fitted(0.3, "ridge"), "P-1", HASH, seed=0, duration=0.25)
    registry.register(fitted(0.1), "A-10", HASH, seed=0, duration=1.0)
    registry.register(fitted(0.2), "A-2", "cd" * 32, seed=0, duration=1.0)


@pytest.fixture
def registry(filled_folder: Path, tmp_path: Path) -> Iterator[Registry]:
    """A copy of the filled registry in another place."""
    with Registry(shutil.copytree(filled_folder, tmp_path / "registry")) as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "registry"
    with Registry(folder) as registry:
        registry.check_writable()
    return folder


@pytest.fixture
def empty_registry(empty_folder: Path, tmp_path: Path) -> Iterator[Registry]:
    """A registry with a database and no model."""
    with Registry(shutil.copytree(empty_folder, tmp_path / "empty")) as opened:
        yield opened


@pytest.fixture
def scripted() -> Iterator[type[ScriptedForecaster]]:
    """`ScriptedForecaster`, known as a forecaster during one test."""
    ScriptedForecaster.reset()
    FORECASTERS[ScriptedForecaster.name] = ScriptedForecaster
    yield ScriptedForecaster
    del FORECASTERS[ScriptedForecaster.name]
