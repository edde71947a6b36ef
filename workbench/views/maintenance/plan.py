"""The plan: who does what and when, as a Gantt chart or a calendar; proposals, and what if."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from bokeh.plotting import figure

from workbench.exceptions import ViewError
from workbench.maintenance.exports import plan_calendar
from workbench.maintenance.schedule.kept_conflicts import plan_conflicts
from workbench.maintenance.schedule.model import Conflict
from workbench.maintenance.schedule.solver import Stop
from workbench.maintenance.schedule.what_if import Comparison, moved
from workbench.plots.gantt import gantt_figure, update_gantt
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.plan_by_hand import ByHand
from workbench.views.maintenance.plan_markup import (
    calendar_link,
    changes_markup,
    conflicts_markup,
    kept_words,
    month_markup,
    proposal_words,
    week_markup,
)
from workbench.views.maintenance.plan_search import Search
from workbench.views.maintenance.plan_sessions import COLUMNS, kept_sessions, proposed_sessions
from workbench.views.maintenance.plan_what_if import Questions
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.chart import Chart, LiveChart
from workbench.views.widgets.grid import Grid

__all__ = ["Plan"]

_SHOWN = ("Gantt", "Week", "Month")
_DAYS = 7
_NOBODY = empty_card("No technicians yet.", "Add one under Figures, or:", "workbench people set NAME")


class Plan(Mode):
    """The kept plan, or a proposal beside it.

    Attributes
    ----------
    proposal : workbench.maintenance.schedule.model.Plan or None
        A plan that is shown and not kept.
    comparison : Comparison or None
        The what-if that it comes from.
    sessions : pandas.DataFrame
        What is shown: number, title, technician, start, end, kind, words.
    conflicts : tuple of Conflict
    number : str
        The order that is chosen.
    by_hand : ByHand
    questions : Questions
    """

    name: ClassVar[str] = "Plan"
    keys: ClassVar[tuple[str, ...]] = ("shown", "day", "placed")

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.proposal: Any = None
        self.comparison: Comparison | None = None
        self.sessions, self.number = pd.DataFrame(columns=COLUMNS), ""
        self.conflicts: tuple[Conflict, ...] = ()
        self._people: list[str] = []
        self._asked, self._first = "", ""
        self._plot: figure | None = None
        self._search = Search(self, self._propose, self._end)
        self.by_hand = ByHand(self)
        self.make = button(
            "Make a plan", "Plan all open orders; nothing is kept before you accept (P)", self.on_make, "wb-key-p"
        )
        self.stop = button("Stop", "End the search: what was found so far is proposed", self.on_stop)
        self.accept = button("Accept", "Keep the proposal as the plan (Y)", self.on_accept, "wb-key-y")
        self.discard = button("Discard", "Forget the proposal (Z)", self.on_discard, "wb-key-z")
        self._shown = classed(widgets.ToggleButtons(options=list(_SHOWN)), "wb-toggle")
        self._shown.tooltips = ["Bars by technician", "Sessions by technician and day", "Five weeks"]
        self._shown.observe(self.on_shown, "value")
        self._earlier = button("Earlier", "A week back ([)", self.on_earlier, "wb-key-[")
        self._later = button("Later", "A week on (])", self.on_later, "wb-key-]")
        self._calendar_file = button(
            "Calendar file", "Save the kept plan as .ics, for any calendar (I)", self.on_ics, "wb-key-i"
        )
        self._saved, self._empty = widgets.HTML(), widgets.HTML()
        self._gantt = box("wb-chart wb-gantt")
        self.calendar = Grid("Calendar of the plan", pick=self.on_pick, open=self.on_open, drop=self.on_drop)
        self.questions = Questions(self.on_what_if)
        self._problems = Grid("Conflicts", pick=self.on_conflict, open=self.on_open)
        self._changes = Grid("Orders that move", pick=self.on_pick, open=self.on_open)
        bar = box(
            "wb-bar", self.make, self.stop, self.accept, self.discard, self._shown, self._earlier, self._later,
            self._calendar_file, self._saved,
        )  # fmt: skip
        self._moves = box("wb-panel wb-moves", widgets.HTML("<h2>What the proposal changes</h2>"), self._changes)
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
        """Read the plan again; a proposal stays until it is accepted or discarded."""
        people = self.desk.people.list()
        names = people.loc[people["active"], "name"].tolist()
        table, kept = self.desk.planning.table(), self.desk.planning.sessions()
        active = self.desk.orders.list()
        moved = self._moved()
        if self.proposal is None:
            self.conflicts = plan_conflicts(table, kept, active["number"].tolist())
            self.sessions = kept_sessions(kept, table, self.conflicts)
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
        self._calendar_file.disabled = kept.empty
        self._draw()
        self._choose(self.number)
        if self.proposal is None:
            return kept_words(table, len(active))
        return proposal_words(self.proposal, self._asked, len(moved))

    def recolour(self) -> None:
        """Forget the chart."""
        before, self._gantt.children, self._plot = self._gantt.children, (), None
        for child in before:
            child.close()

    def read_state(self) -> Mapping[str, object]:
        """Give what is shown, from which day, and what is chosen."""
        shown = None if self._shown.value == _SHOWN[0] else self._shown.value.lower()
        return {"shown": shown, "day": self._first, "placed": self.number}

    def apply_state(self, state: State) -> None:
        """Take what is shown from a link."""
        names = {name.lower(): name for name in _SHOWN}
        wanted, day = state.get("shown", _SHOWN[0].lower()), state.get("day", "")
        if wanted not in names:
            raise ViewError(f"shown is {wanted!r}.", f"Known: {', '.join(names)}.")
        try:
            self._first = day and date.fromisoformat(day).isoformat()
        except ValueError:
            raise ViewError(f"day is {day!r}.", "Write it as 2026-12-24.") from None
        self.quiet = True
        self._shown.value = names[wanted]
        self.quiet = False
        self.number = state.get("placed", "")

    def shown_table(self) -> pd.DataFrame:
        """Give the sessions."""
        return self.sessions

    def charts(self) -> Mapping[str, Chart]:
        """Give the Gantt chart, where it is shown."""
        there = self._gantt.children and self._shown.value == _SHOWN[0]
        return {"Gantt": self._gantt.children[0]} if there else {}

    def code_lines(self) -> list[str]:
        """Give the cell that lists the kept sessions."""
        return ["session.maintenance.planning.sessions()"]

    def close(self) -> None:
        """End the search, and take the chart away."""
        self._search.close()
        self.recolour()

    # ---- callbacks

    @callback
    def on_make(self, pressed: widgets.Button) -> None:
        """Plan all open orders, and propose it."""
        del pressed
        self._begin("", self.desk.planning.propose)

    @callback
    def on_what_if(self, pressed: widgets.Button) -> None:
        """Plan as it is and as it would be, and propose the latter."""
        del pressed
        self._begin(self.questions.words(), partial(self.desk.planning.what_if, self.questions.change()))

    @callback
    def on_stop(self, pressed: widgets.Button) -> None:
        """End the search."""
        del pressed
        self._search.stop()

    @callback
    def on_accept(self, pressed: widgets.Button) -> None:
        """Keep the proposal."""
        del pressed
        if self.proposal is None:
            raise ViewError("There is no proposal.", "Plan first.")
        self.desk.planning.keep(self.proposal, self.view.who)
        self._done(f"The plan of {len(self.proposal.placements)} orders is kept.")

    @callback
    def on_discard(self, pressed: widgets.Button) -> None:
        """Forget the proposal."""
        del pressed
        self.proposal = self.comparison = None
        self.by_hand.told.value = ""
        self.view.outdate()

    @callback
    def on_shown(self, change: dict[str, Any]) -> None:
        """Show the chart, a week or a month."""
        del change
        if not self.quiet:
            self._draw()
            self.view.moved()

    @callback
    def on_earlier(self, pressed: widgets.Button) -> None:
        """Go a week back."""
        del pressed
        self._go(-_DAYS)

    @callback
    def on_later(self, pressed: widgets.Button) -> None:
        """Go a week on."""
        del pressed
        self._go(_DAYS)

    @callback
    def on_pick(self, number: str) -> None:
        """Choose an order of the plan."""
        self.by_hand.told.value = ""
        self._choose(number)
        self.view.moved()

    @callback
    def on_conflict(self, name: str) -> None:
        """Choose the order of a conflict, and go to where it is."""
        number = name.partition("#")[0]
        rows = self.sessions[self.sessions["number"] == number]
        if len(rows):
            self._first = _monday(rows["start"].iloc[0].date()).isoformat()
            self._draw()
        self._choose(number)
        self.view.moved()

    @callback
    def on_open(self, name: str) -> None:
        """Show an order with its checklist."""
        self.view.lead(name.partition("#")[0])

    @callback
    def on_open_order(self, pressed: widgets.Button) -> None:
        """Show the chosen order with its checklist."""
        del pressed
        self.view.lead(self.number)

    @callback
    def on_drop(self, text: str) -> None:
        """Put an order to another day or technician, at the same hour."""
        number, _, slot = text.partition("\t")
        technician, _, day = slot.rpartition("|")
        rows = self.sessions[self.sessions["number"] == number]
        if rows.empty:
            raise ViewError(f"{number} has no place in the plan.", "Plan it first.")
        hour = rows["start"].iloc[0].time()
        self._put(number, technician, datetime.combine(date.fromisoformat(day), hour, UTC))

    @callback
    def on_place(self, pressed: widgets.Button) -> None:
        """Put the chosen order where the fields say."""
        del pressed
        self._put(self.number, *self.by_hand.wanted())

    @callback
    def on_fix(self, pressed: widgets.Button) -> None:
        """Fix the chosen order where it is, or let it move again."""
        del pressed
        frozen = not self._fixed(self.number)
        self.desk.planning.freeze(self.number, self.view.who, frozen=frozen)
        self._done(f"{self.number} is {'fixed' if frozen else 'free to move'}.")

    @callback
    def on_ics(self, pressed: widgets.Button) -> None:
        """Save the kept plan as a calendar."""
        del pressed
        content = plan_calendar(self.desk.planning.sessions(), self.view.session.clock())
        self._saved.value = calendar_link("plan.ics", content)

    # ---- searching

    def _begin(self, asked: str, work: Callable[[Stop], Any]) -> None:
        self._asked, self.by_hand.told.value = asked, ""
        limit = round(self.desk.planning.options.time_limit) * (2 if isinstance(work, partial) else 1)
        self._search.start(work, f"Planning {len(self.desk.orders.list())} orders, second", limit)
        self._enable()

    def _propose(self, found: Any) -> None:
        self.comparison = found if isinstance(found, Comparison) else None
        self.proposal = found if self.comparison is None else self.comparison.after
        if self.proposal.placements:
            self._first = _monday(self.proposal.placements[0].start.date()).isoformat()

    def _end(self) -> None:
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
        """First day shown: as chosen, else that of the first session that is not over, else today's week."""
        if self._first:
            return _monday(date.fromisoformat(self._first))
        now = self.view.session.clock()
        ahead = self.sessions[self.sessions["end"] > now]["start"] if len(self.sessions) else self.sessions["start"]
        return _monday(ahead.min().date() if len(ahead) else now.date())

    def _draw(self) -> None:
        mode, first, now = self._shown.value, self._monday, pd.Timestamp(self.view.session.clock())
        nobody = not self._people
        self._empty.value = _NOBODY if nobody else ""
        self._gantt.layout.display = None if mode == _SHOWN[0] and not nobody else "none"
        self.calendar.layout.display = "none" if mode == _SHOWN[0] or nobody else None
        if nobody:
            return
        if mode == _SHOWN[0]:
            given = (self.sessions, self._people, first, _DAYS, now)
            if self._plot is None:
                self._plot = gantt_figure(*given, tokens=self.view.tokens)
                self._gantt.children = (LiveChart(self._plot),)
            else:
                with self._gantt.children[0].together():
                    update_gantt(self._plot, *given, tokens=self.view.tokens)
        elif mode == "Week":
            self.calendar.html = week_markup(self.sessions, self._people, first, now.date())
        else:
            self.calendar.html = month_markup(self.sessions, first, now.date())

    def _go(self, days: int) -> None:
        self._first = (self._monday + timedelta(days=days)).isoformat()
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
                "A proposal is shown.", "Accept or discard it first: only the kept plan is changed by hand."
            )
        self.desk.planning.place(number, technician, start, self.view.who)
        self.number = number
        self._done(f"{number} is placed with {escape(technician)} at {start:%a %d %b %H:%M} UTC, and fixed there.")

    def _done(self, words: str) -> None:
        self.proposal = self.comparison = None
        self.view.changed()
        self.by_hand.told.value = f"<p role='status'>{words}</p>"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
