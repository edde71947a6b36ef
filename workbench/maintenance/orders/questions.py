"""Questions about what people enter: values that are allowed, and seldom meant."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workbench.maintenance.orders.failure_codes import NO_FAILURE
from workbench.maintenance.orders.table import WorkOrder
from workbench.maintenance.schedule.model import Problem, Technician
from workbench.maintenance.schedule.part_arrivals import part_arrivals
from workbench.maintenance.windows import Window, intersect, subtract

__all__ = [
    "MANY_HOURS",
    "completion_questions",
    "name_question",
    "order_questions",
    "place_questions",
    "purchase_questions",
    "similar_questions",
]

MANY_HOURS = 500.0
"""Hours of an order beyond which is asked: three months of one person."""


def order_questions(
    people: Sequence[Technician],
    now: datetime,
    *,
    hours: float | None = None,
    due: datetime | None = None,
    skills: Iterable[str] = (),
) -> tuple[str, ...]:
    """Return what to ask before an order is opened or changed; nothing where all is as usual.

    Parameters
    ----------
    people : sequence of Technician
        Technicians who take orders.
    now : datetime
        Present time, aware.
    hours : float, optional
        Estimated hours.
    due : datetime, optional
        Due date, aware.
    skills : iterable of str
        Skills that the work takes.
    """
    questions = []
    if hours is not None and hours > MANY_HOURS:
        questions.append(f"{hours:g} hours are more than three months of one person.")
    if due is not None and due < now:
        questions.append(f"The due date {due:%Y-%m-%d %H:%M} UTC has passed.")
    needed = set(skills)
    if needed and not any(needed <= person.skills for person in people):
        missing = sorted(needed - {skill for person in people for skill in person.skills})
        who = "No technician has" if missing else "No one technician has all of"
        questions.append(f"{who} {', '.join(missing or sorted(needed))}.")
    return tuple(questions)


def similar_questions(orders: Sequence[WorkOrder], asset_name: Callable[[str], str]) -> tuple[str, ...]:
    """Return what to ask before an order is opened where active orders are perhaps for the same work."""
    return tuple(
        f"{one.number} is {one.state} on {one.channel or asset_name(one.asset)} already: {one.title.rstrip('.')}."
        for one in orders
    )


def completion_questions(failure: str, verdict: str | None) -> tuple[str, ...]:
    """Return what to ask before an order is completed: a real fault where nothing had failed.

    Parameters
    ----------
    failure : str
        What the work found, of `FAILURE_KINDS`; empty where that is not said.
    verdict : str or None
        Verdict on the alerts of the order; None where there is none.

    Examples
    --------
    >>> completion_questions("none", "true")
    ('The alerts would be closed as real faults, although nothing had failed.',)
    >>> completion_questions("degradation", "true")
    ()
    """
    if failure.strip().lower() == NO_FAILURE and verdict is not None and verdict.strip().lower() == "true":
        return ("The alerts would be closed as real faults, although nothing had failed.",)
    return ()


def purchase_questions(now: datetime, ordered: datetime | None, expected: datetime | None) -> tuple[str, ...]:
    """Return what to ask before a purchase request is saved: an order of the future, or an arrival in the past.

    Parameters
    ----------
    now : datetime
        Present time, aware.
    ordered, expected : datetime or None
        When it was ordered, and when it should arrive, aware; None where that is not entered. The present day is
        neither past nor future.
    """
    questions = []
    if ordered is not None and ordered.date() > now.date():
        questions.append(f"The date of the order, {ordered:%Y-%m-%d}, has not come yet.")
    if expected is not None and expected.date() < now.date():
        questions.append(f"The expected date {expected:%Y-%m-%d} has passed.")
    return tuple(questions)


def name_question(what: str, name: str, near: str) -> tuple[str, ...]:
    """Return what to ask before a record is made under a name that is nearly one that exists.

    Parameters
    ----------
    what : str
        What the name is of, for example `technician`.
    name, near : str
        The new name, and the existing one; empty where none is near.
    """
    return (f"There is no {what} {name.strip()!r}, but {near!r} exists.",) if near else ()


def place_questions(
    person: Technician | None, now: datetime, start: datetime, number: str = "", problem: Problem | None = None
) -> tuple[str, ...]:
    """Return what to ask before an order is placed by hand: a time at which it is not likely to be done.

    That is a time of the past, a day of absence, hours outside the technician's own or outside the maintenance windows,
    a time at which they do another order, or one before the parts of the order come.

    Parameters
    ----------
    person : Technician or None
        Technician who would do it; None where they take no orders.
    now, start : datetime
        Present time, and start of the order, aware.
    number : str
        Number of the order.
    problem : Problem, optional
        What a plan is made from, with the order and the saved plan; only the start is looked at where omitted.
    """
    questions = [f"{start:%Y-%m-%d %H:%M} UTC has passed."] if start < now else []
    absent = False
    if person is None:
        questions.append("The technician takes no orders.")
    elif person.calendar is not None:
        day = start.astimezone(ZoneInfo(person.calendar.timezone)).date()
        absent = day in person.calendar.closed
        if absent:
            questions.append(f"{person.name} is absent on {day:%a %d %b %Y}.")
    job = None if problem is None else next((one for one in problem.jobs if one.number == number), None)
    if problem is None or job is None or person is None:
        return tuple(questions)
    span = Window(start, start + timedelta(hours=job.hours))
    if not absent:
        questions += _outside_hours(person, span, job.number, problem)
    for other in problem.previous:
        busy = intersect(other.sessions, (span,)) if other.technician == person.name and other.job != number else ()
        if busy:
            questions.append(f"{person.name} does {other.job} from {_when(busy[0].start)} to {_when(busy[-1].end)}.")
    arrival, part, pieces = part_arrivals(problem).get(number, (start, "", 0))
    if arrival is None:
        questions.append(f"{number} lacks {pieces} x {part}, and nobody knows when they come.")
    elif arrival > start:
        questions.append(f"{number} lacks {pieces} x {part} until {_when(arrival)}.")
    return tuple(questions)


def _outside_hours(person: Technician, span: Window, number: str, problem: Problem) -> list[str]:
    """Return what to ask where an order would be done outside the hours of a technician."""
    work = problem.windows.windows(span.start, span.end)
    if person.calendar is not None:
        work = intersect(work, person.calendar.windows(span.start, span.end))
    outside = sum(part.hours for part in subtract((span,), work))
    if not outside:
        return []
    words = f"{number} would be done from {_when(span.start)} to {_when(span.end)}"
    return [f"{words}: {outside:.3g} h of it lie outside the hours of {person.name}."]


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
