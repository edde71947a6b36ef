"""The maintenance desk, which brings all parts of maintenance together over one database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log as maintenance_log
from workbench.maintenance.database import Database
from workbench.maintenance.options import AlertOptions, NotificationOptions, OrderOptions, ScheduleOptions
from workbench.maintenance.values import time_in_range

if TYPE_CHECKING:
    from workbench.maintenance.access_links import AccessLinks
    from workbench.maintenance.alerts.alerts import Alerts
    from workbench.maintenance.alerts.known.events import KnownEvents, Splits
    from workbench.maintenance.alerts.outages import Outages
    from workbench.maintenance.alerts.verdicts import Series
    from workbench.maintenance.calendars import Calendars
    from workbench.maintenance.cases.cases import Cases
    from workbench.maintenance.kpis.alarms import AlarmFigures
    from workbench.maintenance.kpis.kpis import Evidence, Kpis, Summary
    from workbench.maintenance.notifications.links import LinkSigner
    from workbench.maintenance.notifications.notifier import Delivery, Notifier
    from workbench.maintenance.orders.orders import WorkOrders
    from workbench.maintenance.orders.parts import Parts
    from workbench.maintenance.orders.people import People
    from workbench.maintenance.orders.preventive import Preventive
    from workbench.maintenance.orders.purchases import Purchases
    from workbench.maintenance.orders.requests import Requests
    from workbench.maintenance.planning import Planning
    from workbench.maintenance.records import Tables
    from workbench.maintenance.register.items import CatalogItem
    from workbench.maintenance.register.register import AssetRegister

__all__ = ["Maintenance"]

_DEFAULT_PERIOD = timedelta(days=30)


class Maintenance:
    """Alerts, work orders, people, parts, plans and the log of a fleet.

    Parameters
    ----------
    url : str
        Address of the database: `sqlite:////path/maintenance.db` or `postgresql://user@host/name`.
    clock : callable
        Returns the present time, aware, in UTC.
    alerts, orders, schedule, notifications : options, optional
        `AlertOptions`, `OrderOptions`, `ScheduleOptions` and `NotificationOptions`; the defaults where omitted.
    criticality : callable, optional
        Returns an asset's criticality, 1 to 5, or None where the catalog has none.
    asset_name : callable, optional
        Returns what people call an asset; its key where omitted.
    catalog : callable, optional
        Returns the assets and subsystems of catalog and archive. A name that is entered must be one of them, unless
        people have added it to the register; any name is taken while there is none.
    series : callable, optional
        Returns the coordinate `time` of a channel's test series as it is now, None where the archive does not hold it.
    splits : callable, optional
        Opens a split of a channel, from which the shapes of known events are taken.
    links : LinkSigner, optional
        Makes the links of messages, which acknowledge an alert; messages have none where omitted.
    files : Path, optional
        Folder of the files that are attached to orders and requests.

    Attributes
    ----------
    database : Database
        Database in which everything is stored.
    links : LinkSigner or None
        Makes and reads the links of messages.
    asset_name : callable
        Returns what people call an asset.
    """

    def __init__(
        self,
        url: str,
        clock: Callable[[], datetime],
        *,
        alerts: AlertOptions | None = None,
        orders: OrderOptions | None = None,
        schedule: ScheduleOptions | None = None,
        notifications: NotificationOptions | None = None,
        criticality: Callable[[str], int | None] | None = None,
        asset_name: Callable[[str], str] = str,
        catalog: "Callable[[], Iterable[CatalogItem]] | None" = None,
        series: "Series | None" = None,
        splits: "Splits | None" = None,
        links: "LinkSigner | None" = None,
        files: Path | None = None,
    ) -> None:
        self.database = Database(url, clock)
        self._alert_options = alerts or AlertOptions()
        self._order_options = orders or OrderOptions()
        self._schedule_options = schedule or ScheduleOptions()
        self._notifications = notifications
        self._criticality = criticality
        self.asset_name = asset_name
        self._catalog = catalog
        self._series = series
        self._splits = splits
        self.links = links
        self._files = files

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """Return the class with the database."""
        return f"Maintenance({self.database.name!r})"

    def close(self) -> None:
        """Close the connections of the database; closing again does nothing, and the next use opens new ones."""
        self.database.close()

    @cached_property
    def register(self) -> "AssetRegister":
        """Return the asset register, to list, add, change and retire assets."""
        from workbench.maintenance.register.register import AssetRegister

        return AssetRegister(self.database, self._catalog, self._criticality)

    @cached_property
    def alerts(self) -> "Alerts":
        """Return the alerts, to list, acknowledge, shelve and close them."""
        from workbench.maintenance.alerts.alerts import Alerts
        from workbench.maintenance.orders.needless import settle_needless_orders

        return Alerts(self.database, self._alert_options, self._series, self.known, settle_needless_orders)

    @cached_property
    def known(self) -> "KnownEvents":
        """Return the known events, to list, rename, disable and remove them."""
        from workbench.maintenance.alerts.known.events import KnownEvents

        return KnownEvents(self.database, self._alert_options, self._splits)

    @cached_property
    def cases(self) -> "Cases":
        """Return the cases, to list, acknowledge and close alerts that belong together in one go."""
        from workbench.maintenance.cases.cases import Cases

        return Cases(self.alerts)

    @cached_property
    def outages(self) -> "Outages":
        """Return the outages, to take assets out of service and back."""
        from workbench.maintenance.alerts.outages import Outages

        return Outages(self.database, self.register.asset_names)

    @cached_property
    def orders(self) -> "WorkOrders":
        """Return the work orders, to open, assign and complete them."""
        from workbench.maintenance.orders.orders import WorkOrders

        register = self.register
        return WorkOrders(
            self.database,
            self._order_options,
            register.criticality,
            register.location,
            self._files,
            self.asset_name,
        )

    @cached_property
    def requests(self) -> "Requests":
        """Return the requests: problems that people report, to accept them as orders or to reject them."""
        from workbench.maintenance.orders.requests import Requests

        return Requests(self.orders, self.register.criticality, self.register.asset_names)

    @cached_property
    def access_links(self) -> "AccessLinks":
        """Return the links that let people in without the dashboard's token, to make and revoke them."""
        from workbench.maintenance.access_links import AccessLinks

        return AccessLinks(self.database)

    @cached_property
    def calendars(self) -> "Calendars":
        """Return the calendars of the plan: of all, and of each technician."""
        from workbench.maintenance.calendars import Calendars

        return Calendars(self.planning)

    @cached_property
    def people(self) -> "People":
        """Return the technicians, to list and change them."""
        from workbench.maintenance.orders.people import People

        return People(self.database)

    @cached_property
    def parts(self) -> "Parts":
        """Return the spare parts, to list, change and receive them."""
        from workbench.maintenance.orders.parts import Parts

        return Parts(self.database)

    @cached_property
    def purchases(self) -> "Purchases":
        """Return the purchase requests, to open, change and receive them."""
        from workbench.maintenance.orders.purchases import Purchases

        return Purchases(self.database)

    @cached_property
    def preventive(self) -> "Preventive":
        """Return the preventive plans, which open orders by themselves."""
        from workbench.maintenance.orders.preventive import Preventive

        zone = self._schedule_options.timezone
        return Preventive(self.database, self._order_options, self.register, zone)

    @cached_property
    def planning(self) -> "Planning":
        """Return the planning, to make the schedule and try changes."""
        from workbench.maintenance.planning import Planning

        return Planning(self.database, self._schedule_options)

    @cached_property
    def notifier(self) -> "Notifier":
        """Return the notifier, which sends people messages about alerts and work orders."""
        from workbench.maintenance.notifications.notifier import Notifier

        return Notifier(self.database, self._notifications, self._alert_options, self.links, self.asset_name)

    def send_messages(self) -> "Delivery":
        """End shelves and outages whose time is over, escalate what nobody has acknowledged, and send what is due."""
        self.alerts.tick()
        return self.notifier.tick()

    def log(self, **filters: Any) -> pd.DataFrame:
        """Return the maintenance log, newest first; see `workbench.maintenance.log.entries`."""
        return maintenance_log.entries(self.database, **filters)

    def record_import(self, file: str, channels: Sequence[str], who: str) -> None:
        """Write into the log that a person has imported a file.

        Parameters
        ----------
        file : str
            Name of the file.
        channels : sequence of str
            Names of the channels that it changed.
        who : str
            Person who imported it.
        """
        with self.database.writing() as db:
            maintenance_log.append(db, f"file:{file}", "imported", who, {"channels": ", ".join(channels)})

    def orders_of_alerts(self) -> dict[int, str]:
        """Return the number of the active work order of each alert that has one."""
        from workbench.maintenance.orders.opening import orders_of_alerts

        return orders_of_alerts(self.database)

    def alerts_of_person(self, who: str) -> list[int]:
        """Return the open alerts that a person acknowledged or shelved, or on whose order the person is to work."""
        from workbench.maintenance.orders.opening import alerts_of_person

        return alerts_of_person(self.database, who)

    def needless_order_words(self, alerts: Iterable[int]) -> list[str]:
        """Say what became of the orders of alerts that were just closed, all of whose alerts are no fault."""
        from workbench.maintenance.orders.needless import needless_order_words

        return needless_order_words(self.database, alerts)

    def log_count(self, **filters: Any) -> int:
        """Return how many rows of the log match some filters; see `workbench.maintenance.log.entries`."""
        return maintenance_log.count(self.database, **filters)

    def log_people(self) -> tuple[str, ...]:
        """Return the names of all people and programs in the log."""
        return maintenance_log.people(self.database)

    def log_length(self) -> int:
        """Return how many rows the log has, fast: a larger number than before says that somebody has acted since."""
        return maintenance_log.length(self.database)

    def verify_log(self, since: str | None = None) -> maintenance_log.Verification:
        """Compare every row of the log with its hash, and the tables with the log; see `records.verify`.

        Parameters
        ----------
        since : str, optional
            Head of the log that was kept elsewhere, as `log_head` returned it.
        """
        from workbench.maintenance.records import verify

        return verify(self.database, since)

    def log_head(self) -> str:
        """Return the number and hash of the last row of the log, to be kept elsewhere for `verify_log`."""
        return maintenance_log.head(self.database)

    def alarm_figures(
        self, since: datetime | None = None, until: datetime | None = None, *, as_of: datetime | None = None
    ) -> "AlarmFigures":
        """Compute the alarm performance of a period, the last 30 days where omitted; see `alarm_figures` and `kpis`."""
        from workbench.maintenance.kpis.alarms import alarm_figures

        begin, end = self._period(since, until)
        return alarm_figures(self.database, self._alert_options, begin, end, self._tables(end, as_of))

    def kpis(
        self,
        watched: pd.DataFrame,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        as_of: datetime | None = None,
    ) -> "Kpis":
        """Compute the figures of a period, the last 30 days where omitted; see `kpis.compute_kpis`.

        Those of a past period are computed from what the log says maintenance was like at its end, so that they stay
        the same whenever they are computed.

        Parameters
        ----------
        watched : pandas.DataFrame
            asset, start, end of the times in which assets were watched, as `session.watched()` returns them.
        since, until : datetime, optional
            The period, aware; since is inclusive, until is not.
        as_of : datetime, optional
            Time, aware, at which maintenance was as the figures take it: what was recorded later does not count. The
            end of the period where omitted.

        Raises
        ------
        MaintenanceError
            The period is empty, `as_of` has not come yet, or the log does not reach back to it.
        """
        from workbench.maintenance.kpis.kpis import compute_kpis

        begin, end = self._period(since, until)
        return compute_kpis(self._evidence(watched, begin, end, as_of), begin, end)

    def kpi_summary(self, watched: pd.DataFrame, since: datetime, until: datetime) -> "Summary":
        """Compute those figures of `kpis` that take little to read; see `kpis.summarise`."""
        from workbench.maintenance.kpis.evidence import outages_at
        from workbench.maintenance.kpis.kpis import summarise
        from workbench.maintenance.orders.table import OrderRow

        tables = self._tables(until, None)
        return summarise(tables.frame(OrderRow), outages_at(tables), watched, since, until)

    def figures(
        self,
        watched: pd.DataFrame,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        as_of: datetime | None = None,
    ) -> pd.DataFrame:
        """Return the figures of `kpis` with their intervals; see `intervals.figure_table`."""
        from workbench.maintenance.kpis.intervals import figure_table
        from workbench.maintenance.kpis.kpis import compute_kpis

        begin, end = self._period(since, until)
        evidence = self._evidence(watched, begin, end, as_of)
        return figure_table(compute_kpis(evidence, begin, end), evidence)

    def _evidence(self, watched: pd.DataFrame, begin: datetime, end: datetime, as_of: datetime | None) -> "Evidence":
        """Return what figures are computed from, as it was at the end of the period or at another time."""
        from workbench.maintenance.kpis.evidence import evidence

        windows = self._schedule_options.calendar()
        return evidence(self.database, self._tables(end, as_of), watched, windows, begin, end)

    def _tables(self, end: datetime, as_of: datetime | None) -> "Tables":
        """Return the tables as they were at a time; at the end of a period, or now, where it is omitted."""
        from workbench.maintenance.records import past_tables, present_tables

        present = self.database.clock()
        if as_of is None:
            return present_tables(self.database) if end >= present else past_tables(self.database, end, earliest=True)
        if time_in_range("as_of", as_of) > present:
            raise MaintenanceError(f"The time {as_of} has not come yet.", "Pass a time of the past as as_of.")
        return past_tables(self.database, as_of)

    def questions(
        self,
        *,
        hours: float | None = None,
        due: datetime | None = None,
        skills: Iterable[str] = (),
        failure: str = "",
        verdict: str | None = None,
        new_person: str = "",
        new_part: str = "",
        meter: tuple[str, str] | None = None,
        reading: float | None = None,
        ordered: datetime | None = None,
        expected: datetime | None = None,
        technician: str | None = None,
        start: datetime | None = None,
        asset: str = "",
        channel: str = "",
        title: str = "",
        order: str = "",
    ) -> tuple[str, ...]:
        """Return what to ask before something is saved: values that are seldom meant.

        Many hours, a due date or start of the past, skills that nobody has, active orders on the asset that are perhaps
        for the same work, alerts that are real faults where nothing had failed; a start at which the technician is
        absent, not at work or busy with another order than `order`, or at which its parts have not come; a technician,
        part or meter (asset and name) whose name is nearly one that exists; a reading below the one before; a purchase
        ordered in the future or expected in the past.
        """
        from workbench.maintenance.orders.questions import (
            completion_questions,
            name_question,
            order_questions,
            place_questions,
            purchase_questions,
            similar_questions,
        )

        people, present = self.people.technicians(), self.database.clock()
        asked = order_questions(people, present, hours=hours, due=due, skills=skills)
        similar = self.orders.similar(asset=asset, channel=channel, title=title) if asset else ()
        asked += similar_questions([self.orders.get(number) for number in similar], self.asset_name)
        asked += completion_questions(failure, verdict)
        asked += purchase_questions(present, ordered, expected)
        asked += name_question("technician", new_person, self.people.near_name(new_person) if new_person else "")
        asked += name_question("part", new_part, self.parts.near_name(new_part) if new_part else "")
        if meter is not None:
            asked += name_question(f"meter of {meter[0]}", meter[1], self.preventive.near_meter(*meter))
            last = self.preventive.earlier_reading(*meter)
            if last is not None and reading is not None and reading < last:
                asked += (f"{meter[1]} of {meter[0]} was {last:g} before, and would fall to {reading:g}.",)
        if technician is None or start is None:
            return asked
        person = next((one for one in people if one.name == technician), None)
        return asked + place_questions(person, present, start, order, self.planning.problem() if order else None)

    def load(self, days: float = 7.0) -> pd.DataFrame:
        """Return each active technician's assigned, planned and available hours; see `load.technician_load`."""
        from workbench.maintenance.kpis.load import technician_load

        people, windows = self.people, self._schedule_options.calendar()
        sessions, present = self.planning.sessions(), self.database.clock()
        return technician_load(people.list(), sessions, people.technicians(), windows, present, days)

    def health(self, channels: Mapping[str, int]) -> pd.Series:
        """Return each asset's health index from its open alerts; see `kpis.health_index`.

        Parameters
        ----------
        channels : mapping of str to int
            Number of scored channels of each asset.
        """
        from workbench.maintenance.kpis.kpis import health_index

        return health_index(self.alerts.list(state="open"), channels)

    def _period(self, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
        end = until or self.database.clock()
        return since or end - _DEFAULT_PERIOD, end
