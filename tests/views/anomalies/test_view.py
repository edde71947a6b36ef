"""Anomalies as an object: what its controls do, on screen and in the database."""

import re
from datetime import timedelta

import pandas as pd
import pytest

from tests.fake_session import FakeSession, small_fleet
from tests.views.look import buttons, find_button, texts
from workbench.maintenance.alerts.raising import Finding
from workbench.telemetry.catalog import Limits
from workbench.views.anomalies.view import Anomalies
from workbench.views.state import Selected, State


@pytest.fixture
def view():
    opened = Anomalies(small_fleet())
    opened.selection.who = "Ada"
    yield opened
    assert opened.failure is None or opened.failure.what.startswith("expected")
    opened.close()


def desk(view):
    return view.session.maintenance


def state_of(view, alert):
    return desk(view).alerts.get(alert).state


def press(view, action):
    view.on_action(view.actions.buttons[action])


def confirm(view, **fields):
    for name, value in fields.items():
        view.actions.fields[name].value = value
    view.on_confirm(view.actions.confirm)


def test_the_worst_alert_is_first_and_shown_with_its_reason(view):
    assert view.alerts["severity"].is_monotonic_decreasing
    assert view.alert == view.alerts["id"].iloc[0]
    row = view.list.row(view.alert)
    assert row["channel"] in texts(view)
    assert f"{row['channel']} left its forecast." in view.panels["Evidence"].facts.value
    assert "z_min 4 instead of 2.5" in view.panels["Evidence"].facts.value
    assert view.list.grid.chosen == str(view.alert)


def test_the_reason_is_said_before_what_clears_it_is_known(view, monkeypatch):
    panel = view.panels["Evidence"]
    shown = []
    explain = view.session.explain

    def explain_and_look(name, *, clearing=None):
        if clearing:
            shown.append(panel.facts.value)
        return explain(name, clearing=clearing)

    monkeypatch.setattr(view.session, "explain", explain_and_look)
    view.refresh()
    assert "left its forecast" in shown[0]
    assert "computing" in shown[0]
    assert "z_min 4 instead of 2.5" in panel.facts.value


def test_picking_a_row_chooses_for_all_views(view):
    other = int(view.alerts["id"].iloc[-1])
    view.list.grid.tell("pick", str(other))
    row = view.list.row(other)
    assert view.selection.now == Selected(row["asset"], row["channel"], row["start_sample"])
    assert row["channel"] in texts(view)


def test_acknowledging_writes_who_and_changes_the_list(view):
    alert = view.alert
    assert not view.actions.buttons["acknowledge"].disabled
    press(view, "acknowledge")
    assert desk(view).alerts.get(alert).acknowledged_by == "Ada"
    assert "1 alert acknowledged." in texts(view)
    assert view.alert == alert
    assert view.actions.buttons["acknowledge"].disabled


def test_shelving_needs_a_reason_and_ends_by_unshelving(view):
    alert = view.alert
    press(view, "shelve")
    assert view.actions.form.layout.display is None
    confirm(view, hours=2.0, text=" ")
    assert view.failure is None
    assert "Shelving needs a reason. Enter it in the field Reason." in texts(view)
    assert view.actions.refused == "text"
    assert state_of(view, alert) != "shelved"
    for hours in (0.0, -1.0, 745.0):
        confirm(view, hours=hours, text="known test")
        assert "Hours must be above 0 and at most 24." in texts(view)
        assert (view.actions.refused, view.actions.fields["hours"].value) == ("hours", hours), "not clamped"
        assert state_of(view, alert) != "shelved"
    confirm(view, hours=2.0, text="known test")
    assert view.failure is None
    assert state_of(view, alert) == "shelved"
    assert desk(view).alerts.get(alert).shelved_why == "known test"
    press(view, "unshelve")
    assert state_of(view, alert) != "shelved"


