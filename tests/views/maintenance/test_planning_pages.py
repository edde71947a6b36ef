"""Preventive plans, the asset register and resources in the Maintenance view, with what they leave in the database."""

from datetime import date, datetime

import pytest

from tests.fake_session import small_fleet
from tests.views.look import texts
from workbench.views.maintenance.view import Maintenance
from workbench.views.state import State


@pytest.fixture
def view():
    opened = Maintenance(small_fleet())
    yield opened
    opened.close()


def enter(form, **values):
    for name, value in values.items():
        form.fields[name].value = value


def test_a_plan_is_added_refused_and_stopped(view):
    view.restore(State({"mode": "preventive"}))
    page, desk = view.preventive, view.session.maintenance
    enter(page.form, title="Grease", asset="SMAP", rule="on a day of the month", day="fifth Monday", season="Apr-Sep")
    page.on_add(page.add)
    assert page.form.refused == "day"
    assert "is not a rule for a day of the month" in texts(view)
    assert page.form.fields["title"].value == "Grease", "what was written is lost"
    assert view.failure is None
    enter(page.form, day="first Monday", checklist="Grease\nLook for leaks", skills="rf", lead=3.0)
    page.on_add(page.add)
    assert page.form.refused == ""
    row = desk.preventive.list().iloc[0]
    assert (row["calendar"], row["season"], row["lead_days"]) == ("first Monday", "Apr-Sep", 3.0)
    assert [item["text"] for item in desk.preventive.content(1)["checklist"]] == ["Grease", "Look for leaks"]
    assert "first Monday, Apr-Sep" in texts(view)
    page.on_stop(page.stop)
    assert not desk.preventive.list()["active"].any()


def test_the_fields_are_those_of_the_rule(view):
    form = view.preventive.form
    for rule, shown, hidden in (
        ("every some days", "days", "meter"),
        ("by a meter", "every", "season"),
        ("by the health index", "below", "lead"),
    ):
        enter(form, rule=rule)
        assert form.fields[shown].layout.display is None
        assert form.fields[hidden].layout.display == "none"


@pytest.mark.parametrize(
    ("rule", "field", "value", "limits"),
    [
        ("every some days", "days", -3.0, "Days must be between 0.0416667 and 36,500."),
        ("every some days", "lead", 4000.0, "Opens, days before must be between 0 and 3,650."),
        ("every some days", "hours", 0.0, "Hours must be above 0 and at most 10,000."),
        ("by a meter", "every", 0.0001, "Every, units must be between 0.001 and 1,000,000,000,000."),
        ("by the health index", "below", 150.0, "Below must be above 0 and at most 100."),
    ],
)
def test_a_number_outside_its_range_is_refused_at_its_field_and_stays(view, rule, field, value, limits):
    view.restore(State({"mode": "preventive"}))
    form = view.preventive.form
    enter(form, title="Clean", asset="SMAP", rule=rule, meter="hours", **{field: value})
    assert limits in texts(view), "before anything is pressed"
    view.preventive.on_add(view.preventive.add)
    assert limits in texts(view)
    assert (form.refused, form.fields[field].value) == (field, value)
    assert view.session.maintenance.preventive.list().empty


def test_a_component_is_added_changed_and_retired(view):
    view.restore(State({"mode": "assets"}))
    page, register = view.assets, view.session.maintenance.register
    enter(page.form, name="Pump-9", kind="asset", criticality=4)
    page.on_add(page.add)
    page.on_new(page.add)
    enter(page.form, name="Seal", kind="component", parent="Pump-8")
    page.on_add(page.add)
    assert (page.form.refused, view.failure) == ("name", None) or page.form.refused == "parent"
    assert "Did you mean Pump-9?" in texts(view)
    enter(page.form, parent="Pump-9")
    page.on_add(page.add)
    assert register.get("Pump-9/Seal").kind == "component"
    enter(page.form, title="Shaft seal", **{"from": date(2026, 1, 2)})
    page.on_save(page.save)
    assert register.get("Pump-9/Seal").title == "Shaft seal"
    page.on_retire(page.retire)
    assert page.form.refused == "reason"
    enter(page.form, reason="worn")
    page.on_retire(page.retire)
    assert register.get("Pump-9/Seal").state == "retired"
    assert page.reading.fields["asset"].value == "Pump-9"


