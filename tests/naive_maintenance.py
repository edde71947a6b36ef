"""The figures of maintenance by their definitions, from the rows of the log alone: slow, and in plain Python."""

import itertools
import json
import math
from datetime import date, datetime, timedelta
from itertools import pairwise

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
NO_ANSWER = "Its channel was removed from the archive."


def tables_of(rows, as_of):
    """Replay the log: `rows` are its rows in order, as mappings; times are microseconds."""
    tables = {}
    for row in rows:
        if row["time"] > as_of or not row["changes"]:
            continue
        for table, key, values in json.loads(row["changes"]):
            if values is None:
                del tables[table][tuple(key)]
            else:
                tables.setdefault(table, {}).setdefault(tuple(key), {}).update(values)
    return tables


def failures_of(tables):
    """Each failure: asset, time, and the order that repaired it or None."""
    alerts, links, orders = (tables.get(name, {}) for name in ("alerts", "order_alerts", "orders"))
    found = []
    cases_with_order = set()
    for (number,), order in orders.items():
        own = [alerts[alert,] for linked, alert in links if linked == number]
        if order["state"] != "cancelled":
            cases_with_order |= {alert["case_id"] for alert in own}
        if order["state"] == "completed" and order["failure_kind"] == "functional failure":
            times = [alert["start_time"] for alert in own if alert["start_time"] is not None]
            found.append((order["asset"], min(times, default=order["opened_at"]), number))
    by_case = {}
    for alert in alerts.values():
        if alert["verdict"] == "true" and alert["case_id"] not in cases_with_order:
            time = alert["raised_at"] if alert["start_time"] is None else alert["start_time"]
            first = by_case.get(alert["case_id"], (alert["asset"], time))
            by_case[alert["case_id"]] = min(first, (alert["asset"], time), key=lambda one: one[1])
    return found + [(asset, time, None) for asset, time in by_case.values()]


def hours_of(spans, outages, since, until):
    """Hours of a period inside some spans and outside outages, counted piece by piece between all bounds."""
    bounds = sorted({since, until, *(bound for pair in spans + outages for bound in pair)})
    total = 0
    for start, end in pairwise(bounds):
        middle = (start + end) / 2
        inside = since <= middle < until and any(a <= middle < b for a, b in spans)
        total += (end - start) if inside and not any(a <= middle < b for a, b in outages) else 0
    return total / HOUR


def acknowledgement_minutes(rows, since, until):
    """Minutes from each announcement to its first answer, for the answers of a period."""
    minutes = []
    announced, answered = {}, set()
    for row in rows:
        for table, key, values in json.loads(row["changes"] or "[]"):
            if table == "alerts" and values and values.get("annunciated_at") is not None:
                announced[key[0]] = values["annunciated_at"]
        kind, _, number = row["subject"].partition(":")
        if kind != "alert" or row["action"] not in ("acknowledged", "closed") or NO_ANSWER in row["details"]:
            continue
        shown = announced.get(int(number))
        if shown is None or (int(number), shown) in answered:
            continue
        answered.add((int(number), shown))
        if since <= row["time"] < until:
            minutes.append((row["time"] - shown) / 60_000_000)
    return minutes


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else None