def test_a_verdict_is_chosen_by_the_person(view):
    alert = view.alert
    press(view, "close")
    assert view.actions.fields["verdict"].value == ""
    confirm(view, text="looked at")
    assert "No verdict is chosen. Choose in the field Verdict what it was." in texts(view)
    assert (view.actions.refused, view.actions.opened) == ("verdict", "close")
    assert state_of(view, alert) != "closed"
    confirm(view, verdict="test")
    assert desk(view).alerts.get(alert).verdict == "test"
    assert desk(view).alerts.get(alert).comment == "looked at"
    press(view, "comment")
    assert view.actions.refused == ""


def test_a_label_beyond_the_series_is_refused_with_its_limits(view):
    channel = view.selection.now.channel or view.list.row(view.alert)["channel"]
    last = view.session.channel(channel, "test").sizes["time"] - 1
    press(view, "label")
    confirm(view, first=last - 5, last=last + 1)
    assert f"the last sample cannot be {last + 1}. Enter a whole number from 0 to {last:,}." in texts(view)
    assert view.actions.refused == "last"
    confirm(view, first=-1, last=last)
    assert view.actions.refused == "first"


def test_closing_many_with_a_verdict_tells_of_each(view):
    view.on_mark_all(view.actions.all)
    every = [int(name) for name in view.list.grid.marked]
    desk(view).alerts.close(every[0], "Bob", "test")
    press(view, "close")
    assert view.actions.confirm.description == f"Close {len(every)} alerts"
    confirm(view, verdict="false alarm", text="all of them")
    assert f"{len(every) - 1} of {len(every)} alerts closed." in texts(view)
    assert {desk(view).alerts.get(alert).verdict for alert in every[1:]} == {"false alarm"}
    assert desk(view).alerts.get(every[0]).verdict == "test"
    assert view.list.grid.marked == []
    assert not len(view.alerts)
    assert "No open alerts." in texts(view)


def test_a_comment_is_in_the_history(view):
    press(view, "comment")
    confirm(view, text="Looks like a heater")
    assert desk(view).alerts.get(view.alert).comment == "Looks like a heater"
    assert "by Ada" in view.panels["Evidence"].facts.value


def test_a_form_says_how_many_alerts_it_is_for_also_when_more_are_marked(view):
    press(view, "comment")
    assert view.actions.confirm.description == "Add comment"
    for alert in view.alerts["id"].tolist()[:2]:
        view.list.grid.tell("mark", str(alert))
    assert view.actions.confirm.description == "Add comment to 2 alerts"
    view.list.grid.marked = []
    view.on_cancel(view.actions.cancel)


def test_one_work_order_is_opened_for_the_marked_alerts_and_never_two(view):
    same = view.alerts[view.alerts["channel"] == "P-1"]["id"].tolist()
    assert len(same) > 1
    for alert in same:
        view.list.grid.tell("mark", str(alert))
    press(view, "order")
    confirm(view, text="Look at P-1")
    (number,) = desk(view).orders.list()["number"]
    assert desk(view).orders.get(number).title == "Look at P-1"
    assert {view.list.orders[alert] for alert in same} == {number}
    view.list.grid.tell("pick", str(same[0]))
    button = view.actions.buttons["order"]
    assert (button.disabled, button.tooltip) == (True, f"In {number} already"), "no form that is refused at its end"
    other = int(view.alerts.loc[view.alerts["channel"] != "P-1", "id"].iloc[0])
    for alert in (same[0], other):
        view.list.grid.tell("mark", str(alert))
    assert not button.disabled
    press(view, "order")
    assert view.actions.confirm.description == "Open work order"
    view.on_cancel(view.actions.cancel)
    desk(view).orders.cancel(number, "not needed", "Ada")
    view.refresh()
    view.list.grid.marked = []
    view.list.grid.tell("pick", str(same[0]))
    assert not button.disabled


