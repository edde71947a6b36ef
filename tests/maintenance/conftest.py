"""A maintenance database of each kind, and a clock that tests turn."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.maintenance.alerts.raising import Finding
from workbench.maintenance.database import MIGRATIONS, Database

START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'maintenance.db'}"
    url: str = request.getfixturevalue("fresh_postgres")
    return url


@pytest.fixture
def database(url: str, clock: Clock) -> Iterator[Database]:
    opened = Database(url, clock)
    yield opened
    opened.close()


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Make a finding on P-1; keywords change it."""

    def make(**changed: object) -> Finding:
        start, end = int(changed.get("start_sample", 100)), int(changed.get("end_sample", 120))  # type: ignore[call-overload]
        channel = str(changed.get("channel", "P-1"))
        values = {
            "channel": channel,
            "asset": "SMAP",
            "subsystem": channel[0],
            "units": "",
            "kind": "model",
            "start_sample": start,
            "end_sample": end,
            "start_time": None,
            "end_time": None,
            "level": "high",
            "severity": 9.0,
            "value": 0.5,
            "threshold": 0.1,
            "source": f"{channel}.lstm/1",
            "message": f"{channel} left its forecast",
            "ongoing": True,
        }
        return Finding(**(values | changed))

    return make


def downgrade(database: Database, revision: str) -> None:
    """Bring a database back to an earlier revision, as the release of that revision left it."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    writer = database.engine.execution_options(writes=True)
    with writer.begin() as connection, EnvironmentContext(config, script) as environment:
        environment.configure(
            connection, fn=lambda present, _: script._downgrade_revs(revision, present), transactional_ddl=True
        )
        environment.run_migrations()
    database.close()
