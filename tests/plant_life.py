"""A small plant that lives: people and machines that do what comes by chance, by the same seed the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.maintenance.alerts.raising import Finding
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.orders.table import FrozenSlotRow

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
ASSETS = ("Pump-1", "Pump-2", "Valve-3")
WATCHED = pd.DataFrame(
    [("Pump-1", BEGAN), ("Pump-2", BEGAN + timedelta(days=20)), ("Pump-2", BEGAN + timedelta(days=40))],
    columns=["asset", "start"],
).assign(end=BEGAN + timedelta(days=800))
"""Valve-3 fails, too, and is not watched."""


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        return self.now


class Life:
    """What happens at a plant, hour by hour.

    Parameters
    ----------
    url : str
        Where its maintenance database lies.
    seed : int
        What happens.
    """

    def __init__(self, url: str, seed: int) -> None:
        self.clock = Clock()
        self.desk = Maintenance(url, self.clock)
        self._random = np.random.default_rng(seed)
        self._sample = 0
        self.desk.people.set("Ann", "boss", rate=50.0, hours=["Mon-Fri 08:00-16:00"])
        self.desk.people.set("Ben", "boss", rate=40.0)
        self.desk.parts.set("seal", "boss", stock=31, minimum=30, unit_cost=5.0)
        self.desk.parts.set("bolt", "boss", stock=9, minimum=9)
        plans = self.desk.preventive
        plans.add("Grease", "Pump-1", "boss", every_days=5, lead_days=4)
        plans.add("Look", "Pump-2", "boss", every_days=6, anchor="completed", lead_days=3)
        plans.add("Oil", "Pump-1", "boss", meter="hours", every=300)

    def until(self, end: datetime) -> None:
        """Live up to a time."""
        while self.clock.now < end:
            self.clock.now = min(self.clock.now + timedelta(seconds=float(self._random.exponential(25_000))), end)
            try:
                self._something()
            except MaintenanceError:  # nobody can do that just now: as at any plant
                continue

    def _pick(self, values: Any) -> Any:
        values = list(values)
        if not values:
            raise MaintenanceError("There is nothing of this kind.", "Wait.")
        return values[int(self._random.integers(len(values)))]

    def _something(self) -> None:
        often = [self._work] * 8
        self._pick([self._alert, self._answer, self._order, *often, self._rest, self._plans, self._promise])()

    def _alert(self) -> None:
        self._sample += 1000
        asset = self._pick(ASSETS)
        dated = self._random.random() < 0.5
        start = self.clock.now - timedelta(hours=5) if dated else None
        self.desk.alerts.raise_findings(
            [],
            [
                Finding(
                    channel=f"{asset}-{self._pick('AB')}",
                    asset=asset,
                    subsystem="",
                    units="",
                    kind="model",
                    start_sample=self._sample,
                    end_sample=self._sample + 20,
                    start_time=start,
                    end_time=start,
                    level=self._pick(["low", "medium", "high"]),
                    severity=3.0,
                    value=None,
                    threshold=None,
                    source="x/1",
                    message="left its forecast",
                    ongoing=bool(self._random.random() < 0.5),
                )
            ],
        )

    def _answer(self) -> None:
        alert = int(self._pick(self.desk.alerts.list(state="open")["id"]))
        what = self._pick(["acknowledge", "shelve", "unshelve", "close"])
        options: dict[str, Any] = {}
        if what == "shelve":
            options = {"why": "later", "hours": 5.0}
        if what == "close":
            options = {"verdict": self._pick(["true", "true", "false alarm", "unknown"])}
        getattr(self.desk.alerts, what)(alert, "Ann", **options)

    def _order(self) -> None:
        alerts = self.desk.alerts.list(state="open")
        if len(alerts) and self._random.random() < 0.5:
            self.desk.orders.from_alerts([int(self._pick(alerts["id"]))], "Ann")
        else:
            kinds = ("corrective", "predictive", "inspection", "emergency")
            parts = {"seal": 1} if self._random.random() < 0.5 else {"bolt": 1}
            self.desk.orders.new("Ann", asset=self._pick(ASSETS), type=self._pick(kinds), checklist=[], parts=parts)

    def _work(self) -> None:
        orders = self.desk.orders
        active = orders.list()
        number = self._pick(active["number"])
        state = active.set_index("number").loc[number, "state"]
        if state == "open" or (state == "assigned" and self._random.random() < 0.3):
            orders.assign(number, self._pick(["Ann", "Ben"]), "boss")
        elif self._random.random() < 0.1:
            orders.cancel(number, "not needed", "boss")
        elif state == "assigned" or (state == "on hold" and self._random.random() < 0.2):
            orders.start(number, "Ann")
        elif state == "on hold":
            return
        elif self._random.random() < 0.4:
            orders.hold(number, "waits", "Ann")
        else:
            for item, question in enumerate(orders.get(number).checklist, 1):
                value: Any = {"done": True, "number": "1", "meter": "1", "choice": (*question.choices, "")[0]}
                orders.answer(number, item, value.get(question.kind, "fine"), "Ann")
            kind = self._pick(["functional failure", "functional failure", "degradation", "none"])
            orders.complete(
                number,
                "Ann",
                done="it",
                hours=float(self._random.uniform(0.5, 9)),
                failure=kind,
                mode="" if kind == "none" else "BRD",
                verdict="true",
            )

    def _rest(self) -> None:
        what = self._pick(["outage", "back", "meter", "part", "tick", "absent"])
        if what == "outage":
            end = self.clock.now + timedelta(hours=30) if self._random.random() < 0.5 else None
            self.desk.outages.start(self._pick(ASSETS), "Ann", "repair", until=end)
        elif what == "back":
            self.desk.outages.end(self._pick(ASSETS), "Ann")
        elif what == "meter":
            running = (self.clock.now - BEGAN) / timedelta(hours=1)
            self.desk.preventive.read_meter("Pump-1", "hours", running, "Ann")
        elif what == "part":
            self.desk.parts.receive("seal", 3, "Ben")
        elif what == "tick":
            self.desk.alerts.tick()
        else:
            self.desk.people.set("Ben", "boss", closed=[(self.clock.now + timedelta(days=2)).date()])

    def _plans(self) -> None:
        self.desk.preventive.open_due("workbench")

    def _promise(self) -> None:
        number = self._pick(self.desk.orders.list()["number"])
        with self.desk.database.writing() as db:
            count = db.query(FrozenSlotRow).count()
            start = self.clock.now + timedelta(hours=float(self._random.uniform(1, 90)))
            day = start.date()
            db.add(
                FrozenSlotRow(
                    id=count + 1,
                    week=day - timedelta(days=day.weekday()),
                    order_id=int(number.removeprefix("WO-")),
                    technician="Ann",
                    start=start,
                    end=start + timedelta(hours=40),
                    accepted_at=self.clock.now,
                    accepted_by="boss",
                    released_at=None,
                )
            )
