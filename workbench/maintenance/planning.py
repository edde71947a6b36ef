"""The schedule of the database: made from its open work orders, people and parts, kept until the next one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import ConflictError, MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.order_states import CLOSED
from workbench.maintenance.order_table import (
    OrderPartRow,
    OrderRow,
    PartRow,
    PlacementRow,
    TechnicianRow,
    find_order,
    number_of,
    order_id,
)
from workbench.maintenance.order_values import MOST_HOURS, MOST_WAIT_DAYS, finite, time_in_range
from workbench.maintenance.people import People, find_technician
from workbench.maintenance.schedule_model import Job, PartLeadTime, Placement, Plan, Problem, Technician
from workbench.maintenance.schedule_options import ScheduleOptions
from workbench.maintenance.schedule_sound import sound_jobs, sound_part, sound_technician
from workbench.maintenance.windows import Window, WorkingCalendar

if TYPE_CHECKING:
    from workbench.maintenance.schedule_solver import Stop

__all__ = ["Change", "Comparison", "Planning", "moved"]

_PLACED = ("made", "placed", "fixed", "loosened")


@dataclass(frozen=True)
class Change:
    """What a what-if changes; several may be given at once.

    Attributes
    ----------
    delay_days : float
        Days that no work is done, from now on.
    technicians : tuple of Technician
        More people, for this question only.
    without : tuple of str
        Technicians who are away.
    hours : tuple of str or None
        Other maintenance windows, as `Mon-Fri 08:00-20:00`.
    """

    delay_days: float = 0.0
    technicians: tuple[Technician, ...] = ()
    without: tuple[str, ...] = ()
    hours: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Comparison:
    """The plan as it would be, beside the plan as it is.

    Attributes
    ----------
    before, after : Plan
    """

    before: Plan
    after: Plan

    def figures(self) -> pd.DataFrame:
        """Give planned and unplanned orders, hours late, idle hours and cost: before, after and difference."""
        rows = {
            "planned": [len(plan.placements) for plan in (self.before, self.after)],
            "unplanned": [len(plan.unplanned) for plan in (self.before, self.after)],
            "hours late": [plan.lateness_hours for plan in (self.before, self.after)],
            "idle hours": [plan.idle_hours for plan in (self.before, self.after)],
            "cost": [plan.cost for plan in (self.before, self.after)],
        }
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["before", "after"], dtype=float)
        return table.assign(difference=table["after"] - table["before"])

    def moved(self) -> pd.DataFrame:
        """Give the orders that start at another time or with somebody else, as `moved` does."""
        return moved(self.before.placements, self.after.placements)


def moved(before: Sequence[Placement], after: Sequence[Placement]) -> pd.DataFrame:
    """Give the orders that two plans put elsewhere.

    Returns
    -------
    pandas.DataFrame
        job, start, new_start, technician, new_technician; None where a plan has no place for the order.
    """
    old, new = ({one.job: one for one in placements} for placements in (before, after))
    rows = []
    for job in sorted({*old, *new}):
        a, b = old.get(job), new.get(job)
        if a is None or b is None or (a.start, a.technician) != (b.start, b.technician):
            rows.append((job, a and a.start, b and b.start, a and a.technician, b and b.technician))
    return pd.DataFrame(rows, columns=["job", "start", "new_start", "technician", "new_technician"])


class Planning:
    """Plans the open work orders of a database.

    Parameters
    ----------
    database : Database
    options : ScheduleOptions
    """

    def __init__(self, database: Database, options: ScheduleOptions | None = None) -> None:
        self.database = database
        self.options = options or ScheduleOptions()

    def make(self, who: str) -> Plan:
        """Plan all open orders, and keep the plan.

        Orders in progress, and those that somebody has fixed, stay where they are.

        Returns
        -------
        Plan

        Raises
        ------
        MaintenanceError
            There are orders and nobody to do them, or orders wait for one another in a circle.
        """
        plan = self.propose()
        with self.database.writing() as db:
            self._keep(db, plan, who)
        return plan

    def propose(self, stop: "Stop | None" = None) -> Plan:
        """Plan all open orders as `make` does, and keep nothing; `stop` ends the search early."""
        from workbench.maintenance.schedule import make_plan

        return make_plan(self.problem(), self.options, stop)

    def keep(self, plan: Plan, who: str) -> None:
        """Keep a plan that `propose` or `what_if` has made.

        Raises
        ------
        ConflictError
            Somebody has made or changed the plan since.
        MaintenanceError
            An order of it is closed by now, or a technician is none of ours.
        """
        since = sa.select(log.LogRow.who).where(log.LogRow.time > plan.now, log.LogRow.action.in_(_PLACED))
        with self.database.writing() as db:
            other = db.scalars(since.limit(1)).first()
            if other is not None:
                raise ConflictError(f"{other} has changed the plan since this one was made.", "Plan again.")
            people = set(db.scalars(sa.select(TechnicianRow.name)))
            active = set(db.scalars(sa.select(OrderRow.id).where(OrderRow.state.not_in(CLOSED))))
            for one in plan.placements:
                if order_id(one.job) not in active:
                    raise MaintenanceError(f"{one.job} is closed by now.", "Plan again.")
                if one.technician not in people:
                    hint = f"Add them first: {one.job} is theirs."
                    raise MaintenanceError(f"{one.technician} is no technician here.", hint)
            self._keep(db, plan, who)

    def what_if(self, change: Change, stop: "Stop | None" = None) -> Comparison:
        """Plan as it is and as it would be; nothing is kept, and `stop` ends the searches early.

        Raises
        ------
        MaintenanceError
            The change names somebody unknown or twice, or cannot be.
        """
        from workbench.maintenance.schedule import make_plan

        problem = self.problem()
        other = changed(problem, change, self.options)
        return Comparison(make_plan(problem, self.options, stop), make_plan(other, self.options, stop))

    def table(self, *, closed: bool = False) -> pd.DataFrame:
        """Give the plan that was kept last.

        Parameters
        ----------
        closed : bool
            Also where the orders that are done by now were planned.

        Returns
        -------
        pandas.DataFrame
            number, title, asset, priority, state, technician, start, end, due, late (bool), frozen, planned_at; by
            start.
        """
        columns: tuple[Any, ...] = (
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
        wanted: sa.Select[Any] = (
            sa.select(*columns)
            .join(PlacementRow, PlacementRow.order_id == OrderRow.id)
            .order_by(PlacementRow.start, OrderRow.id)
        )
        if not closed:
            wanted = wanted.where(OrderRow.state.not_in(CLOSED))
        with self.database.reading() as db:
            table = frame(db, wanted)
        table.insert(0, "number", [number_of(one) for one in table.pop("id")])
        table.insert(9, "late", table["end"] > table["due"])
        return table

    def sessions(self) -> pd.DataFrame:
        """Give the kept plan session by session: number, title, asset, technician, session, start, end."""
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
        """Fix an order where the plan has it, or let it move again.

        Raises
        ------
        MaintenanceError
            It has no place in the plan.
        """
        with self.database.writing() as db:
            row = db.get(PlacementRow, find_order(db, number).id)
            if row is None:
                raise MaintenanceError(f"{number_of(order_id(number))} has no place in the plan.", "Plan it first.")
            row.frozen = frozen
            log.append(db, f"order:{row.order_id}", "fixed" if frozen else "loosened", who, {"start": row.start})

    def place(self, number: str | int, technician: str, start: datetime, who: str) -> None:
        """Put an order to a technician and time by hand, and fix it there; the next plan goes around it.

        Raises
        ------
        MaintenanceError
            The time has no zone, or there is no such order or technician.
        """
        time_in_range("the start", start)
        with self.database.writing() as db:
            order = find_order(db, number)
            person = find_technician(db, technician)
            hours = finite(f"the hours of {number_of(order.id)}", order.estimated_hours, MOST_HOURS, above=True)
            window = Window(start, start + timedelta(hours=hours))
            placement = Placement(number_of(order.id), person.name, (window,))
            db.merge(_row(placement, now(db), frozen=True))
            log.append(db, f"order:{order.id}", "placed", who, {"technician": person.name, "start": start})

    def placements(self) -> tuple[Placement, ...]:
        """Give the placements that were kept last, of orders that are still open."""
        with self.database.reading() as db:
            return tuple(placement for placement, _ in _kept(db))

    def problem(self) -> Problem:
        """Gather what a plan is made from: the open orders, people, parts, windows and the plan of before.

        Orders with a number that cannot be computed with are set aside, each with its reason: they have no place in
        the plan, and the others have one all the same.
        """
        people = tuple(sound_technician(one) for one in People(self.database).technicians())
        with self.database.reading() as db:
            kept = _kept(db)
            names = {technician.name for technician in people}
            frozen = {one.job: one for one, fixed in kept if fixed and one.technician in names}
            orders = db.scalars(sa.select(OrderRow).where(OrderRow.state.not_in(CLOSED)).order_by(OrderRow.id)).all()
            wanted: dict[int, dict[str, int]] = {}
            short = sa.select(OrderPartRow).where(OrderPartRow.reserved < OrderPartRow.needed)
            for part in db.scalars(short):
                wanted.setdefault(part.order_id, {})[part.part] = part.needed - part.reserved
            jobs = tuple(_job(row, wanted.get(row.id, {}), frozen) for row in orders)
            reserved = sa.select(OrderPartRow.part, sa.func.sum(OrderPartRow.reserved)).group_by(OrderPartRow.part)
            held = {name: int(pieces or 0) for name, pieces in db.execute(reserved)}
            parts = tuple(
                sound_part(PartLeadTime(row.name, row.stock - held.get(row.name, 0), row.lead_days))
                for row in db.scalars(sa.select(PartRow).order_by(PartRow.name))
            )
        jobs, set_aside = sound_jobs(jobs, {part.name for part in parts})
        return Problem(
            now=self.database.clock(),
            jobs=jobs,
            set_aside=set_aside,
            technicians=people,
            parts=parts,
            windows=self.options.calendar(),
            operating=self.options.operating_calendars(),
            previous=tuple(one for one, _ in kept if one.technician in names),
        )

    # ---- internals

    def _keep(self, db: orm.Session, plan: Plan, who: str) -> None:
        fixed = {one.job for one, frozen in _kept(db) if frozen}
        open_ones = sa.select(OrderRow.id).where(OrderRow.state.not_in(CLOSED))
        db.execute(sa.delete(PlacementRow).where(PlacementRow.order_id.in_(open_ones)))  # the others are history
        for placement in plan.placements:
            db.add(_row(placement, plan.now, frozen=placement.job in fixed))
        told = {"orders": len(plan.placements), "conflicts": len(plan.conflicts), "changed": plan.changed}
        log.append(db, "plan:1", "made", who, {**told, "gap": round(plan.gap, 4), "optimal": plan.optimal})


def changed(problem: Problem, change: Change, options: ScheduleOptions) -> Problem:
    """Change a problem as a what-if asks; `problem` stays as it is."""
    names = [technician.name for technician in problem.technicians]
    for name in change.without:
        if name not in names:
            raise MaintenanceError(f"There is no technician {name!r}.", f"Known: {', '.join(names) or 'none'}.")
    people = [one for one in problem.technicians if one.name not in change.without]
    found = replace(
        problem,
        technicians=(*people, *change.technicians),
        jobs=tuple(
            replace(job, frozen=None) if job.frozen and job.frozen.technician in change.without else job
            for job in problem.jobs
        ),
    )
    if change.delay_days:
        later = problem.now + timedelta(days=finite("the delay", change.delay_days, MOST_WAIT_DAYS))
        jobs = (
            job if job.frozen else replace(job, not_before=max(job.not_before or later, later)) for job in found.jobs
        )
        found = replace(found, jobs=tuple(jobs))
    if change.hours is not None:
        found = replace(found, windows=WorkingCalendar(change.hours, options.timezone, options.closed))
    return found


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
    )


def _kept(db: orm.Session) -> Sequence[tuple[Placement, bool]]:
    """Placements of open orders, and whether each stays: because somebody fixed it, or because it has begun."""
    found = db.execute(
        sa.select(PlacementRow, OrderRow.state)
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
            row.frozen or state == "in progress",
        )
        for row, state in found
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
