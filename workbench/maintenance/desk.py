"""The maintenance desk, which brings all parts of maintenance together over one database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from workbench.maintenance import log as maintenance_log
from workbench.maintenance.database import Database
from workbench.maintenance.options import AlertOptions, NotificationOptions, OrderOptions, ScheduleOptions

if TYPE_CHECKING:
    from workbench.maintenance.alerts.alerts import Alerts
    from workbench.maintenance.alerts.known.events import KnownEvents, Splits
    from workbench.maintenance.alerts.outages import Outages
    from workbench.maintenance.alerts.verdicts import Series
    from workbench.maintenance.cases.cases import Cases
    from workbench.maintenance.kpis.alarms import AlarmFigures
    from workbench.maintenance.kpis.kpis import Kpis
    from workbench.maintenance.notifications import Notifier
    from workbench.maintenance.orders.orders import WorkOrders
    from workbench.maintenance.orders.parts import Parts
    from workbench.maintenance.orders.people import People
    from workbench.maintenance.orders.preventive import Preventive
    from workbench.maintenance.planning import Planning

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
    series : callable, optional
        Returns the coordinate `time` of a channel's test series as it is now, None where the archive does not hold it.
    splits : callable, optional
        Opens a split of a channel, from which the shapes of known events are taken.

    Attributes
    ----------
    database : Database
        Database in which everything is stored.
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
        series: "Series | None" = None,
        splits: "Splits | None" = None,
    ) -> None:
        self.database = Database(url, clock)
        self._alert_options = alerts or AlertOptions()
        self._order_options = orders or OrderOptions()
        self._schedule_options = schedule or ScheduleOptions()
        self._notifications = notifications
        self._criticality = criticality
        self._series = series
        self._splits = splits

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
    def alerts(self) -> "Alerts":
        """Return the alerts, to list, acknowledge, shelve and close them."""
        from workbench.maintenance.alerts.alerts import Alerts

        return Alerts(self.database, self._alert_options, self._series, self.known)

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

        return Outages(self.database)

    @cached_property
    def orders(self) -> "WorkOrders":
        """Return the work orders, to open, assign and complete them."""
        from workbench.maintenance.orders.orders import WorkOrders

        return WorkOrders(self.database, self._order_options, self._criticality)

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
    def preventive(self) -> "Preventive":
        """Return the preventive plans, which open orders by themselves."""
        from workbench.maintenance.orders.preventive import Preventive

        return Preventive(self.database, self._order_options)

    @cached_property
    def planning(self) -> "Planning":
        """Return the planning, to make the schedule and try changes."""
        from workbench.maintenance.planning import Planning

        return Planning(self.database, self._schedule_options)

    @cached_property
    def notifier(self) -> "Notifier":
        """Return the notifier, which sends people messages about alerts."""
        from workbench.maintenance.notifications import Notifier

        return Notifier(self.database, self._notifications)

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

    def log_count(self, **filters: Any) -> int:
        """Return how many rows of the log match some filters; see `workbench.maintenance.log.entries`."""
        return maintenance_log.count(self.database, **filters)

    def log_people(self) -> tuple[str, ...]:
        """Return the names of all people and programs in the log."""
        return maintenance_log.people(self.database)

    def log_length(self) -> int:
        """Return how many rows the log has, fast: a larger number than before says that somebody has acted since."""
        return maintenance_log.length(self.database)

    def verify_log(self) -> maintenance_log.Verification:
        """Compare every row of the log with its hash."""
        return maintenance_log.verify(self.database)

    def alarm_figures(self, since: datetime | None = None, until: datetime | None = None) -> "AlarmFigures":
        """Compute the alarm performance of a period, the last 30 days where omitted; see `alarm_figures`."""
        from workbench.maintenance.kpis.alarms import alarm_figures

        return alarm_figures(self.database, self._alert_options, *self._period(since, until))

    def kpis(self, watched: pd.DataFrame, since: datetime | None = None, until: datetime | None = None) -> "Kpis":
        """Compute the figures of a period, the last 30 days where omitted; see `kpis.compute_kpis`.

        Parameters
        ----------
        watched : pandas.DataFrame
            asset, start, end of the times in which assets were watched, as `session.watched()` returns them.
        since, until : datetime, optional
            The period, aware; since is inclusive, until is not.
        """
        from workbench.maintenance.kpis.acknowledgements import acknowledgement_minutes
        from workbench.maintenance.kpis.failures import failure_events
        from workbench.maintenance.kpis.kpis import compute_kpis

        begin, end = self._period(since, until)
        people = self.people.list()
        usual = self._schedule_options.calendar().weekly_hours
        return compute_kpis(
            self.orders.list(state=None),
            failure_events(self.database),
            acknowledgement_minutes(self.database, begin, end),
            self.outages.list(),
            self.planning.table(closed=True),
            self.parts.list(),
            watched=watched,
            weekly_hours=float(people.loc[people["active"], "weekly_hours"].fillna(usual).sum()),
            since=begin,
            until=end,
        )

    def figures(
        self, watched: pd.DataFrame, since: datetime | None = None, until: datetime | None = None
    ) -> pd.DataFrame:
        """Return the figures of `kpis` with their intervals; see `intervals.figure_table`."""
        from workbench.maintenance.kpis.intervals import figure_table

        begin, end = self._period(since, until)
        return figure_table(
            self.kpis(watched, begin, end), self.orders.list(state=None), self.planning.table(closed=True)
        )

    def load(self, days: float = 7.0) -> pd.DataFrame:
        """Return each active technician's assigned, planned and available hours; see `load.technician_load`."""
        from workbench.maintenance.kpis.load import technician_load

        usual = self._schedule_options.calendar().weekly_hours
        return technician_load(self.people.list(), self.planning.sessions(), usual, self.database.clock(), days)

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