def kpis(rows, watched, since, until, as_of, windows):
    """All figures of a period, as a dict; `watched` are (asset, start, end), `windows` are lines of working hours."""
    tables = tables_of(rows, as_of)
    orders = tables.get("orders", {})
    failures = failures_of(tables)
    outages = [
        (one["asset"], one["since"], one["ended_at"] or (one["until"] if (one["until"] or math.inf) <= as_of else None))
        for one in tables.get("outages", {}).values()
    ]
    stops = outages + [
        (one["asset"], one["down_from"], one["down_to"] if one.get("down_to") is not None else one["closed_at"])
        for one in orders.values()
        if one.get("down_from") is not None
    ]
    operating = calendar = 0.0
    names = {asset for asset, _, _ in watched}
    for name in names:
        spans = [(start, end) for asset, start, end in watched if asset == name]
        down = [(start, end or until) for asset, start, end in stops if asset == name]
        calendar += hours_of(spans, [], since, until)
        operating += hours_of(spans, down, since, until)
    failed = [asset for asset, time, _ in failures if since <= time < until]
    completed = [one for one in orders.values() if one["state"] == "completed" and since <= one["closed_at"] < until]
    active = [one for one in orders.values() if one["state"] not in ("completed", "cancelled")]
    short = {order for (order, _), part in tables.get("order_parts", {}).items() if part["reserved"] < part["needed"]}
    waiting = [
        one["estimated_hours"]
        for (number,), one in orders.items()
        if one["state"] == "on hold" or (one["state"] in ("open", "assigned") and number in short)
    ]
    repairs = {number: orders[number,] for _, _, number in failures if number is not None}
    begun = {number: time for _, time, number in failures if number is not None}
    spells = [
        (asset, start, end)
        for asset, start, end in outages
        if end is not None
        and any(
            order["asset"] == asset and begun[number] <= end and order["closed_at"] >= start
            for number, order in repairs.items()
        )
    ]
    spells += [
        (order["asset"], order["down_from"], order["down_to"])
        for order in repairs.values()
        if order.get("down_from") is not None and order.get("down_to") is not None
    ]
    joined = True
    while joined:  # two that overlap on one asset are one
        joined = False
        for one, other in itertools.combinations(spells, 2):
            if one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]:
                spells.remove(one)
                spells.remove(other)
                spells.append((one[0], min(one[1], other[1]), max(one[2], other[2])))
                joined = True
                break
    downtimes = [(end - start) / HOUR for _, start, end in spells if since <= end < until]
    worked = sum(one["actual_hours"] for one in completed)
    planned = sum(one["actual_hours"] for one in completed if one["type"] in ("preventive", "inspection", "predictive"))
    costs = [one["actual_cost"] for one in completed if one["actual_cost"] is not None]
    weekly = weekly_hours(tables, as_of, windows)
    return {
        "failures": sum(asset in names for asset in failed),
        "unwatched": sorted(set(failed) - names),
        "operating_hours": operating,
        "mttr_hours": mean(
            (one["closed_at"] - one["started_at"]) / HOUR
            for one in completed
            if one["failure_kind"] == "functional failure"
        ),
        "downtime_hours": mean(downtimes),
        "mtta_minutes": mean(acknowledgement_minutes([row for row in rows if row["time"] <= as_of], since, until)),
        "availability": operating / calendar if stops and calendar else None,
        "pm_compliance": mean(preventive_outcomes(tables, orders, since, until)),
        "schedule_compliance": mean(promise_outcomes(tables, orders, since, until)),
        "backlog_weeks": (sum(one["estimated_hours"] for one in active) - sum(waiting)) / weekly,
        "waiting_weeks": sum(waiting) / weekly,
        "planned_share": planned / worked if worked else None,
        "open_orders": len(active),
        "overdue_orders": sum(one["due"] is not None and one["due"] < until for one in active),
        "completed_orders": len(completed),
        "cost": sum(costs) if costs else None,
        "cost_incomplete": sum(one["actual_cost"] is None or one["cost_missing"] != "" for one in completed),
        "parts_below_minimum": sum(
            one["stock"]
            - sum(row["reserved"] for (_, part), row in tables.get("order_parts", {}).items() if part == name)
            < one["minimum"]
            for (name,), one in tables.get("parts", {}).items()
        ),
    }


def preventive_outcomes(tables, orders, since, until):
    outcomes = [
        one["state"] == "completed" and one["closed_at"] <= one["due"]
        for one in orders.values()
        if one["type"] == "preventive" and one["due"] is not None and since <= one["due"] < until
    ]
    dates = []
    for (_, first), row in tables.get("missed_dates", {}).items():
        dates += [first + round(i * row["every_days"] * DAY) for i in range(row["dates"])]
    for (number,), plan in tables.get("preventive", {}).items():
        if not plan["active"] or plan["next_due"] is None:
            continue
        if plan["anchor"] == "scheduled":
            dates += [plan["next_due"] + round(i * plan["every_days"] * DAY) for i in range(1000)]
        elif not any(
            one["preventive"] == number and one["state"] not in ("completed", "cancelled") for one in orders.values()
        ):
            dates.append(plan["next_due"])
    return outcomes + [False for one in dates if since <= one < until]


def promise_outcomes(tables, orders, since, until):
    first = {}
    for _, slot in sorted(tables.get("frozen_slots", {}).items()):
        key = slot["week"], slot["order_id"]
        if key not in first or slot["accepted_at"] < first[key]["accepted_at"]:
            first[key] = slot
    for (_, number), slot in first.items():
        if since <= slot["end"] < until:
            order = orders[number,]
            yield order["state"] == "completed" and order["closed_at"] <= slot["end"]


def weekly_hours(tables, at, windows):
    """Hours a week, counted in steps of a quarter of an hour over the next four weeks; hours are UTC."""
    step = 15 * 60_000_000
    start = -(-at // step) * step
    total = 0
    for person in tables.get("technicians", {}).values():
        if not person["active"]:
            continue
        own = json.loads(person["hours"]) or ["Mon-Sun 00:00-24:00"]
        absent = {date.fromisoformat(day) for day in json.loads(person["closed"])}
        for tick in range(start, at + 28 * DAY, step):
            when = datetime(1970, 1, 1) + timedelta(microseconds=tick)
            total += when.date() not in absent and is_open(own, when) and is_open(windows, when)
    return total / 4 / 4


def is_open(lines, when):
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    for line in lines:
        names, hours = line.lower().split()
        first, _, last = names.partition("-")
        opens, closes = ((int(one[:2]) * 60 + int(one[3:])) for one in hours.split("-"))
        in_days = days.index(first) <= when.weekday() <= days.index(last or first)
        if in_days and opens <= when.hour * 60 + when.minute < closes:
            return True
    return False