def test_a_label_is_added_to_those_that_are_there(view):
    before = len(view.session.archive.labels("P-1"))
    view.follow(Selected("SMAP", "P-1", 2149))
    press(view, "label")
    assert view.actions.fields["first"].value == 2149
    confirm(view, first=2140, last=2360, kind="contextual")
    labels = view.session.archive.labels("P-1")
    assert len(labels) == before + 1
    assert [2140, 2360, "contextual"] in labels.to_numpy().tolist()


def test_a_label_that_ends_before_it_begins_is_refused(view):
    press(view, "label")
    confirm(view, first=30, last=20, kind="point")
    assert "first sample lies after its last" in texts(view)
    assert view.actions.refused == "first"


def test_filters_narrow_the_list_and_a_link_carries_them(view):
    view.list.filters["place"].value = "MSL"
    assert set(view.alerts["asset"]) <= {"MSL"}
    view.list.filters["place"].value = ""
    view.list.text.value = "P-1"
    assert set(view.alerts["channel"]) == {"P-1"}
    view.list.grid.tell("sort", "channel")
    view.list.filters["kind"].value = "model"
    again = Anomalies(view.session, state=view.state)
    assert again.failure is None
    assert again.state == view.state
    assert again.alerts["id"].tolist() == view.alerts["id"].tolist()
    again.close()
    view.list.filters["state"].value = "shelved"
    assert "No alerts match." in texts(view)


def test_my_alerts_are_those_that_i_take_care_of(view):
    desk(view).people.set("Ada", "boss")
    first, second, third, fourth = view.alerts["id"].tolist()[:4]
    desk(view).alerts.acknowledge(first, "Ada")
    desk(view).alerts.shelve(second, "Ada", "bench", hours=1)
    desk(view).alerts.acknowledge(fourth, "Bob")
    order = desk(view).orders.from_alerts([third], "Bob")
    desk(view).orders.assign(order.number, "Ada", "Bob")
    view.list.filters["state"].value = "mine"
    assert set(view.alerts["id"]) == {first, second, third}
    assert "alerts_of_person('Ada')" in view.code()
    desk(view).alerts.close(first, "Ada", "test")
    desk(view).alerts.unshelve(second, "Ada")
    view.refresh()
    assert view.alerts["id"].tolist() == [third]
    view.selection.who = "Eve"
    view.refresh()
    assert "No alerts match." in texts(view)


def test_the_alerts_of_the_chosen_ones_asset_are_listed(view):
    now = view.session.clock()
    where = ("M-5", "MSL", "M", "V", "limit", 1, 9, now - timedelta(minutes=9), now)
    finding = Finding(*where, "low", None, 9.0, 5.0, "warning high", "It is warm.", ongoing=True)
    (alert,) = desk(view).alerts.raise_findings([], [finding]).raised
    view.refresh()
    assert set(view.alerts["asset"]) == {"SMAP", "MSL"}
    view.list.grid.tell("pick", str(alert))
    view.list.filters["place"].value = "this asset"
    assert view.list.filters["place"].value == "MSL"
    assert view.alerts["id"].tolist() == [alert]
    assert view.state["place"] == "MSL"


def test_sorting_by_time_turns_round(view):
    view.list.grid.tell("sort", "newest")
    assert view.list.request.order == "newest"
    view.list.grid.tell("sort", "newest")
    assert view.list.request.order == "oldest"
    view.list.grid.tell("sort", "worst")
    assert view.alerts["severity"].is_monotonic_decreasing


@pytest.mark.parametrize("state", [{"level": "awful"}, {"state": "sleeping"}, {"order": "best"}, {"panel": "none"}])
def test_a_link_with_an_unknown_filter_gives_a_card(state):
    view = Anomalies(small_fleet())
    view.restore(State({"view": "anomalies"} | state))
    assert view.failure is not None
    assert next(iter(state.values())) in view.failure.what
    view.close()


