"""Figures, technicians, stock and the log of the Maintenance view."""

import base64
import io
import re
from datetime import date

import pandas as pd
import pytest

from tests.fake_session import small_fleet
from tests.views.look import find_field, markup, texts
from workbench.views.maintenance.log import PAGE
from workbench.views.maintenance.view import Maintenance
from workbench.views.state import State


@pytest.fixture
def view():
    session = small_fleet()
    for place in range(PAGE + 20):
        session.maintenance.parts.set(f"seal {place}", "Kim")
    session.maintenance.orders.new("Lee", asset="SMAP", channel="P-1", type="inspection", title="Look")
    opened = Maintenance(session, state={"mode": "log"})
    yield opened
    opened.close()


def test_pages_go_from_the_newest_to_the_oldest(view):
    log, total = view.log, view.session.maintenance.log_length()
    assert (log.total, len(log.entries)) == (total, PAGE)
    assert log.entries["seq"].iloc[0] == total
    log.on_page(log.older)
    assert log.entries["seq"].iloc[0] == total - PAGE
    log.on_page(log.oldest)
    assert log.entries["seq"].iloc[-1] == 1
    assert log.older.disabled
    log.on_page(log.newest)
    assert log.newer.disabled
    assert log.entries["seq"].iloc[0] == total


def test_filters_leave_what_they_say(view):
    log = view.log
    log.fields["find"].value = "seal 7"
    assert log.total == 11, "seal 7 and seal 70 to 79"
    log.fields["find"].value = ""
    log.fields["by"].value = "Lee"
    assert set(log.entries["who"]) == {"Lee"}
    log.fields["by"].value = ""
    log.fields["object"].value = "WO-1"
    assert set(log.entries["subject"]) == {"order:1"}
    log.fields["object"].value = ""
    log.fields["kind"].value = "part"
    assert log.total == PAGE + 20
    log.fields["from"].value = date(2026, 1, 3)
    assert log.total == 0
    assert "No rows match." in log.grid.html
    log.fields["from"].value = date(2026, 1, 2)
    log.fields["to"].value = date(2026, 1, 2)
    assert log.total == PAGE + 20
    again = Maintenance(view.session, state=view.state)
    assert again.state == view.state
    assert again.log.total == PAGE + 20
    again.close()


def test_what_is_found_is_saved_whole(view):
    view.log.fields["kind"].value = "part"
    view.log.on_save(view.log.save)
    content = base64.b64decode(re.search("base64,([^\"']+)", markup(view))[1]).decode()
    assert len(pd.read_csv(io.StringIO(content))) == PAGE + 20


def test_a_row_opens_its_order_and_the_chain_is_verified(view):
    view.log.fields["object"].value = "WO-1"
    view.log.on_pick(str(view.log.entries["seq"].iloc[0]))
    assert "object WO-1" in texts(view)
    view.log.on_verify(view.log.check)
    assert str(view.session.maintenance.verify_log()) in texts(view)
    assert "critical" not in markup(view)
    view.log.on_open(str(view.log.entries["seq"].iloc[0]))
    assert (view.mode.name, view.orders.order.number) == ("Orders", "WO-1")


@pytest.mark.parametrize("wrong", [{"kind": "x"}, {"page": "x"}])
def test_links_that_cannot_be_are_refused(view, wrong):
    view.restore(State({"mode": "log"} | wrong))
    assert view.failure is not None


def test_stock_and_technicians_are_changed(view):
    view.restore(State({"mode": "resources"}))
    resources, desk = view.resources, view.session.maintenance
    part, person = resources.part.fields, resources.person.fields
    part["part"].value, part["quantity"].value = "filter", 4
    part["minimum"].value, part["lead"].value = 6, 3.0
    resources.on_receive(resources.receive)
    assert resources.part.refused == "part", "a part that is not there"
    resources.on_set(resources.set)
    resources.on_receive(resources.receive)
    assert resources.part.refused == ""
    row = desk.parts.list().set_index("name").loc["filter"]
    assert (row["stock"], row["minimum"], row["lead_days"], row["below"]) == (4, 6, 3.0, True)
    assert "to reorder" in view.head.value
    person["name"].value, person["skills"].value = "Ann", "rf, optics"
    resources.on_save(resources.save)
    assert "Ann" in desk.people.list()["name"].tolist()
    person["name"].value = "ann"
    resources.on_save(resources.save)
    assert desk.people.list()["name"].tolist() == ["Ann"], "a slip of Ann is asked about"
    person["name"].value, person["rate"].value = "Ann", -80.0
    resources.on_save(resources.save)
    assert desk.people.list()["rate"].tolist() == [0.0]
    resources.on_part("seal 1")
    assert (part["part"].value, part["minimum"].value) == ("seal 1", 0)


def test_figures_follow_the_technicians(view):
    view.session.maintenance.people.set("Ann", "Kim")
    view.restore(State({"mode": "figures"}))
    assert view.figures.load["name"].tolist() == ["Ann"]
    find_field(view, "Period").value = 365
    assert view.state["days"] == "365"
    assert set(view.figures.shown_table().columns) >= {"value"}
