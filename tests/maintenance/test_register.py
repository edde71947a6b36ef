"""The asset register: catalog and people together, where orders stand, and what is refused."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.orders.table import MeterRow, OrderRow
from workbench.maintenance.records import past_tables
from workbench.maintenance.register.items import CatalogItem
from workbench.maintenance.register.table import AssetRow

CATALOG = [
    CatalogItem("Pump-1", title="Pump 1", criticality=3),
    CatalogItem("Pump-1/BRG", "subsystem", "Pump-1", title="Bearing"),
    CatalogItem("Orbiter-1"),
]


@pytest.fixture
def desk(url, clock):
    with Maintenance(url, clock, catalog=lambda: CATALOG, criticality={"Pump-1": 3}.get) as opened:
        yield opened


def test_the_catalog_is_there_by_itself_and_people_add_to_it(desk):
    desk.parts.set("seal", "Ann", stock=5)
    register = desk.register
    register.add("Hall A", "site", "Ann", criticality=4)
    register.add("Unit 7", "unit", "Ann", parent="Hall A")
    register.change("Pump-1", "Ann", parent="Unit 7")
    name = register.add(
        "Seal", "component", "Ann", parent="Pump-1/BRG", parts={"seal": 2}, documents=["https://example.org/a.pdf"]
    )
    assert name == "Pump-1/BRG/Seal"
    table = register.list()
    assert table["name"].tolist() == ["Hall A", "Unit 7", "Pump-1", "Pump-1/BRG", "Pump-1/BRG/Seal", "Orbiter-1"]
    assert table.set_index("name")["source"].to_dict() == {
        "Hall A": "register",
        "Unit 7": "register",
        "Pump-1": "catalog",
        "Pump-1/BRG": "catalog",
        "Pump-1/BRG/Seal": "register",
        "Orbiter-1": "catalog",
    }
    criticality = table.set_index("name")["criticality"].fillna(0).to_dict()
    assert criticality["Unit 7"] == 4, "that of its site"
    assert criticality["Pump-1/BRG/Seal"] == 3, "that of its asset"
    assert criticality["Orbiter-1"] == 0, "nobody has said"
    item = register.get(name)
    assert (dict(item.parts), item.documents[0]["reference"]) == ({"seal": 2}, "https://example.org/a.pdf")


def test_orders_stand_on_what_is_registered(desk):
    desk.register.add("Seal", "component", "Ann", parent="Pump-1/BRG")
    order = desk.orders.new("Ann", asset="Pump-1/BRG/Seal", title="Leaks")
    assert (order.asset, order.subsystem, order.component) == ("Pump-1", "BRG", "Seal")
    desk.orders.new("Ann", asset="Pump-1", title="Paint")
    counts = desk.register.list().set_index("name")["orders"]
    assert counts.to_dict() == {"Pump-1": 2, "Pump-1/BRG": 1, "Pump-1/BRG/Seal": 1, "Orbiter-1": 0}
    with pytest.raises(MaintenanceError, match=r"no asset 'Pump-1/BRG/Seel'\. Did you mean Pump-1/BRG/Seal\?"):
        desk.orders.new("Ann", asset="Pump-1/BRG/Seel", title="Leaks")


def test_the_criticality_of_the_register_counts_for_priorities(desk):
    assert desk.register.criticality("Pump-1") == 3
    desk.register.add("Hall A", "site", "Ann", criticality=5)
    desk.register.change("Orbiter-1", "Ann", parent="Hall A")
    order = desk.orders.new("Ann", asset="Orbiter-1", title="Look")
    assert "criticality 5" in str(order.priority)
    desk.register.change("Pump-1", "Ann", criticality=1)
    assert desk.register.criticality("Pump-1") == 1
    desk.register.change("Pump-1", "Ann", criticality=None)
    assert desk.register.criticality("Pump-1") == 3, "that of the catalog again"


def test_what_is_retired_takes_no_new_work(desk, clock):
    desk.register.add("Seal", "component", "Ann", parent="Pump-1/BRG")
    desk.preventive.add("Grease", "Pump-1/BRG", "Ann", every_days=10)
    desk.register.retire("Pump-1", "Ann", "scrapped", datetime(2026, 3, 5, tzinfo=UTC))
    assert desk.register.get("Pump-1").state == "in service", "until then"
    desk.orders.new("Ann", asset="Pump-1", title="Last work")
    clock.forward(days=8)
    for name in ("Pump-1", "Pump-1/BRG/Seal"):
        with pytest.raises(MaintenanceError, match="Pump-1 is retired since 2026-03-05: it takes no new work"):
            desk.orders.new("Ann", asset=name)
    assert desk.preventive.open_due("workbench") == ()
    with pytest.raises(TransitionError, match="is retired since"):
        desk.register.retire("Pump-1", "Ann", "again")
    desk.register.change("Pump-1", "Ann", in_service_to=None)
    assert len(desk.preventive.open_due("workbench")) == 1


@pytest.mark.parametrize(
    ("enter", "words"),
    [
        (lambda r: r.add("X", "component", "Ann", parent="Hall A"), "A component cannot belong to Hall A, a site"),
        (lambda r: r.add("X", "subsystem", "Ann"), "A subsystem belongs to an asset, and none was named"),
        (lambda r: r.add("Hall B", "site", "Ann", parent="Hall A"), "A site cannot belong to Hall A, a site"),
        (lambda r: r.add("BRG", "subsystem", "Ann", parent="Pump-1"), "There is a subsystem Pump-1/BRG already"),
        (lambda r: r.add("a/b", "asset", "Ann"), "'a/b' cannot be the name of an asset"),
        (lambda r: r.add(" ", "asset", "Ann"), "The name of an asset is empty"),
        (lambda r: r.add("X", "machine", "Ann"), "'machine' is not a kind of asset"),
        (lambda r: r.add("X", "asset", "Ann", parent="Hal A"), r"no asset 'Hal A'\. Did you mean Hall A\?"),
        (lambda r: r.change("Pump-1", "Ann", criticality=6), "criticality cannot be 6"),
        (lambda r: r.change("Pump-1/BRG", "Ann", criticality=3), "A subsystem has no criticality of its own"),
        (lambda r: r.change("Pump-1/BRG", "Ann", parent="Orbiter-1"), "A subsystem cannot be moved"),
        (lambda r: r.change("Pump-1", "Ann"), "was not changed"),
        (lambda r: r.change("Pump-1", "Ann", documents=["no.pdf"]), "neither a web address nor a file"),
        (lambda r: r.change("Pump-1", "Ann", documents=["javascript://x"]), "neither a web address nor a file"),
        (lambda r: r.change("Pump-1", "Ann", parts={"seal": 1}), "There is no part 'seal'"),
        (lambda r: r.change("Pump-1", "Ann", colour="red"), "An asset has no colour"),
        (lambda r: r.retire("Pump-1", "Ann", " "), "The reason is empty"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(desk, enter, words):
    desk.register.add("Hall A", "site", "Ann")
    before = desk.log_length()
    with pytest.raises(MaintenanceError, match=words):
        enter(desk.register)
    assert desk.log_length() == before
    assert desk.register.list()["name"].tolist() == ["Hall A", "Orbiter-1", "Pump-1", "Pump-1/BRG"]


def test_names_of_before_are_listed_and_moved_to_what_they_mean(desk, clock):
    """An order of a release that took any name: nobody but a person knows which asset it means."""
    order = desk.orders.new("Ann", asset="Pump-1", title="Old")
    with desk.database.writing() as db:
        row = db.get(OrderRow, 1)
        row.asset = "PUMP ONE"
        db.add(MeterRow(asset="PUMP ONE", name="hours", value=12.0, read_at=clock()))
    table = desk.register.list().set_index("name")
    assert table["state"].to_dict()["PUMP ONE"] == "unregistered"
    assert table["orders"].to_dict()["PUMP ONE"] == 1
    assert desk.register.move_records("PUMP ONE", "Pump-1/BRG", "Ann") == 2
    moved = desk.orders.get(order.number)
    assert (moved.asset, moved.subsystem) == ("Pump-1", "BRG")
    assert desk.preventive.meters()[["asset", "value"]].to_numpy().tolist() == [["Pump-1", 12.0]]
    assert "unregistered" not in set(desk.register.list()["state"])
    with pytest.raises(MaintenanceError, match="There is no record of 'PUMP ONE'"):
        desk.register.move_records("PUMP ONE", "Pump-1", "Ann")
    with pytest.raises(MaintenanceError, match="Orbiter-1 is registered"):
        desk.register.move_records("Orbiter-1", "Pump-1", "Ann")


def test_the_log_vouches_for_the_register(desk, clock):
    desk.register.add("Hall A", "site", "Ann", title="North")
    before = clock()
    clock.forward(days=1)
    desk.register.change("Hall A", "Ben", title="South")
    assert desk.verify_log().ok
    past = past_tables(desk.database, before).frame(AssetRow)
    assert past["title"].tolist() == ["North"]
    assert desk.register.history("Hall A")["who"].tolist() == ["Ann", "Ben"]
    with desk.database.writing() as db:
        db.execute(sa.text("UPDATE assets SET title = 'West'"))
    assert desk.verify_log().differences == ("Asset Hall A has title 'West'; by the log it is 'South'.",)