def test_the_whole_series_is_shown_and_what_is_around_the_anomaly(view):
    view.follow(Selected("SMAP", "P-1", 2149))

    def shown():
        sources = {item.data_source.name: item.data_source for item in view.plots.figures["channel"].renderers}
        return len(sources["telemetry"].data["time"])

    around = shown()
    find_button(view, "Whole series").click()
    assert shown() > around
    assert view.state["whole"] == "yes"
    find_button(view, "Around the anomaly").click()
    assert shown() == around


def test_a_channel_without_alert_is_shown_without_one(view):
    view.selection.choose(Selected("MSL", "T-3"))
    assert view.alert is None
    assert "T-3 has no alert in this list." in view.panels["Evidence"].facts.value
    assert view.actions.buttons["acknowledge"].disabled


def test_a_fleet_without_scores_says_what_to_run():
    view = Anomalies(FakeSession({"E-4": None}))
    assert "workbench run" in texts(view)
    view.close()


def test_more_than_a_page_of_alerts_comes_by_scrolling(monkeypatch):
    monkeypatch.setattr("workbench.views.anomalies.list.PAGE", 2)
    monkeypatch.setattr("workbench.views.anomalies.view.PAGE", 2)
    view = Anomalies(small_fleet())
    every = len(desk(view).alerts.list(state="open"))
    assert (len(view.alerts), view.list.total) == (2, every)
    assert f"2 of {every}" in view.list.grid.html
    view.list.grid.tell("more", "")
    assert len(view.alerts) == min(4, every)
    view.close()


@pytest.mark.parametrize("prepare", [None, "acknowledge", "shelve", "close"])
def test_a_button_is_enabled_exactly_where_the_desk_allows_its_action(prepare):
    view = Anomalies(small_fleet(), state={"state": "all"})
    alert = view.alert
    options = {"shelve": {"hours": 2, "why": "test"}, "close": {"verdict": "test"}}
    if prepare:
        desk(view).alerts.each(prepare, [alert], "Ada", **options.get(prepare, {}))
        view.refresh()
    enabled = {
        name
        for name in ("acknowledge", "shelve", "unshelve", "reset", "close")
        if not view.actions.buttons[name].disabled
    }
    allowed = set()
    for name in ("acknowledge", "shelve", "unshelve", "reset", "close"):
        alerts = small_fleet().maintenance.alerts
        if prepare:
            alerts.each(prepare, [alert], "Ada", **options.get(prepare, {}))
        if alerts.each(name, [alert], "Ada", **options.get(name, {}))["done"].all():
            allowed.add(name)
    assert enabled == allowed
    view.close()


def test_evidence_shows_what_people_wrote_the_newest_first(view):
    desk(view).alerts.comment(view.alert, "Bob", "cooler tested")
    press(view, "comment")
    confirm(view, text="Looks like a <b>heater</b>")
    facts = view.panels["Evidence"].facts.value
    assert "Looks like a &lt;b&gt;heater&lt;/b&gt;" in facts
    assert facts.index("Looks like a") < facts.index("cooler tested")
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC, commented by</span> <b>Bob</b>", facts)


def test_evidence_shows_the_newest_changes_of_a_long_history(view):
    for number in range(6):
        desk(view).alerts.comment(view.alert, f"Person{number}", "seen")
    press(view, "comment")
    confirm(view, text="the last one")
    history = view.panels["Evidence"].facts.value.rpartition("<dt>history</dt>")[2]
    assert [who for who in ("Ada", "Person5", "Person4", "Person3", "Person2") if who in history] == [
        *("Ada", "Person5", "Person4", "Person3"),
    ]


@pytest.fixture
def with_times():
    """A view of one channel with times and one alert, that begins at minute 500 of 2026."""
    opened = Anomalies(FakeSession({"P-1": [(500, 540, 2.0), (900, 950, 1.0)]}, dated=["P-1"]))
    yield opened
    assert opened.failure is None
    opened.close()


BEGIN = pd.Timestamp("2026-01-01T08:20", tz="UTC")


