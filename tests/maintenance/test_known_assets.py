"""A name of an asset that is a typo is refused, with the nearest name, wherever somebody enters one."""

from datetime import UTC, datetime

import pytest

import workbench as wb
from workbench.exceptions import MaintenanceError
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.register.items import CatalogItem


@pytest.mark.parametrize(
    "enter",
    [
        lambda desk, name: desk.orders.new("Ann", asset=name),
        lambda desk, name: desk.outages.start(name, "Ann", "rebuild"),
        lambda desk, name: desk.preventive.add("Grease", name, "Ann", every_days=9),
        lambda desk, name: desk.preventive.read_meter(name, "hours", 3.0, "Ann"),
    ],
)
def test_a_typo_is_refused_with_the_nearest_name(tmp_path, clock, enter):
    names = ["Pump-1", "Compressor-9"]
    with Maintenance(
        f"sqlite:///{tmp_path / 'maintenance.db'}", clock, catalog=lambda: map(CatalogItem, names)
    ) as desk:
        for typo in ("Compresor-9", "compressor-9"):
            with pytest.raises(MaintenanceError, match=rf"no asset '{typo}'\. Did you mean Compressor-9\?"):
                enter(desk, typo)
        with pytest.raises(MaintenanceError, match=r"no asset 'X'\. Known: Compressor-9, Pump-1\."):
            enter(desk, "X")
        assert desk.log_length() == 0
        enter(desk, "Compressor-9")
        names.clear()  # a home without any asset yet
        desk.orders.new("Ann", asset="Anything")


def test_a_session_lives_by_the_clock_that_is_passed(tmp_path):
    clock = iter([datetime(2031, 5, day, tzinfo=UTC) for day in range(1, 28)])
    with wb.open(tmp_path, clock=lambda: next(clock), home=tmp_path / "home") as session:
        order = session.maintenance.orders.new("Ann", asset="Pump-1")
        assert order.opened_at.year == 2031
        assert session.maintenance.kpis(session.watched()).until.year == 2031
