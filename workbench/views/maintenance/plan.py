"""The plan: who does what and when, as a Gantt chart or a calendar; proposed plans, and what if."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.maintenance.schedule.model import Conflict
from workbench.maintenance.schedule.shown_sessions import COLUMNS, proposed_sessions, saved_sessions
from workbench.maintenance.schedule.solver import Stop
from workbench.maintenance.schedule.what_if import Comparison, moved
from workbench.plots.gantt import gantt_figure, update_gantt
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.plan_by_hand import ByHand
from workbench.views.maintenance.plan_markup import (
    calendar_link,
    changes_markup,
    conflicts_markup,
    month_markup,
    proposed_words,
    saved_words,
    search_markup,
    week_markup,
)
from workbench.views.maintenance.plan_search import Search
from workbench.views.maintenance.plan_what_if import Questions
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Plan"]

_LAYOUTS = ("Gantt", "Week", "Month")
_DAYS = 7
_NO_TECHNICIANS = empty_card("No technicians yet.", "Add one under Resources.")


class Plan(Mode):
    """The saved plan, or a proposed plan that is not saved.

    Attributes
    ----------
    proposal : workbench.maintenance.schedule.model.Plan or None
        The proposed plan; None where the saved plan is shown.
    comparison : Comparison or None
        The what-if that the proposed plan answers.
    sessions : pandas.DataFrame
        The sessions that are shown, as `saved_sessions` or `proposed_sessions` returns them.
    conflicts : tuple of Conflict
        The conflicts of the plan that is shown.
    number : str
        Number of the order that is chosen; empty where none is.
    by_hand : ByHand
        The order that is chosen, with what changes its place by hand.
    questions : Questions
        The fields of a what-if.
    calendar : Grid
        The week or month that is shown.
    """

    name: ClassVar[str] = "Plan"
    css: ClassVar[str] = "wb-mode wb-mode-plan"
    keys: ClassVar[tuple[str, ...]] = ("shown", "day", "placed")

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.proposal: Any = None
        self.comparison: Comparison | None = None
        self.sessions = pd.DataFrame(columns=COLUMNS)
        self.conflicts: tuple[Conflict, ...] = ()
        self.number = ""
        self._people: list[str] = []
        self._question = ""
        self._first_day = ""
        self._charts = KeptCharts(["Gantt"], self.view.tokens, "wb-chart wb-gantt")
        self._progress = widgets.HTML()
        self._search = Search(self.view, self._propose, self._end, self._show_progress)
        self._asked: tuple[object, ...] = ()
        self.by_hand = ByHand(place=self.on_place, fix=self.on_fix, open_order=self.on_open_order)
        self.make = button(
            "Make a plan",
            "Propose a plan of all open orders; it is saved when you accept it (P)",
            self.on_make,
            "wb-key-p",
        )
        self.stop = button("Stop", "End the search, and propose the best plan so far", self.on_stop)
        self.accept = button(
            "Accept",
            "Save the proposed plan, assign its orders, and freeze the next days (Y)",
            self.on_accept,
            "wb-key-y",
        )
        self.discard = button(
            "Discard", "Discard the proposed plan, and show the saved one (Z)", self.on_discard, "wb-key-z"
        )
        self._layout = classed(widgets.ToggleButtons(options=list(_LAYOUTS)), "wb-toggle")
        self._layout.tooltips = [
            "A bar for each session, by technician",
            "Sessions by technician and day",
            "Sessions of five weeks",
        ]
        self._layout.observe(self.on_layout, "value")
        self._earlier = button("Earlier", "Show the week before ([)", self.on_earlier, "wb-key-[")
        self._later = button("Later", "Show the week after (])", self.on_later, "wb-key-]")
        self._today = button("Today", "Show this week", self.on_today)
        self._calendar_file = button(
            "Calendar file", "Save the plan as an .ics file for calendar programs (I)", self.on_ics, "wb-key-i"
        )
        self._download = widgets.HTML()
        self._empty = widgets.HTML()
        self._gantt = self._charts.boxes["Gantt"]
        self.calendar = Grid("Calendar of the plan", pick=self.on_pick, open=self.on_open, drop=self.on_drop)
        self.questions = Questions(self.on_what_if)
        self._problems = Grid("Conflicts", pick=self.on_conflict, open=self.on_open)
        self._changes = Grid("Orders that move", pick=self.on_pick, open=self.on_open)
        bar = box(
            "wb-bar", self.make, self.stop, self.accept, self.discard, self._layout, self._earlier, self._today,
            self._later, self._calendar_file, self._download, self._progress,
        )  # fmt: skip
        self._moves = box("wb-panel wb-moves", widgets.HTML("<h2>What the proposed plan changes</h2>"), self._changes)
        left = box("wb-left", box("wb-panel wb-plan", self._empty, self._gantt, self.calendar))
        right = box(
            "wb-right",
            self.by_hand.widget,
            box("wb-panel wb-ask", widgets.HTML("<h2>What if</h2>"), self.questions.widget),
            self._moves,
            box("wb-panel wb-problems", widgets.HTML("<h2>Conflicts</h2>"), self._problems),
        )
        return [bar, box("wb-body", left, right)]

    # ---- reading and showing

    def refresh(self) -> str:
        """Read the plan again, and return the words beside the title; a proposed plan stays as it is."""
        people = self.desk.people.list()
        names = people.loc[people["active"], "name"].tolist()
        table = self.desk.planning.table()
        saved = self.desk.planning.sessions()
        active = self.desk.orders.list()
        moved = self._moved()
        if self.proposal is None:
            self.conflicts = self.desk.planning.conflicts()
            self.sessions = saved_sessions(saved, table, self.conflicts)
        else:
            self.conflicts = self.proposal.conflicts
            self.sessions = proposed_sessions(self.proposal, active, set(moved["job"]))
        self._people = list(dict.fromkeys([*names, *sorted(set(self.sessions["technician"]))]))
        self.questions.offer(names)
        self.by_hand.offer(names)
        self._changes.html = "" if self.proposal is None else changes_markup(moved, self.comparison)
        self._moves.layout.display = "none" if self.proposal is None else None
        self._problems.html = conflicts_markup(self.conflicts)
        self._enable()
        self._calendar_file.disabled = saved.empty
        self._draw()
        self._choose(self.number)
        if self.proposal is None:
            return saved_words(table, len(active))
        return proposed_words(self.proposal, self._question, len(moved))

    def recolour(self) -> None:
        """Remove the chart, which is made in other colours when the section is shown again."""
        self._charts.recolour(self.view.tokens)

    def read_state(self) -> Mapping[str, object]:
        """Return the layout, the first day and the order that is chosen."""
        shown = None if self._layout.value == _LAYOUTS[0] else self._layout.value.lower()
        return {"shown": shown, "day": self._first_day, "placed": self.number}

    def apply_state(self, state: State) -> None:
        """Take the layout, the first day and the chosen order of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        names = {name.lower(): name for name in _LAYOUTS}
        layout = state.get("shown", _LAYOUTS[0].lower())
        day = state.get("day", "")
        check_choice("shown", layout, names)
        try:
            self._first_day = day and date.fromisoformat(day).isoformat()
        except ValueError:
            raise ViewError(
                f"The link asks for the day {day!r}, which is not a date.", "Write it as 2026-12-24."
            ) from None
        self.quiet = True
        self._layout.value = names[layout]
        self.quiet = False
        self.number = state.get("placed", "")

    def shown_table(self) -> pd.DataFrame:
        """Return the sessions that are shown."""
        return self.sessions

    def charts(self) -> Mapping[str, Chart]:
        """Return the Gantt chart, where it is shown."""
        return self._charts.shown() if self._layout.value == _LAYOUTS[0] else {}

    def code_lines(self) -> list[str]:
        """Return the cell that lists the sessions of the saved plan."""
        return ["session.maintenance.planning.sessions()"]

    def close(self) -> None:
        """Stop the search, and remove the section and its chart from the page."""
        self._search.close()
        self._charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_make(self, pressed: widgets.Button) -> None:
        """Propose a plan of all open orders."""
        del pressed
        self._begin("", self.desk.planning.propose)

    @callback
    def on_what_if(self, pressed: widgets.Button) -> None:
        """Compare the plan with one under other conditions, and propose the latter."""
        del pressed
        with self.questions.refusals.refusing():
            self._begin(self.questions.words(), partial(self.desk.planning.what_if, self.questions.change()))

    @callback
    def on_stop(self, pressed: widgets.Button) -> None:
        """Stop the search, and propose the best plan so far."""
        del pressed
        self._search.stop()

    @callback
    def on_accept(self, pressed: widgets.Button) -> None:
        """Save the proposed plan, assign its orders, and freeze the days that come."""
        del pressed
        if self.proposal is None:
            raise ViewError("There is no proposed plan.", "Press Make a plan first.")
        accepted = self.desk.planning.keep(self.proposal, self.view.who)
        days = self.desk.planning.options.frozen_days
        fixed = int(self.desk.planning.table()["frozen"].sum())
        count = len(self.proposal.placements) - len(accepted.refused)
        self._done(
            f"Plan saved: {counted(count, 'order')}. They are assigned, and the {fixed} of the next {days:g} days are "
            f"frozen. {escape(accepted.words)}".strip()
        )

    @callback
    def on_discard(self, pressed: widgets.Button) -> None:
        """Discard the proposed plan, and show the saved one."""
        del pressed
        self.proposal = self.comparison = None
        self.by_hand.status.value = ""
        self.view.outdate()

    @callback
    def on_layout(self, change: dict[str, Any]) -> None:
        """Show the Gantt chart, a week or a month."""
        del change
        if not self.quiet:
            self._draw()
            self.view.moved()

    @callback
    def on_earlier(self, pressed: widgets.Button) -> None:
        """Show the week before."""
        del pressed
        self._go(-_DAYS)

    @callback
    def on_today(self, pressed: widgets.Button) -> None:
        """Show the week of today."""
        del pressed
        self._first_day = ""
        self._draw()
        self.view.moved()

    @callback
    def on_later(self, pressed: widgets.Button) -> None:
        """Show the week after."""
        del pressed
        self._go(_DAYS)

    @callback
    def on_pick(self, number: str) -> None:
        """Choose an order of the plan."""
        self.by_hand.status.value = ""
        self._choose(number)
        self.view.moved()

    @callback
    def on_conflict(self, name: str) -> None:
        """Choose the order of a conflict, and show the week in which it is planned."""
        number = name.partition("#")[0]
        rows = self.sessions[self.sessions["number"] == number]
        if len(rows):
            self._first_day = _monday(rows["start"].iloc[0].date()).isoformat()
            self._draw()
        self._choose(number)
        self.view.moved()

    @callback
    def on_open(self, name: str) -> None:
        """Open an order in the section of the orders."""
        self.view.lead(name.partition("#")[0])

    @callback
    def on_open_order(self, pressed: widgets.Button) -> None:
        """Open the chosen order in the section of the orders."""
        del pressed
        self.view.lead(self.number)

    @callback
    def on_drop(self, text: str) -> None:
        """Move an order to another day or technician, at the same hour."""
        number, _, slot = text.partition("\t")
        technician, _, day = slot.rpartition("|")
        rows = self.sessions[self.sessions["number"] == number]
        if rows.empty:
            raise ViewError(f"{number} is not planned.", "Press Make a plan first.")
        hour = rows["start"].iloc[0].time()
        self._put(number, technician, datetime.combine(date.fromisoformat(day), hour, UTC))

    @callback
    def on_place(self, pressed: widgets.Button) -> None:
        """Move the chosen order to the technician and time of the fields."""
        del pressed
        self._put(self.number, *self.by_hand.slot())

    @callback
    def on_fix(self, pressed: widgets.Button) -> None:
        """Fix the chosen order where it is, or release it."""
        del pressed
        frozen = not self._fixed(self.number)
        self.desk.planning.freeze(self.number, self.view.who, frozen=frozen)
        self._done(f"{self.number} is {'fixed' if frozen else 'released: the next plan can move it'}.")

    @callback
    def on_ics(self, pressed: widgets.Button) -> None:
        """Save the plan as a calendar file."""
        del pressed
        self._download.value = calendar_link("plan.ics", self.desk.calendars.render())

    # ---- searching

    def _begin(self, question: str, work: Callable[[Stop], Any]) -> None:
        self._question = question
        self.by_hand.status.value = ""
        limit = round(self.desk.planning.options.time_limit) * (2 if isinstance(work, partial) else 1)
        self._search.start(work, f"Planning {counted(len(self.desk.orders.list()), 'order')}, second", limit)
        self._enable()

    def _propose(self, result: Any) -> None:
        self.comparison = result if isinstance(result, Comparison) else None
        self.proposal = result if self.comparison is None else self.comparison.after
        if self.proposal.placements:
            self._first_day = _monday(self.proposal.placements[0].start.date()).isoformat()

    def _show_progress(self, stop: Stop) -> None:
        self._progress.value = search_markup(stop)

    def _end(self) -> None:
        self._progress.value = ""
        self.view.outdate()

    def _enable(self) -> None:
        running = self._search.running
        self.stop.layout.display = None if running else "none"
        self.make.disabled = self.questions.compare.disabled = running
        for made in (self.accept, self.discard):
            made.layout.display = "none" if self.proposal is None or running else None

    # ---- parts

    def _moved(self) -> pd.DataFrame:
        if self.proposal is None:
            return pd.DataFrame({"job": []})
        return moved(self.desk.planning.placements(), self.proposal.placements)

    @property
    def _monday(self) -> date:
        """First day that is shown: of the chosen week, else of this week."""
        if self._first_day:
            return _monday(date.fromisoformat(self._first_day))
        return _monday(self.view.session.clock().date())

    def _draw(self) -> None:
        layout, first = self._layout.value, self._monday
        now = pd.Timestamp(self.view.session.clock())
        nobody = not self._people
        self._empty.value = _NO_TECHNICIANS if nobody else ""
        self._gantt.layout.display = None if layout == _LAYOUTS[0] and not nobody else "none"
        self.calendar.layout.display = "none" if layout == _LAYOUTS[0] or nobody else None
        if nobody:
            return
        if layout == _LAYOUTS[0]:
            data = (self.sessions, self._people, first, _DAYS, now)
            tokens = self.view.tokens
            self._charts.show(
                "Gantt",
                lambda: gantt_figure(*data, tokens=tokens),
                lambda plot: update_gantt(plot, *data, tokens=tokens),
            )
        elif layout == "Week":
            self.calendar.html = week_markup(self.sessions, self._people, first, now.date())
        else:
            self.calendar.html = month_markup(self.sessions, first, now.date())

    def _go(self, days: int) -> None:
        self._first_day = (self._monday + timedelta(days=days)).isoformat()
        self._draw()
        self.view.moved()

    def _choose(self, number: str) -> None:
        self.number = number
        self.calendar.chosen = self._changes.chosen = number
        order = self.desk.orders.get(number) if number else None
        rows = self.sessions[self.sessions["number"] == number]
        self.by_hand.show(order, rows, fixed=self._fixed(number), proposed=self.proposal is not None)

    def _fixed(self, number: str) -> bool:
        table = self.desk.planning.table()
        return bool(table.loc[table["number"] == number, "frozen"].any())

    def _put(self, number: str, technician: str, start: datetime) -> None:
        if self.proposal is not None:
            raise ViewError(
                "A proposed plan is shown.", "Accept or discard it first: only the saved plan can be changed by hand."
            )
        questions = self.desk.questions(technician=technician, start=start, order=number)
        if questions and self._asked != (number, technician, start):
            self._asked = (number, technician, start)
            raise ViewError(" ".join(questions), "Move the order there again if this is right.")
        self.desk.planning.place(number, technician, start, self.view.who)
        self.number = number
        self._done(f"{number} is planned for {escape(technician)}, {start:%a %d %b %H:%M} UTC, and fixed there.")

    def _done(self, words: str) -> None:
        self.proposal = self.comparison = None
        self.view.changed()
        self.by_hand.status.value = f"<p role='status'>{words}</p>"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