def test_readings_and_outages(view):
    view.restore(State({"mode": "assets"}))
    page, desk = view.assets, view.session.maintenance
    enter(page.reading, asset="SMAP", meter="hours", value=12.5)
    page.on_record(page.record)
    assert desk.preventive.meters()[["meter", "value"]].to_numpy().tolist() == [["hours", 12.5]]
    enter(page.reading, value=-1.0)
    page.on_record(page.record)
    assert "Reading must be between 0 and 1,000,000,000,000." in texts(view)
    assert (page.reading.refused, page.reading.fields["value"].value) == ("value", -1.0)
    enter(page.outage, asset="SMAP", reason="")
    page.on_begin(page.begin)
    assert page.outage.refused != ""
    enter(page.outage, reason="reboot")
    page.on_begin(page.begin)
    assert "SMAP is out of service." in texts(view)
    page.on_end(page.end)
    assert desk.outages.list()["ended_at"].notna().all()
    page.on_end(page.end)
    assert page.outage.refused == "asset"


def test_shifts_absences_and_purchases(view):
    view.restore(State({"mode": "resources"}))
    page, desk = view.resources, view.session.maintenance
    enter(page.person, name="Ann", shifts="Mon-Fri 06:00-14:00; Sat 06:00-12:00", absent="2026-12-24..2026-12-20")
    page.on_save(page.save)
    assert page.person.refused == "absent"
    enter(page.person, absent="2026-12-24..2026-12-26; 2027-01-04", zone="Europe/Berlin")
    page.on_save(page.save)
    row = desk.people.list().iloc[0]
    assert row["weekly_hours"] == 46
    assert (row["absent"], row["timezone"]) == ("2026-12-24..2026-12-26; 2027-01-04", "Europe/Berlin")
    enter(page.part, part="seal", minimum=2, lead=5.0, price=12.5)
    page.on_set(page.set)
    assert desk.parts.list()[["minimum", "lead_days", "unit_cost"]].to_numpy().tolist() == [[2, 5.0, 12.5]]
    enter(page.purchase, part="seal", quantity=4, note="Acme")
    page.on_new_request(page.request)
    assert desk.purchases.list()[["part", "pieces", "note"]].to_numpy().tolist() == [["seal", 4, "Acme"]]
    page.on_request("1")
    enter(page.purchase, ordered=datetime(2026, 3, 2, 8, 0), expected=datetime(2026, 3, 9, 8, 0))
    page.on_change(page.change)
    assert desk.purchases.list()["state"].tolist() == ["ordered"]
    enter(page.purchase, quantity=3)
    page.on_receive_request(page.receive_request)
    assert desk.parts.list()["stock"].tolist() == [3]
    assert len(desk.purchases.list()) == 1, "one is still to come"
    page.on_request("1")
    page.on_cancel(page.cancel)
    assert desk.purchases.list().empty


