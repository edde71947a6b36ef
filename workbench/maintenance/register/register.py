"""The asset register: what catalog and archive list, with what people added and changed.

What the catalog lists appears by itself. What people add or change is a row of the table `assets`, and a row of the log
for every change. An order, a plan or a meter of a name that neither knows is listed as unregistered.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.changes import short_subject
from workbench.maintenance.database import Database, now
from workbench.maintenance.orders.location import Location
from workbench.maintenance.orders.states import CLOSED
from workbench.maintenance.orders.table import MeterRow, OrderRow, PreventiveRow
from workbench.maintenance.register.entries import set_values
from workbench.maintenance.register.hierarchy import (
    check_parent,
    criticality_of,
    find_item,
    in_order,
    line_of,
    location_of_item,
)
from workbench.maintenance.register.items import (
    KINDS,
    MAX_NAME,
    RATED_KINDS,
    CatalogItem,
    RegisteredAsset,
    article,
    full_name,
    state_at,
)
from workbench.maintenance.register.table import AssetRow
from workbench.maintenance.values import check_choice, required_text

__all__ = ["AssetRegister"]

_COLUMNS = (
    "name",
    "kind",
    "parent",
    "title",
    "criticality",
    "state",
    "in_service_from",
    "in_service_to",
    "orders",
    "plans",
    "parts",
    "documents",
    "source",
)


class AssetRegister:
    """List of the sites, units, assets, subsystems and components.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    catalog : callable, optional
        Returns what catalog and archive list.
    criticality : callable, optional
        Returns what the catalog says of the criticality of an asset; None where it says nothing.
    """

    def __init__(
        self,
        database: Database,
        catalog: Callable[[], Iterable[CatalogItem]] | None = None,
        criticality: Callable[[str], int | None] | None = None,
    ) -> None:
        self.database = database
        self._catalog = catalog
        self._criticality = criticality

    # ---- reading

    def list(self, *, kind: str | None = None, retired: bool = True) -> pd.DataFrame:
        """Return the register in the order of the hierarchy, and the unregistered names after it.

        Parameters
        ----------
        kind : str, optional
            Only this level, of `KINDS`.
        retired : bool
            Whether to list what is out of service for good.

        Returns
        -------
        pandas.DataFrame
            name, kind, parent, title, criticality (its own, or that of what it belongs to), state (planned, in
            service, retired or unregistered), in_service_from, in_service_to, orders (active ones), plans (active
            preventive ones), parts (as `seal=2`), documents (how many), source (catalog, register, or empty).
        """
        if kind is not None:
            check_choice("kind of asset", kind, KINDS)
        with self.database.reading() as db:
            items = self._items(db, self.database.clock())
            orders, plans = _active_orders(db), _active_plans(db)
            unregistered = sorted(_used_names(db) - items.keys()) if items else []
        rows = [
            {
                **{name: getattr(item, name) for name in _COLUMNS if hasattr(item, name)},
                "criticality": criticality_of(items, item.name),
                "orders": orders.get(item.name, 0),
                "plans": plans.get(item.name, 0),
                "parts": ", ".join(f"{part}={pieces}" for part, pieces in item.parts.items()),
                "documents": len(item.documents),
            }
            for item in in_order(items)
            if kind in (None, item.kind) and (retired or item.state != "retired")
        ]
        rows += [
            {
                "name": name,
                "kind": "",
                "parent": "",
                "title": "",
                "state": "unregistered",
                "orders": orders.get(name, 0),
                "plans": plans.get(name, 0),
                "parts": "",
                "documents": 0,
                "source": "",
            }
            for name in unregistered
            if kind is None
        ]
        table = pd.DataFrame(rows, columns=list(_COLUMNS))
        for name in ("in_service_from", "in_service_to"):
            table[name] = pd.to_datetime(table[name], utc=True)
        return table.astype({"criticality": "Int64"})

    def get(self, name: str) -> RegisteredAsset:
        """Return one item of the register.

        Raises
        ------
        MaintenanceError
            There is none of this name; the message names the nearest.
        """
        with self.database.reading() as db:
            return find_item(self._items(db, self.database.clock()), name)

    def names(self, kinds: Sequence[str] = KINDS) -> tuple[str, ...]:
        """Return the names of all items of some levels, in the order of the hierarchy."""
        with self.database.reading() as db:
            items = self._items(db, self.database.clock())
        return tuple(item.name for item in in_order(items) if item.kind in kinds)

    def asset_names(self) -> tuple[str, ...]:
        """Return the names of the sites, units and assets: what meters, outages and alerts belong to."""
        return self.names(RATED_KINDS)

    def criticality(self, asset: str) -> int | None:
        """Return the criticality of an asset, or that of what it belongs to; None where nobody has said."""
        with self.database.reading() as db:
            rows = {row.name: row for row in db.scalars(sa.select(AssetRow).where(AssetRow.kind.in_(RATED_KINDS)))}
        name, seen = asset, {""}
        while name not in seen:
            seen.add(name)
            row = rows.get(name)
            if row is not None and row.criticality is not None:
                return row.criticality
            of_catalog = self._criticality(name) if self._criticality else None
            if of_catalog is not None:
                return of_catalog
            name = row.parent if row is not None else ""
        return None

    def location(self, name: str) -> Location:
        """Return where work stands that a person opens on a name.

        Raises
        ------
        MaintenanceError
            There is no such item, which the message answers with the nearest name, or it is retired. Any name is taken
            while the register is empty.
        """
        with self.database.reading() as db:
            items = self._items(db, self.database.clock())
        if not items:
            return Location(required_text("the asset", name))
        item = find_item(items, name)
        for one in line_of(items, item.name):
            if one.state == "retired":
                raise MaintenanceError(
                    f"{one.name} is retired since {one.in_service_to:%Y-%m-%d}: it takes no new work.",
                    f"Choose another asset, or change the date: workbench assets change {one.name} --to none.",
                )
        return location_of_item(items, item)

    def location_of(self, name: str) -> Location:
        """Return where orders of an item stand, whether it is retired or not.

        Raises
        ------
        MaintenanceError
            There is no such item.
        """
        with self.database.reading() as db:
            items = self._items(db, self.database.clock())
        return location_of_item(items, find_item(items, name))

    def history(self, name: str) -> pd.DataFrame:
        """Return the rows of the log about an item, oldest first."""
        entries = log.entries(self.database, subject=short_subject(f"asset:{name}"))
        return entries.iloc[::-1].reset_index(drop=True)

    # ---- changing

    def add(self, name: str, kind: str, who: str, *, parent: str = "", **values: Any) -> str:
        """Add a site, unit, asset, subsystem or component, and return its name in the register.

        Parameters
        ----------
        name : str
            Name; that of a subsystem or component is put after the name of its parent.
        kind : str
            Level of the hierarchy, of `KINDS`.
        who : str
            Person or program that does it, for the log.
        parent : str
            What it belongs to: something of a higher level. A subsystem needs an asset, a component an asset or a
            subsystem.
        **values
            title, description, criticality (1 to 5), in_service_from and in_service_to (aware), parts (mapping of
            names to quantities), documents (references, or mappings with `reference` and `title`).

        Raises
        ------
        MaintenanceError
            There is an item of this name, the parent does not fit, or a value is outside its range.
        """
        check_choice("kind of asset", kind, KINDS)
        plain = required_text("the name of an asset", name)
        with self.database.writing() as db:
            items = self._items(db, now(db))
            check_parent(items, kind, parent)
            full = full_name(kind, plain, parent)
            if "/" in full.removeprefix(f"{parent}/") or len(full) > MAX_NAME:
                raise MaintenanceError(
                    f"{plain!r} cannot be the name of {article(kind)}.",
                    f"Write a name without '/'; with its parents it has at most {MAX_NAME} characters.",
                )
            if full in items:
                raise MaintenanceError(
                    f"There is {article(items[full].kind)} {full} already.",
                    "Change it in place of that: workbench assets change.",
                )
            row = AssetRow(name=full, kind=kind, parent=parent, parts={}, documents=[])
            changes = set_values(db, row, values)
            db.add(row)
            details = {"kind": kind, "parent": parent, **changes}
            log.append(db, f"asset:{full}", "added", who, {key: value for key, value in details.items() if value})
            return full

    def change(self, name: str, who: str, *, parent: str | None = None, **values: Any) -> None:
        """Change an item of the register, that of the catalog too; what is omitted stays.

        Parameters
        ----------
        name : str
            Name in the register.
        who : str
            Person or program that does it, for the log.
        parent : str, optional
            Site or unit to which a unit or an asset belongs from now on; empty for none.
        **values
            As for `add`; None for a criticality or a time that it has no more, or that is as in the catalog again.

        Raises
        ------
        MaintenanceError
            There is no such item, nothing is changed, the parent does not fit, or a value is outside its range.
        """
        with self.database.writing() as db:
            items = self._items(db, now(db))
            item = find_item(items, name)
            row = _row_of(db, item)
            changes: dict[str, Any] = {}
            if parent is not None and parent != item.parent:
                if item.kind not in ("unit", "asset"):
                    raise MaintenanceError(
                        f"{article(item.kind).capitalize()} cannot be moved: its name holds where it belongs.",
                        "Retire it, and add it where it belongs now.",
                    )
                check_parent(items, item.kind, parent)
                row.parent = changes["parent"] = parent
            changes |= set_values(db, row, values)
            if not changes:
                raise MaintenanceError(f"{item.name} was not changed: no new value was passed.", "Pass one.")
            log.append(db, f"asset:{item.name}", "changed", who, changes)

    def retire(self, name: str, who: str, why: str, at: datetime | None = None) -> None:
        """Take an item out of service for good: no new work is opened on it, nor on what belongs to it.

        Parameters
        ----------
        name : str
            Name in the register.
        who : str
            Person or program that does it, for the log.
        why : str
            Reason, not empty.
        at : datetime, optional
            When it ends, aware; now where omitted.

        Raises
        ------
        MaintenanceError
            There is no such item, no reason, or the time lies before it was in service.
        TransitionError
            It is retired already.
        """
        with self.database.writing() as db:
            item = find_item(self._items(db, now(db)), name)
            if item.state == "retired":
                raise TransitionError(f"{item.name} is retired since {item.in_service_to:%Y-%m-%d}.", "Nothing to do.")
            row = _row_of(db, item)
            changes = set_values(db, row, {"in_service_to": at or now(db)})
            details = {"why": required_text("the reason", why), **changes}
            log.append(db, f"asset:{item.name}", "retired", who, details)

    def move_records(self, name: str, to: str, who: str) -> int:
        """Move the orders, preventive plans and meters of an unregistered name to what it means.

        Parameters
        ----------
        name : str
            Name that is not in the register.
        to : str
            Item of the register.
        who : str
            Person or program that does it, for the log.

        Returns
        -------
        int
            How many orders, plans and meters were moved.

        Raises
        ------
        MaintenanceError
            The name is registered, nothing has it, or both have a meter of one name.
        """
        with self.database.writing() as db:
            items = self._items(db, now(db))
            if name in items:
                raise MaintenanceError(f"{name} is registered: its records stay with it.", "Name an unregistered one.")
            place = location_of_item(items, find_item(items, to))
            orders = db.scalars(sa.select(OrderRow).where(OrderRow.asset == name).order_by(OrderRow.id)).all()
            plans = db.scalars(sa.select(PreventiveRow).where(PreventiveRow.asset == name)).all()
            meters = db.scalars(sa.select(MeterRow).where(MeterRow.asset == name)).all()
            if not (orders or plans or meters):
                raise MaintenanceError(f"There is no record of {name!r}.", "See: workbench assets list.")
            for order in orders:
                order.asset, order.subsystem = place.asset, place.subsystem or order.subsystem
                order.component = place.component or order.component
                log.append(db, f"order:{order.id}", "moved", who, {"from": name, "to": to})
            for plan in plans:
                plan.asset, plan.subsystem = place.asset, place.subsystem or plan.subsystem
                log.append(db, f"preventive:{plan.id}", "moved", who, {"from": name, "to": to})
            for meter in meters:
                if db.get(MeterRow, (place.asset, meter.name)) is not None:
                    raise MaintenanceError(
                        f"{place.asset} has a meter {meter.name!r} of its own: whose readings count is not known.",
                        f"Read that meter of {place.asset} once more, and leave {name} as it is.",
                    )
                db.add(MeterRow(asset=place.asset, name=meter.name, value=meter.value, read_at=meter.read_at))
                db.delete(meter)
                log.append(db, short_subject(f"meter:{place.asset}/{meter.name}"), "moved", who, {"from": name})
            count = len(orders) + len(plans) + len(meters)
            log.append(db, f"asset:{to}", "records moved", who, {"from": name, "records": count})
            return count

    # ---- internals

    def _items(self, db: orm.Session, present: datetime) -> dict[str, RegisteredAsset]:
        """Return the register by name: the catalog, with the rows of people over it."""
        items = {
            one.name: RegisteredAsset(
                one.name,
                one.kind,
                one.parent,
                one.title,
                one.description,
                one.criticality,
                source="catalog",
            )
            for one in (self._catalog() if self._catalog else ())
        }
        for row in db.scalars(sa.select(AssetRow).order_by(AssetRow.name)):
            before = items.get(row.name) or RegisteredAsset(row.name, row.kind, row.parent)
            items[row.name] = replace(
                before,
                parent=row.parent,
                title=before.title if row.title is None else row.title,
                description=before.description if row.description is None else row.description,
                criticality=before.criticality if row.criticality is None else row.criticality,
                in_service_from=row.in_service_from,
                in_service_to=row.in_service_to,
                state=state_at(row.in_service_from, row.in_service_to, present),
                parts=dict(row.parts),
                documents=tuple(row.documents),
            )
        return items


def _active_orders(db: orm.Session) -> dict[str, int]:
    """Return how many active orders stand on each name, those of a subsystem or component among its own alone."""
    columns = (OrderRow.asset, OrderRow.subsystem, OrderRow.component)
    statement = sa.select(*columns, sa.func.count()).where(OrderRow.state.not_in(CLOSED)).group_by(*columns)
    counts: dict[str, int] = {}
    for asset, subsystem, component, count in db.execute(statement):
        names = {
            asset,
            "/".join(filter(None, (asset, subsystem))),
            "/".join(filter(None, (asset, subsystem, component))),
        }
        for name in names:
            counts[name] = counts.get(name, 0) + count
    return counts


def _active_plans(db: orm.Session) -> dict[str, int]:
    statement = sa.select(PreventiveRow.asset, sa.func.count()).where(PreventiveRow.active)
    return {asset: count for asset, count in db.execute(statement.group_by(PreventiveRow.asset))}


def _used_names(db: orm.Session) -> set[str]:
    """Return the names of assets that orders, plans and meters have."""
    columns = (OrderRow.asset, PreventiveRow.asset, MeterRow.asset)
    return {name for column in columns for name in db.scalars(sa.select(column).distinct())}


def _row_of(db: orm.Session, item: RegisteredAsset) -> AssetRow:
    """Return the row of an item; a new one, which says nothing, for an asset of the catalog."""
    row = db.get(AssetRow, item.name)
    if row is None:
        row = AssetRow(name=item.name, kind=item.kind, parent=item.parent, parts={}, documents=[])
        db.add(row)
    return row