def test_a_link_holds_the_time_of_the_anomaly_and_leads_back_to_it(with_times):
    view = with_times
    other = int(view.alerts["id"].iloc[-1])
    view.on_pick(str(other))
    worst = int(view.alerts.loc[view.alerts["start_time"] == BEGIN, "id"].iloc[0])
    view.on_pick(str(worst))
    assert view.selection.now == Selected("SMAP", "P-1", BEGIN)
    assert view.state["anomaly"] == "2026-01-01T08:20:00"
    view.on_pick(str(other))
    view.restore(State({"view": "anomalies", "channel": "P-1", "anomaly": "2026-01-01T08:20:00"}))
    assert view.alert == worst
    view.restore(State({"view": "anomalies", "channel": "P-1", "anomaly": 900}))
    assert view.alert == other, "a link of the first release holds the row"


def test_an_export_with_other_rows_shows_the_same_anomaly(with_times):
    view = with_times
    whole = view.session.data["P-1"]
    view.session.data["P-1"] = whole.isel(time=slice(250, None))
    view.session.spans["P-1"] = [(250, 290, 2.0), (650, 700, 1.0)]
    view.refresh()
    view.follow(Selected("SMAP", "P-1", BEGIN))
    assert view.panels["Evidence"].chosen.sequence == (250, 290)
    assert "P-1 left its forecast." in view.panels["Evidence"].facts.value
    press(view, "label")
    assert (view.actions.fields["first"].value, view.actions.fields["last"].value) == (250, 290)


def test_an_anomaly_that_the_series_does_not_hold_is_said_to_be_gone(with_times):
    view = with_times
    view.session.data["P-1"] = view.session.data["P-1"].isel(time=slice(1000, None))
    view.session.spans["P-1"] = []
    view.refresh()
    view.follow(Selected("SMAP", "P-1", BEGIN))
    words = "does not hold the anomaly: 2026-01-01 08:20:00 to 2026-01-01 09:00:00 UTC."
    assert words in view.panels["Evidence"].facts.value
    for name, section in (("Similar", "words"), ("Related", "words")):
        find_button(view, name).click()
        assert words in getattr(view.panels[name], section).value


def test_why_an_alert_is_open_again_stands_in_its_evidence(view):
    alert = view.alert
    row = view.list.row(alert)
    desk(view).alerts.close(alert, "Bob", "false alarm")
    view.session.spans["P-1"] = [(2149, 2949, 2.31)]
    channel = view.session.data["P-1"]
    desk(view).alerts.raise_anomalies(channel, view.session.stored("P-1"), view.session.stored_anomalies("P-1"))
    view.refresh()
    view.follow(Selected(row["asset"], row["channel"], row["start_sample"]))
    facts = view.panels["Evidence"].facts.value
    assert "opened again" in facts
    assert "4.0 times as long as what was judged. It was closed as false alarm by Bob." in facts


def test_a_verdict_is_corrected_where_a_closed_alert_is_chosen(view):
    alerts = view.session.maintenance.alerts
    buttons = view.actions.buttons
    assert (buttons["close"].layout.display, buttons["correct"].layout.display) == (None, "none")
    number = view.alert
    alerts.close(number, "Ann", "false alarm")
    view.list.filters["state"].value = "closed"
    assert (buttons["close"].layout.display, buttons["correct"].layout.display) == ("none", None)
    press(view, "correct")
    confirm(view, verdict="true", text="it leaks")
    assert (alerts.get(number).verdict, alerts.get(number).comment) == ("true", "it leaks")
    assert "1 alert corrected." in texts(view)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("view=anomalies&alert=99999", "Anomalies does not know alert=99999 of this link."),
        ("view=anomalies&asset=Pump-99", "There is no asset 'Pump-99'."),
        ("view=anomalies&channel=Q-1", "There is no channel 'Q-1'."),
        ("view=anomalies&channel=P-1&anomaly=77", "No listed alert of P-1 begins at 77."),
    ],
)
def test_a_link_to_what_does_not_exist_says_so(view, query, words):
    view.restore(State.parse(query))
    assert view.failure.what == words
    assert words in texts(view)
    view.restore(State({"asset": "SMAP", "channel": "P-1", "anomaly": 2149}))
    assert view.failure is None


