"""The schedule of the database: made from its open work orders, people and parts, and saved until the next one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import ConflictError, MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.frozen_weeks import Acceptance, accept_plan, frozen_slots, release_slots
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.orders.people import People, find_technician
from workbench.maintenance.orders.purchases import deliveries, late_deliveries, request_missing
from workbench.maintenance.orders.states import CLOSED, ORDER_STATES
from workbench.maintenance.orders.table import (
    OrderPartRow,
    OrderRow,
    PartRow,
    PlacementRow,
    TechnicianRow,
    find_order,
    number_of,
    order_id,
)
from workbench.maintenance.schedule.impossible import moved_conflict, without_impossible
from workbench.maintenance.schedule.in_progress import remaining_work
from workbench.maintenance.schedule.kept_conflicts import plan_conflicts
from workbench.maintenance.schedule.model import Conflict, Job, PartLeadTime, Placement, Plan, Problem, Technician
from workbench.maintenance.schedule.part_arrivals import part_arrivals
from workbench.maintenance.schedule.sound import sound_jobs, sound_part, sound_technician
from workbench.maintenance.schedule.what_if import Change, Comparison, changed_problem
from workbench.maintenance.values import MAX_ORDER_HOURS, number_in_range, time_in_range
from workbench.maintenance.windows import Window

if TYPE_CHECKING:
    from workbench.maintenance.schedule.solver import Stop

__all__ = ["Planning"]

_PLAN_ACTIONS = ("made", "placed", "fixed", "loosened", "accepted")


class Planning:
    """Planning of the open work orders of a database.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : ScheduleOptions
        Windows, horizon and weights of the schedule; the defaults where omitted.
    """

    def __init__(self, database: Database, options: ScheduleOptions | None = None) -> None:
        self.database = database
        self.options = options or ScheduleOptions()

    def make(self, who: str, stop: "Stop | None" = None) -> Plan:
        """Plan all open orders, and save the plan; `stop` ends the search early.

        Orders in progress go on with whoever does them, for the hours that are left; those that somebody has fixed
        stay where they are, unless that time has passed without their being started, they are on hold, or they cannot
        be done there: a part comes later, or the technician is absent. Missing parts are requested.

        Returns
        -------
        Plan

        Raises
        ------
        MaintenanceError
            There are orders and nobody to do them, or orders wait for one another in a circle.
        """
        plan = self.propose(stop)
        with self.database.writing() as db:
            self._keep(db, plan, who)
        return plan

    def propose(self, stop: "Stop | None" = None) -> Plan:
        """Plan all open orders as `make` does, and save nothing; `stop` ends the search early."""
        from workbench.maintenance.schedule.make_plan import make_plan

        return make_plan(self.problem(), self.options, stop)

    def keep(self, plan: Plan, who: str) -> Acceptance:
        """Save a plan that `propose` or `what_if` has made, and accept it as `accept` does.

        Raises
        ------
        ConflictError
            Somebody has made or changed the saved plan since.
        MaintenanceError
            An order of the plan is closed by now, or a technician is unknown.
        """
        since = sa.select(log.LogRow.who).where(log.LogRow.time > plan.now, log.LogRow.action.in_(_PLAN_ACTIONS))
        with self.database.writing() as db:
            other = db.scalars(since.limit(1)).first()
            if other is not None:
                raise ConflictError(f"{other} has changed the plan since this one was made.", "Plan again.")
            people = set(db.scalars(sa.select(TechnicianRow.name)))
            active = set(db.scalars(sa.select(OrderRow.id).where(OrderRow.state.not_in(CLOSED))))
            for one in plan.placements:
                if order_id(one.job) not in active:
                    raise MaintenanceError(f"The plan cannot be saved: {one.job} is closed by now.", "Plan again.")
                if one.technician not in people:
                    raise MaintenanceError(
                        f"The plan cannot be saved: {one.technician}, who would do {one.job}, is not a technician.",
                        "Add them first, or plan without them.",
                    )
            self._keep(db, plan, who)
            return accept_plan(db, who, self.options)

    def accept(self, who: str) -> Acceptance:
        """Accept the saved plan: assign its orders, freeze the days that come, and return what came of it.

        Orders that start within `frozen_days` stay where they are until somebody releases them, and are recorded as
        promised (`frozen`). The orders that are assigned here may be reassigned by the next plan. Those of a technician
        who takes no orders by now are refused, and stay as they were.

        Raises
        ------
        MaintenanceError
            No plan is saved, or none of its orders can be accepted.
        """
        with self.database.writing() as db:
            return accept_plan(db, who, self.options)

    def frozen(self, week: date | None = None) -> pd.DataFrame:
        """Return what accepted plans have promised, whatever came of it: the frozen weeks.

        Parameters
        ----------
        week : datetime.date, optional
            Any day of the week; all weeks where omitted. Weeks begin on Monday, in the time zone of the schedule.

        Returns
        -------
        pandas.DataFrame
            week (its Monday), number, technician, start, end, accepted_at, accepted_by, released_at, released_by; by
            start. `released_at` is missing where the promise stands; an order that was released and frozen anew has a
            row for each.
        """
        with self.database.reading() as db:
            return frozen_slots(db, week)

    def what_if(self, change: Change, stop: "Stop | None" = None) -> Comparison:
        """Compare the plan as it is with the plan after a change; nothing is saved, `stop` ends the searches early.

        Raises
        ------
        MaintenanceError
            The change names an unknown technician or one twice, or has a number outside its range.
        """
        from workbench.maintenance.schedule.make_plan import make_plan

        problem = self.problem()
        other = changed_problem(problem, change, self.options)
        return Comparison(make_plan(problem, self.options, stop), make_plan(other, self.options, stop))

    def table(self, *, closed: bool = False) -> pd.DataFrame:
        """Return the saved plan as a table.

        Parameters
        ----------
        closed : bool
            Whether to list closed orders too, where they were planned.

        Returns
        -------
        pandas.DataFrame
            number, title, asset, priority, state, technician, start, end, due, late (bool), overlaps (numbers of the
            orders that the technician would do at the same time, with commas between), frozen, planned_at; by start.
        """
        columns: tuple[Any, ...] = (
            PlacementRow.sessions,
            OrderRow.id,
            OrderRow.title,
            OrderRow.asset,
            OrderRow.priority,
            OrderRow.state,
            PlacementRow.technician,
            PlacementRow.start,
            PlacementRow.end,
            OrderRow.due,
            PlacementRow.frozen,
            PlacementRow.planned_at,
        )
        statement: sa.Select[Any] = (
            sa.select(*columns)
            .join(PlacementRow, PlacementRow.order_id == OrderRow.id)
            .order_by(PlacementRow.start, OrderRow.id)
        )
        if not closed:
            statement = statement.where(OrderRow.state.not_in(CLOSED))
        with self.database.reading() as db:
            table = frame(db, statement)
        table.insert(0, "number", [number_of(one) for one in table.pop("id")])
        table.insert(10, "late", table["end"] > table["due"])
        table.insert(11, "overlaps", _overlaps(table))
        return table.drop(columns="sessions")

    def conflicts(self) -> tuple[Conflict, ...]:
        """Return the conflicts of the saved plan, as things are now; see `kept_conflicts.plan_conflicts`."""
        with self.database.reading() as db:
            active = [number_of(one) for one in db.scalars(sa.select(OrderRow.id).where(OrderRow.state.not_in(CLOSED)))]
        people = People(self.database).technicians()
        try:
            arrivals = part_arrivals(self.problem())
        except MaintenanceError:  # orders wait for one another in a circle: who plans is told
            arrivals = {}
        return plan_conflicts(self.table(), self.sessions(), active, people, self.database.clock(), arrivals)

    def sessions(self) -> pd.DataFrame:
        """Return the sessions of the saved plan: number, title, asset, technician, session, start, end."""
        titles = self.table().set_index("number")
        rows = [
            (
                one.job,
                titles.loc[one.job, "title"],
                titles.loc[one.job, "asset"],
                one.technician,
                i,
                part.start,
                part.end,
            )
            for one in self.placements()
            if one.job in titles.index
            for i, part in enumerate(one.sessions, 1)
        ]
        return pd.DataFrame(rows, columns=["number", "title", "asset", "technician", "session", "start", "end"])

    def freeze(self, number: str | int, who: str, *, frozen: bool = True) -> None:
        """Fix an order at its place in the saved plan, or let it move again.

        Raises
        ------
        MaintenanceError
            The order has no place in the plan.
        """
        with self.database.writing() as db:
            row = db.get(PlacementRow, find_order(db, number).id)
            if row is None:
                raise MaintenanceError(f"{number_of(order_id(number))} has no place in the plan.", "Plan it first.")
            row.frozen = frozen
            if not frozen:
                release_slots(db, row.order_id, who)
            log.append(db, f"order:{row.order_id}", "fixed" if frozen else "loosened", who, {"start": row.start})

    def place(self, number: str | int, technician: str, start: datetime, who: str) -> None:
        """Place an order with a technician at a time, and fix it there; the next plan goes around it.

        Where it is assigned to somebody else, it may be reassigned from now on.

        Raises
        ------
        MaintenanceError
            The time has no zone, or there is no such order or technician.
        """
        time_in_range("the start", start)
        with self.database.writing() as db:
            order = find_order(db, number)
            person = find_technician(db, technician)
            hours = number_in_range(
                f"the hours of {number_of(order.id)}", order.estimated_hours, MAX_ORDER_HOURS, above=True
            )
            window = Window(start, start + timedelta(hours=hours))
            placement = Placement(number_of(order.id), person.name, (window,))
            release_slots(db, order.id, who)
            order.may_reassign |= order.assignee not in (None, person.name)
            db.merge(_row(placement, now(db), frozen=True))
            log.append(db, f"order:{order.id}", "placed", who, {"technician": person.name, "start": start})

    def placements(self) -> tuple[Placement, ...]:
        """Return the saved placements of orders that are still open."""
        with self.database.reading() as db:
            return tuple(placement for placement, _ in _saved_placements(db))

    def problem(self) -> Problem:
        """Return what a plan is made from: the open orders, people, parts, windows and the saved plan.

        Orders with a number that cannot be computed with are set aside, each with its reason: they have no place in
        the plan, and the others are planned without them.
        """
        people = tuple(sound_technician(one) for one in People(self.database).technicians())
        with self.database.reading() as db:
            saved_placements = _saved_placements(db)
            names = {technician.name for technician in people}
            orders = db.scalars(sa.select(OrderRow).where(OrderRow.state.not_in(CLOSED)).order_by(OrderRow.id)).all()
            present = self.database.clock()
            fixed = {one.job for one, is_fixed in saved_placements if is_fixed and one.start >= present}
            waiting = {number_of(row.id) for row in orders if row.state in ("open", "assigned")}
            begun_numbers = {number_of(row.id) for row in orders if row.state == "in progress"}
            staying = fixed & waiting | begun_numbers
            frozen = {one.job: one for one, _ in saved_placements if one.job in staying and one.technician in names}
            away = [one for one, _ in saved_placements if one.job in fixed & waiting and one.technician not in names]
            coming = deliveries(db, present)
            missing_parts: dict[int, dict[str, int]] = {}
            short = sa.select(OrderPartRow).where(OrderPartRow.reserved < OrderPartRow.needed)
            for part in db.scalars(short):
                missing_parts.setdefault(part.order_id, {})[part.part] = part.needed - part.reserved
            jobs = tuple(_job(row, missing_parts.get(row.id, {}), frozen) for row in orders)
            begun = self._begun(db, orders, {one.name: one for one in people}, saved_placements, present)
            reserved = sa.select(OrderPartRow.part, sa.func.sum(OrderPartRow.reserved)).group_by(OrderPartRow.part)
            reserved_pieces = {name: int(pieces or 0) for name, pieces in db.execute(reserved)}
            parts = tuple(
                sound_part(
                    PartLeadTime(
                        row.name,
                        row.stock - reserved_pieces.get(row.name, 0),
                        row.lead_days,
                        tuple((d.planned_at, d.pieces) for d in coming.get(row.name, ()) if d.planned_at is not None),
                        tuple(d.request for d in coming.get(row.name, ()) if d.planned_at is not None),
                    )
                )
                for row in db.scalars(sa.select(PartRow).order_by(PartRow.name))
            )
        jobs, set_aside = sound_jobs(jobs, {part.name for part in parts})
        places = self._remaining([job for job in jobs if job.number in begun], begun, present)
        set_aside += tuple(conflict for _, conflict in places.values() if conflict is not None)
        set_aside += tuple(moved_conflict(one, f"{one.technician} takes no orders") for one in away)
        set_aside += tuple(late_deliveries(jobs, coming))
        return without_impossible(
            Problem(
                now=present,
                jobs=tuple(replace(job, frozen=places[job.number][0]) if job.number in places else job for job in jobs),
                set_aside=set_aside,
                technicians=people,
                parts=parts,
                windows=self.options.calendar(),
                operating=self.options.operating_calendars(),
                previous=tuple(one for one, _ in saved_placements if one.technician in names),
            )
        )

    # ---- internals

    def _begun(
        self,
        db: orm.Session,
        orders: Sequence[OrderRow],
        people: Mapping[str, Technician],
        saved_placements: Sequence[tuple[Placement, bool]],
        present: datetime,
    ) -> dict[str, tuple[Technician, list[Window]]]:
        """Return who does each order in progress, and the times in which it was in progress up to now."""
        placed = {one.job: one.technician for one, _ in saved_placements}
        doing = {}
        for row in orders:
            name = row.assignee or placed.get(number_of(row.id), "")
            if row.state == "in progress" and name in people:
                doing[row.id] = people[name]
        spans = _times_in_progress(db, doing, present)
        return {number_of(one): (person, spans[one]) for one, person in doing.items()}

    def _remaining(
        self, jobs: Sequence[Job], begun: Mapping[str, tuple[Technician, list[Window]]], present: datetime
    ) -> dict[str, tuple[Placement, Conflict | None]]:
        """Return the places of the orders in progress; a technician who does several does one after the other."""
        options = self.options
        horizon, least = timedelta(days=options.horizon_days), timedelta(minutes=options.slot_minutes)
        operating = options.operating_calendars()
        busy: dict[str, list[Window]] = {}
        places = {}
        for job in jobs:
            technician, spans = begun[job.number]
            taken = list(busy.setdefault(technician.name, []))
            if job.stops_asset and job.asset in operating:
                taken += operating[job.asset].windows(present, present + horizon)
            place, conflict = remaining_work(job, technician, spans, options.calendar(), present, horizon, least, taken)
            busy[technician.name] += [session for session in place.sessions if session.end > present]
            places[job.number] = place, conflict
        return places

    def _keep(self, db: orm.Session, plan: Plan, who: str) -> None:
        fixed = {(one.job, one.technician, one.start) for one, frozen in _saved_placements(db) if frozen}
        open_ones = sa.select(OrderRow.id).where(OrderRow.state.not_in(CLOSED))
        db.execute(sa.delete(PlacementRow).where(PlacementRow.order_id.in_(open_ones)))  # the others are history
        for placement in plan.placements:
            db.add(_row(placement, plan.now, frozen=(placement.job, placement.technician, placement.start) in fixed))
        missing = sa.select(OrderPartRow.part).join(OrderRow, OrderRow.id == OrderPartRow.order_id)
        missing = missing.where(OrderRow.state.not_in(CLOSED), OrderPartRow.reserved < OrderPartRow.needed)
        request_missing(db, db.scalars(missing).all(), who)
        log_details = {"orders": len(plan.placements), "conflicts": len(plan.conflicts), "changed": plan.changed}
        log.append(db, "plan:1", "made", who, {**log_details, "gap": round(plan.gap, 4), "optimal": plan.optimal})


def _overlaps(table: pd.DataFrame) -> list[str]:
    """Return for each order of a plan the others that its technician would do at the same time."""
    sessions = sorted(
        (row["technician"], *(datetime.fromisoformat(bound) for bound in span), row["number"])
        for row in table.to_dict(orient="records")
        for span in row["sessions"]
    )
    others: dict[str, set[str]] = {number: set() for number in table["number"]}
    for index, (technician, _, end, number) in enumerate(sessions):
        for other_technician, start, _, other in sessions[index + 1 :]:
            if other_technician != technician or start >= end:
                break
            if other != number:
                others[number].add(other)
                others[other].add(number)
    return [", ".join(sorted(others[number], key=order_id)) for number in table["number"]]


def _times_in_progress(db: orm.Session, orders: Iterable[int], present: datetime) -> dict[int, list[Window]]:
    """Return the times up to now in which each of some orders was in progress, by the log."""
    spans: dict[int, list[Window]] = {order: [] for order in orders}
    since: dict[int, datetime] = {}
    subjects = {f"order:{order}": order for order in spans}
    entries = (
        sa.select(log.LogRow.subject, log.LogRow.action, log.LogRow.time)
        .where(log.LogRow.subject.in_(subjects), log.LogRow.action.in_(ORDER_STATES))
        .order_by(log.LogRow.seq)
    )
    for subject, action, time in db.execute(entries):
        order = subjects[subject]
        begun = since.pop(order, None)
        if begun is not None and time > begun:
            spans[order].append(Window(begun, time))
        if action == "in progress":
            since[order] = time
    for order, begun in since.items():
        if begun < present:
            spans[order].append(Window(begun, present))
    return spans


def _job(row: OrderRow, parts: Mapping[str, int], frozen: Mapping[str, Placement]) -> Job:
    number = number_of(row.id)
    return Job(
        number=number,
        hours=row.estimated_hours,
        asset=row.asset,
        title=row.title,
        priority=row.score,
        due=row.due,
        skills=frozenset(row.skills),
        after=tuple(number_of(other) for other in row.after),
        parts=parts,
        not_before=row.not_before,
        stops_asset=row.stops_asset,
        frozen=frozen.get(number),
        assignee="" if row.may_reassign or row.assignee is None else row.assignee,
    )


def _saved_placements(db: orm.Session) -> Sequence[tuple[Placement, bool]]:
    """Return the placements of open orders, and whether somebody has fixed each."""
    rows = db.scalars(
        sa.select(PlacementRow)
        .join(OrderRow, OrderRow.id == PlacementRow.order_id)
        .where(OrderRow.state.not_in(CLOSED))
        .order_by(PlacementRow.start, PlacementRow.order_id)
    ).all()
    return [
        (
            Placement(
                number_of(row.order_id),
                row.technician,
                tuple(Window(*(datetime.fromisoformat(bound) for bound in pair)) for pair in row.sessions),
            ),
            row.frozen,
        )
        for row in rows
    ]


def _row(placement: Placement, planned_at: datetime, *, frozen: bool) -> PlacementRow:
    return PlacementRow(
        order_id=order_id(placement.job),
        technician=placement.technician,
        sessions=[[part.start.isoformat(), part.end.isoformat()] for part in placement.sessions],
        start=placement.start,
        end=placement.end,
        frozen=frozen,
        planned_at=planned_at,
    )