def test_only_what_a_person_enters_is_changed(view):
    desk = view.session.maintenance
    desk.people.set("Ben", "boss", skills=["power"], rate=75.0, hours=["Mon-Thu 08:00-16:00"])
    desk.parts.set("seal", "boss", minimum=2, lead_days=5.0, unit_cost=12.5)
    view.restore(State({"mode": "resources"}))
    page = view.resources
    enter(page.person, name="Ben", absent="2027-01-04")
    page.on_save(page.save)
    assert page.person.refused == ""
    (ben,) = desk.people.list().to_dict(orient="records")
    assert (ben["skills"], ben["rate"], ben["weekly_hours"], ben["absent"]) == ("power", 75.0, 32, "2027-01-04")
    page.on_person("Ben")
    desk.people.set("Ben", "Kim", skills=["power", "rf"])
    enter(page.person, rate=80.0, absent="")
    page.on_save(page.save)
    (ben,) = desk.people.list().to_dict(orient="records")
    assert (ben["skills"], ben["rate"], ben["absent"]) == ("power, rf", 80.0, "")
    enter(page.part, part="seal", price=15.0)
    page.on_set(page.set)
    assert desk.parts.list()[["minimum", "lead_days", "unit_cost"]].to_numpy().tolist() == [[2, 5.0, 15.0]]
    page.on_part("seal")
    enter(page.part, minimum=0, lead=0.0)
    page.on_set(page.set)
    assert desk.parts.list()[["minimum", "lead_days", "unit_cost"]].to_numpy().tolist() == [[0, 0.0, 15.0]]


def test_what_others_changed_meanwhile_is_not_written_over(view):
    desk = view.session.maintenance
    desk.parts.set("seal", "boss")
    desk.purchases.request("seal", 4, "boss", note="Acme")
    view.restore(State({"mode": "resources"}))
    page = view.resources
    page.on_request("1")
    desk.purchases.change(1, "Kim", note="Smith", pieces=6)
    enter(page.purchase, expected=datetime(2030, 3, 9, 8, 0))
    page.on_change(page.change)
    assert desk.purchases.list()[["note", "pieces"]].to_numpy().tolist() == [["Smith", 6]]
    assert desk.purchases.list()["expected_at"].dt.year.tolist() == [2030]
    desk.register.add("Pump-9", "asset", "boss", title="Pump")
    view.restore(State({"mode": "assets"}))
    page = view.assets
    page.on_pick("Pump-9")
    desk.register.change("Pump-9", "Kim", title="Feed pump")
    enter(page.form, criticality=4)
    page.on_save(page.save)
    item = desk.register.get("Pump-9")
    assert (item.title, item.criticality) == ("Feed pump", 4)


def test_fields_for_assets_speak_of_them_as_the_tables_do(view, monkeypatch):
    desk = view.session.maintenance
    desk.register.add("Pump-9", "asset", "Kim")
    desk.register.add("Seal", "component", "Kim", parent="Pump-9")
    monkeypatch.setattr(desk, "asset_name", lambda name: name.replace("Pump-9", "Pump 9"))
    view.restore(State({"mode": "preventive"}))
    form = view.preventive.form
    assert {"Pump 9", "Pump 9/Seal"} <= set(form.fields["asset"].options)
    for written in ("Pump 9/Seal", "Pump-9/Seal"):
        enter(form, title="Grease", asset=written)
        view.preventive.on_add(view.preventive.add)
    assert desk.preventive.list()["asset"].tolist() == ["Pump-9", "Pump-9"]
    view.restore(State({"mode": "assets", "item": "Pump-9"}))
    page = view.assets
    shown = [one.fields["asset"] for one in (page.reading, page.outage)] + [page.form.fields["parent"]]
    assert all("Pump 9" in field.options and "Pump-9" not in field.options for field in shown)
    page.on_pick("Pump-9")
    assert page.reading.fields["asset"].value == page.outage.fields["asset"].value == "Pump 9"
    enter(page.reading, meter="hours", value=12.0)
    page.on_record(page.record)
    assert "hours of Pump 9 is 12" in texts(view)
    enter(page.outage, reason="overhaul")
    page.on_begin(page.begin)
    assert desk.preventive.meters()["asset"].tolist() == desk.outages.list()["asset"].tolist() == ["Pump-9"]
    assert "Pump 9 is out of service" in texts(view)
    page.on_pick("Pump-9/Seal")
    assert page.form.fields["parent"].value == "Pump 9"
    enter(page.form, title="Shaft seal")
    page.on_save(page.save)
    assert desk.register.get("Pump-9/Seal").parent == "Pump-9"