def test_the_end_of_a_shelf_is_shown_before_it_is_confirmed(view):
    """The clock of the session stands at noon of Friday, 2 January 2026."""
    press(view, "shelve")
    view.actions.fields["hours"].value = 2.0
    assert "until Fri 02 Jan 2026 14:00 UTC" in texts(view)
    view.actions.fields["hours"].value = 13.5
    assert "until Sat 03 Jan 2026 01:30 UTC" in texts(view)
    view.actions.fields["hours"].value = -2.0
    assert "until" not in texts(view.actions.form)
    assert "Hours must be above 0 and at most 24." in texts(view)
    press(view, "comment")
    assert "until" not in texts(view.actions.form)


@pytest.mark.parametrize("action", ["acknowledge", "shelve", "close"])
def test_what_was_done_is_undone_by_the_button_beside_what_is_said(view, action):
    alert, before = view.alert, state_of(view, view.alert)
    press(view, action)
    if action != "acknowledge":
        confirm(view, hours=2.0, verdict="test", text="bench")
    changed = state_of(view, alert)
    assert changed != before
    find_button(view, "Undo").click()
    assert state_of(view, alert) == before
    assert "1 alert as before." in texts(view)
    assert "Undo" not in [made.description for made in buttons(view)], "it is undone once"
    actions = desk(view).alerts.history(alert)["action"].tolist()
    assert actions[1] == {"acknowledge": "acknowledged", "shelve": "shelved", "close": "closed"}[action]
    assert len(actions) > 2, "the log keeps both"


def test_an_order_from_an_alert_has_the_priority_the_due_date_and_the_technician_that_were_chosen(view):
    desk(view).people.set("Ann", "Ada")
    press(view, "order")
    due = pd.Timestamp("2026-01-09 08:00").to_pydatetime()
    confirm(view, text="Look", priority="urgent", due=due, technician="Ann")
    order = desk(view).orders.get(desk(view).orders.list()["number"].iloc[0])
    assert (order.title, order.priority.name, order.assignee) == ("Look", "urgent", "Ann")
    assert order.due == pd.Timestamp("2026-01-09 08:00", tz="UTC")
    assert f"Order {order.number}" in [made.description for made in buttons(view)], "it leads to its order"


def test_what_is_read_stays_when_somebody_else_closes_it(view):
    alert, channel = view.alert, view.list.row(view.alert)["channel"]
    press(view, "comment")
    view.actions.fields["text"].value = "half a sent"
    desk(view).alerts.close(alert, "Bob", "test")
    view.refresh()
    assert (view.alert, view.actions.opened) == (alert, "comment")
    assert view.actions.fields["text"].value == "half a sent"
    assert alert not in view.alerts["id"].tolist()
    assert f"{channel} " in texts(view)
    assert "closed by Bob" in texts(view)
    view.on_confirm(view.actions.confirm)
    assert desk(view).alerts.get(alert).comment == "half a sent", "it is about the alert that was read"


def test_samples_that_a_section_shows_stay_in_the_charts(view):
    row = view.list.row(view.alert)
    other = next(name for name in view.session.data if name != row["channel"])
    view.look(Selected("", other, 1000), 10)

    def shown():
        sources = {item.data_source.name: item.data_source for item in view.plots.figures["channel"].renderers}
        return list(sources["telemetry"].data["telemetry"])

    before = shown()
    view.refresh()
    assert shown() == before
    assert f"Charts: {other} around sample 1,000." in texts(view)


