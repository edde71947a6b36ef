from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench as wb
from tests.homes import copy_of
from tests.tuning.fleets import SETTINGS, make_fleet


@pytest.fixture
def fleet(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[wb.Session]:
    """A session with the fleet for which the right parameters are known."""
    home = copy_of("tuned fleet", make_fleet, tmp_path_factory, tmp_path)
    with wb.open(home=home, **SETTINGS) as session:
        yield session