def test_a_limit_draws_its_limit_and_the_time_beyond_it():
    session = FakeSession({"P-1": [(2149, 2349, 2.0)]})
    channel = session.data["P-1"]
    channel["telemetry"].values[1000:1030] = 3.0
    desk = session.maintenance
    desk.alerts.raise_limits(channel, Limits(warning_high=2.5))
    view = Anomalies(session, state={"kind": "limit"})
    assert view.alerts[["kind", "channel"]].values.tolist() == [["limit", "P-1"]]
    drawn = {item.data_source.name: item.data_source.data for item in view.plots.figures["channel"].renderers}
    assert list(drawn["bound_lines"]["value"]) == [2.5]
    assert (list(drawn["anomalies"]["first"]), list(drawn["anomalies"]["last"])) == ([1000], [1029])
    assert "nan" not in drawn["anomalies"]["word"][0]
    assert "time beyond the limit" in texts(view)
    assert "warning high limit, 2.5" in texts(view)
    view.follow(Selected("SMAP", "P-1", 2149))
    view.close()


def test_lists_say_when_it_happened_and_how_long_and_sort_by_it():
    view = Anomalies(FakeSession({"P-1": [(500, 540, 2.0), (900, 950, 1.0)]}, dated=["P-1"]), state={"group": "alert"})
    shown = texts(view.list.grid)
    assert "01 Jan 08:20" in shown, "minute 500 of the day"
    assert "40 min" in shown
    view.list.grid.tell("sort", "longest")
    assert view.alerts["start_sample"].tolist() == [900, 500]
    view.list.grid.tell("sort", "longest")
    assert view.alerts["start_sample"].tolist() == [500, 900]
    view.list.grid.tell("sort", "began")
    assert view.alerts["start_sample"].tolist() == [900, 500]
    view.list.grid.tell("sort", "score")
    assert view.alerts["severity"].is_monotonic_decreasing
    view.close()


def test_a_filter_acts_while_it_is_typed(view):
    for typed in ("P", "P-", "P-1 "):
        view.list.text.value = typed
        assert view.list.text.value == typed, "a blank is not taken from who types"
    assert set(view.alerts["channel"]) == {"P-1"}
    assert view.list.text.continuous_update


def test_an_alert_whose_order_is_done_opens_no_form_but_leads_to_its_order(view):
    alert = int(view.alerts["id"].iloc[0])
    order = desk(view).orders.from_alerts([alert], "Ada", type="inspection")
    desk(view).people.set("Ann", "Ada")
    desk(view).orders.assign(order.number, "Ann", "Ada")
    desk(view).orders.start(order.number, "Ann")
    items = range(1, len(order.checklist) + 1)
    for item in items:
        desk(view).orders.answer(order.number, item, "yes", "Ann")
    desk(view).orders.complete(order.number, "Ann", done="Looked", hours=1, verdict="false alarm")
    assert state_of(view, alert) == "closed"
    view.restore(State({"state": "all"}))
    view.list.grid.tell("pick", str(alert))
    press(view, "order")
    assert view.actions.opened == ""
    assert f"has a work order already: {order.number} (completed)" in texts(view)
    assert f"Order {order.number}" in [made.description for made in buttons(view)]


def test_the_form_of_an_order_says_what_it_is_for_whatever_alert_is_shown(view):
    other = int(view.alerts.loc[view.alerts["channel"] == "A-2", "id"].iloc[0])
    view.follow(Selected("SMAP", "P-1"))
    view.list.grid.tell("mark", str(other))
    press(view, "order")
    assert "A-2" in view.actions.fields["text"].placeholder
    title = view.actions.fields["text"].placeholder
    confirm(view)
    assert desk(view).orders.get(view.list.orders[other]).title == title


def test_a_form_does_not_move_to_another_alert(view):
    view.follow(Selected("SMAP", "P-1"))
    press(view, "order")
    assert "P-1" in view.actions.fields["text"].placeholder
    view.list.text.value = "A-2"
    assert view.actions.opened == ""
